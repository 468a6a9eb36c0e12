// Fuzz target for requirements and markers (PEP 508), wheel names (PEP 427), and METADATA, which holds requirements.
#include "mutate.hpp"

#include "common/base/text.hpp"
#include "generator/pip/metadata.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/pip/tags.hpp"

using namespace tinderbox;
using namespace tinderbox::pip;

namespace {

void check(const pip::Requirement& requirement, const pip::MarkerEnvironment& environment) {
    if (requirement.name.empty() || pip::normalize_name(requirement.name) != requirement.name ||
        !pip::is_valid_name(requirement.written_name))
        __builtin_trap();
    for (const std::string& extra : requirement.extras)
        if (pip::normalize_name(extra) != extra) __builtin_trap();
    (void)requirement.applies(environment);
    (void)requirement.applies(environment, {"test", "gpu"});
    if (!requirement.marker) return;
    // A marker that is printed and parsed again gives the same decisions.
    auto again = pip::Marker::parse(requirement.marker->str());
    if (!again || again->evaluate(environment) != requirement.marker->evaluate(environment)) __builtin_trap();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const pip::MarkerEnvironment environment = pip::marker_environment(pip::Target{});
    const std::string text(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 1u << 16));
    for (std::string_view line : split_lines(text)) {
        auto requirement = pip::Requirement::parse(line);
        if (requirement) check(*requirement, environment);
        else if (requirement.error().kind != ErrorKind::usage || requirement.error().message.empty()) __builtin_trap();
        if (auto marker = pip::Marker::parse(line)) (void)marker->evaluate(environment, {"x"});
        if (auto wheel = pip::parse_wheel_name(line);
            wheel && (wheel->tags.empty() || wheel->name != pip::normalize_name(wheel->name)))
            __builtin_trap();
        (void)pip::parse_sdist_name(line, "demo");
    }
    pip::Metadata metadata = pip::parse_metadata(text);
    for (const pip::Requirement& requirement : metadata.requires_dist) check(requirement, environment);
    return 0;
}
