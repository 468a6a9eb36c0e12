// The classic mistakes of a GPU environment, told from its lock: warnings with a rule's name, so that a person can look
// it up (docs/solve.md) and a script can search for it. Nothing here is an error: what conda or pip would refuse is
// refused by the solve.
#pragma once

#include "generator/lock/lock.hpp"
#include "generator/spec/request.hpp"

namespace tinderbox {

struct LintWarning {
    std::string rule; // "unused-cudatoolkit"
    std::string text; // one sentence, with what to write instead
    std::string str() const { return text + " [" + rule + "]"; }
};

// `cuda` is --cuda, "" when it was not given. `request` may be empty (a build from a lock): then what only its words
// tell is not looked for.
std::vector<LintWarning> lint(const Lock& lock, const Request& request, const std::string& cuda);

} // namespace tinderbox
