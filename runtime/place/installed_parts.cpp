#include "runtime/place/installed_parts.hpp"

#include <algorithm>
#include <array>

namespace tinderbox::place {
namespace {

constexpr std::array<std::string_view, 3> texts = {"env", "env base", "env base packages"};

} // namespace

std::string_view to_string(InstalledParts parts) { return texts[static_cast<std::size_t>(parts)]; }

std::optional<InstalledParts> installed_parts(std::string_view text) {
    const auto found = std::ranges::find(texts, text);
    if (found == texts.end()) return std::nullopt;
    return static_cast<InstalledParts>(found - texts.begin());
}

} // namespace tinderbox::place
