// Fuzz target for pages of package indexes: HTML (PEP 503), JSON (PEP 691), and neither.
#include "mutate.hpp"

#include "generator/pip/html.hpp"
#include "generator/pip/index.hpp"
#include "generator/pip/select.hpp"

using namespace tinderbox;
using namespace tinderbox::pip;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    for (const char* type : {"text/html", "application/vnd.pypi.simple.v1+json",
                             "application/vnd.pypi.simple.v1+html; charset=utf-8", "", "text/plain"}) {
        auto files = pip::parse_index_page({text, "https://index.test/simple/demo/", type, 200});
        if (!files) {
            if (files.error().kind != ErrorKind::network ||
                files.error().message.find("index.test") == std::string::npos)
                __builtin_trap();
            continue;
        }
        for (const pip::IndexFile& file : *files) {
            if (file.file_name.empty() || file.url.empty() || file.url.find('#') != std::string::npos) __builtin_trap();
            if ((!file.sha256.empty() && file.sha256.size() != 64) || (!file.md5.empty() && file.md5.size() != 32))
                __builtin_trap();
            if (!file.metadata_sha256.empty() && (file.metadata_sha256.size() != 64 || !file.has_metadata))
                __builtin_trap();
            (void)pip::parse_wheel_name(file.file_name);
        }
    }
    for (const auto tags = pip::html_tags(text); const pip::HtmlTag& tag : *tags)
        if (tag.name.empty()) __builtin_trap();
    return 0;
}
