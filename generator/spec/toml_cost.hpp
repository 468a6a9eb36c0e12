// What a TOML text would cost to read, told without reading it: toml11 calls itself for each bracket and each part of
// a dotted key, and a value costs it half a kilobyte. Not for use outside generator/spec.
//
// Spec: TOML 1.0.0.
#pragma once

#include "common/base/budget.hpp"

namespace tinderbox::spec {

// The uv.lock of a large project has 100,000 values.
inline constexpr Budget toml_budget{.nodes = 500'000, .depth = 100};

// Spends nodes on '=', ',' and brackets outside of strings and comments, depth on open brackets and on the dots of
// keys. Whether it is TOML at all says the parser. Errors (usage): over the budget; they begin with `path`.
Status check_toml_cost(std::string_view text, const std::string& path, const Budget& budget = toml_budget);

} // namespace tinderbox::spec
