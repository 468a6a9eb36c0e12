// The prefixes of an installation, as the manifest names them. Thread-safe.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::format {

enum class Root : std::uint8_t;
struct FurtherEnvironment;

enum class PrefixKind : std::uint8_t {
    env,     // the environment's
    base,    // the base's
    further, // of one of the base's further environments
};

struct PrefixName {
    PrefixKind kind = PrefixKind::env;
    std::string environment; // a further environment's name; "" otherwise

    bool is_env() const { return kind == PrefixKind::env; }
    auto operator<=>(const PrefixName&) const = default;
};

std::string to_string(const PrefixName& name);                 // "env", "base", "envs/NAME"
std::optional<PrefixName> prefix_named(std::string_view text); // the opposite; nullopt: no such name

// `environments`: the base's further ones, nullptr without a base.
PrefixName prefix_name(Root root, const std::vector<FurtherEnvironment>* environments);

} // namespace tinderbox::format
