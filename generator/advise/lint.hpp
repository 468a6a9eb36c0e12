// Typical mistakes of a GPU environment, found in its lock. Each is a warning with a rule's name, so that a person can
// look it up (docs/building/solve.md) and a script can search for it. None is an error: the solve refuses everything
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

// `cuda`: --cuda, "" when absent. `request` may be empty (a build from a lock): then rules that read its text are
// skipped.
std::vector<LintWarning> lint(const lock::Lock& lock, const spec::Request& request, const std::string& cuda);

} // namespace tinderbox::advise
