// Fuzz target for match specs, version expressions and versions: any text is parsed or gives an error, and parsed specs
// can be matched. See zip_fuzz.cpp for how it is run.
#include "common/base/file.hpp"
#include "generator/conda/match_spec.hpp"

#include "tests/fuzz/mutate.hpp"

#include <cstdint>

using namespace tinderbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    auto version = conda::VersionOrder::parse(text);
    if (version.ok() && (*version != *version || !version->starts_with(*version))) __builtin_trap();
    (void)conda::dependency_name(text);
    auto spec = conda::MatchSpec::parse(text);
    if (!spec.ok()) {
        if (spec.error().message.empty()) __builtin_trap();
        return 0;
    }
    for (const char* one : {"1.0", "2.5.1rc1", "1!3+cu113", "0"}) {
        auto other = conda::VersionOrder::parse(one);
        conda::RecordView candidate;
        candidate.version = &*other;
        candidate.build = "py39_0";
        (void)spec->matches(candidate, {"https://conda.anaconda.org/conda-forge"});
    }
    return 0;
}
