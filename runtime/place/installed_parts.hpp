// The parts of a tree, and their words in the state file and the journal. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tinderbox::place {

// Each value has the parts of those before it.
enum class InstalledParts : std::uint8_t {
    env,
    base,     // the base and its further environments
    packages, // the base's package cache
};

std::string_view to_string(InstalledParts parts);                     // "env", "env base", "env base packages"
std::optional<InstalledParts> installed_parts(std::string_view text); // nullopt: other words

} // namespace tinderbox::place
