// Fuzz target for SPECs: environment.yml, requirements, @EXPLICIT, pyproject.toml, construct.yaml; any bytes are tried.
// An accepted request can be shown; refusals are usage errors that name the file.
#include "mutate.hpp"

#include "common/base/file.hpp"
#include "generator/spec/request.hpp"
#include "generator/spec/template.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

using namespace tinderbox;

namespace {

void check(const Error& error) {
    if (error.kind != ErrorKind::usage || error.message.empty()) __builtin_trap();
}

// Files that a SPEC names are looked up in an empty directory.
void leave_for_empty_directory() {
    static const auto directory = TemporaryDirectory::make();
    static const int changed = directory.ok() ? ::chdir(directory->path().c_str()) : -1;
    if (changed != 0) __builtin_trap();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    leave_for_empty_directory();
    const std::string text(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 1u << 16));
    for (const char* platform : {"linux-64", "win-64"}) {
        spec::LockChoice choice;
        choice.platform = platform;
        auto request = spec::parse_spec(text, "fuzz", choice);
        if (!request.ok()) {
            check(request.error());
            continue;
        }
        if (spec::to_json(*request).dump(-1, ' ', false, nlohmann::json::error_handler_t::strict).empty())
            __builtin_trap();
        if (Status bundled = spec::check_bundled(*request); !bundled.ok()) check(bundled.error());
        std::vector<spec::Request> twice{*request, *request};
        if (auto merged = spec::merge(std::move(twice)); !merged.ok()) check(merged.error());
    }
    if (auto rendered = spec::render_template(text, "fuzz", "linux-64"); !rendered.ok()) check(rendered.error());
    return 0;
}
