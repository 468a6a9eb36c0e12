// Fuzz target for versions and specifiers (PEP 440): one line is a version, or a set of clauses, or both.
#include "mutate.hpp"

#include "common/base/text.hpp"
#include "generator/pip/version.hpp"

using namespace tinderbox;
using namespace tinderbox::pip;

namespace {

// A parsed version prints to a text that parses to the same version.
void check(const pip::Version& version) {
    auto again = pip::Version::parse(version.str());
    if (!again || *again != version || again->str() != version.str()) __builtin_trap();
    if (!(version.public_version() <= version) || version.base_version().str() != version.base_str()) __builtin_trap();
    (void)version.first_development();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 1u << 14));
    std::vector<pip::Version> versions;
    std::vector<pip::SpecifierSet> sets;
    for (std::string_view line : split_lines(text)) {
        if (versions.size() + sets.size() > 40) break;
        if (auto version = pip::Version::parse(line)) {
            check(*version);
            versions.push_back(std::move(*version));
        }
        auto set = pip::SpecifierSet::parse(line);
        if (!set) {
            if (set.error().kind != ErrorKind::usage || set.error().message.empty()) __builtin_trap();
            continue;
        }
        auto again = pip::SpecifierSet::parse(set->str());
        if (!again || again->str() != set->str()) __builtin_trap();
        sets.push_back(std::move(*set));
    }
    for (const pip::Version& a : versions)
        for (const pip::Version& b : versions) {
            auto one = a <=> b, other = b <=> a;
            if ((one == 0) != (other == 0) || (one < 0) != (other > 0)) __builtin_trap();
        }
    for (const pip::SpecifierSet& set : sets)
        for (const pip::Version& version : versions)
            // without pre-releases a set only shrinks
            if (set.contains(version) && !set.matches(version)) __builtin_trap();
    return 0;
}
