// Fuzz target for requirements and markers (PEP 508), wheel names (PEP 427) and METADATA, which is made of them.
#include "mutate.hpp"

#include "common/base/text.hpp"
#include "generator/pip/metadata.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/pip/tags.hpp"

using namespace tinderbox;
using namespace tinderbox::pip;

namespace {

void check(const Requirement& requirement, const MarkerEnvironment& environment) {
    if (requirement.name.empty() || normalize_name(requirement.name) != requirement.name ||
        !is_valid_name(requirement.written_name))
        __builtin_trap();
    for (const std::string& extra : requirement.extras)
        if (normalize_name(extra) != extra) __builtin_trap();
    (void)requirement.applies(environment);
    (void)requirement.applies(environment, {"test", "gpu"});
    if (!requirement.marker) return;
    // A marker printed and read again decides alike.
    auto again = Marker::parse(requirement.marker->str());
    if (!again || again->evaluate(environment) != requirement.marker->evaluate(environment)) __builtin_trap();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const MarkerEnvironment environment = marker_environment(Target{});
    const std::string text(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 1u << 16));
    for (std::string_view line : split_lines(text)) {
        auto requirement = Requirement::parse(line);
        if (requirement) check(*requirement, environment);
        else if (requirement.error().kind != ErrorKind::usage || requirement.error().message.empty()) __builtin_trap();
        if (auto marker = Marker::parse(line)) (void)marker->evaluate(environment, {"x"});
        if (auto wheel = parse_wheel_name(line);
            wheel && (wheel->tags.empty() || wheel->name != normalize_name(wheel->name)))
            __builtin_trap();
        (void)parse_sdist_name(line, "demo");
    }
    Metadata metadata = parse_metadata(text);
    for (const std::string& line : metadata.requires_dist)
        if (auto requirement = Requirement::parse(line)) check(*requirement, environment);
    return 0;
}
