// Fuzz target for the metadata inside a conda package: paths.json, index.json, link.json, and the lists of older
// formats.
#include "common/base/member_path.hpp"
#include "mutate.hpp"

#include "generator/conda/declared_imports.hpp"
#include "generator/conda/info.hpp"

#include "common/base/text.hpp"

#include <nlohmann/json.hpp>

using namespace tinderbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    auto check = [](const Result<std::vector<conda::PathEntry>>& paths) {
        if (!paths.ok()) {
            if (paths.error().kind != ErrorKind::usage || !paths.error().message.starts_with("fuzz")) __builtin_trap();
            return;
        }
        for (const conda::PathEntry& path : *paths)
            if (!safe_relative_path(path.path).ok()) __builtin_trap();
    };
    check(conda::parse_paths_json(text, "fuzz:info/paths.json"));
    check(conda::parse_legacy_paths({text, text, std::nullopt, std::nullopt}, "fuzz"));
    (void)conda::parse_index_json(text, "fuzz:info/index.json");
    (void)conda::parse_link_json(text, "fuzz:info/link.json");
    (void)conda::declared_imports(
        {{"info/test/run_test.py", text}, {"info/tests/tests.yaml", text}, {"info/tests/0/python_test.json", text}});
    return 0;
}
