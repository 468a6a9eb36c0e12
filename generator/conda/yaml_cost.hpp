// What a YAML text would cost to read, told from the parser's events before a tree is built. Aliases are followed in
// the count: nine lines of ten aliases each are a billion values ("billion laughs"). Thread-safe.
//
// Spec: YAML 1.2.2, section 7.1 (alias nodes).
#pragma once

#include "common/base/budget.hpp"

namespace tinderbox::conda {

// A tree of half a million values takes some 400 MB. The lock of a large project has 100,000.
inline constexpr Budget yaml_budget{.bytes = 64u << 20, .nodes = 500'000, .depth = 100};

struct YamlCost {
    int documents = 0; // counting stops at the second: of some broken texts yaml-cpp makes documents without end
};

// Spends bytes of scalars, nodes and depth. Errors: over the budget, an alias inside of what it names (kind usage,
// beginning with `input`). Throws YAML::Exception for a text that is no YAML, as the YAML::Load that follows would, so
// that one handler words it.
Result<YamlCost> count_yaml(const std::string& text, const std::string& input, const Budget& budget = yaml_budget);

} // namespace tinderbox::conda
