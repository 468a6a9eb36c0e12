// The classic mistakes of a GPU environment, told from its lock: warnings with a rule's name, so that a person can look
// it up (docs/building/solve.md) and a script can search for it. Nothing here is an error: the solve refuses everything
// that conda or pip would refuse.
#pragma once

#include "generator/lock/lock.hpp"
#include "generator/spec/request.hpp"

namespace tinderbox::advise {

struct LintWarning {
    std::string rule; // "unused-cudatoolkit"
    std::string text; // one sentence, with what to write instead
    std::string str() const { return text + " [" + rule + "]"; }
};

// `cuda` is --cuda, "" when it was not given. `request` may be empty (a build from a lock): then the rules that read
// its words are skipped.
std::vector<LintWarning> lint(const lock::Lock& lock, const spec::Request& request, const std::string& cuda);

} // namespace tinderbox::advise
