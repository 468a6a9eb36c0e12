// A Reporter that options may leave out.
#pragma once

#include "common/base/reporter.hpp"

namespace tinderbox {

// Null: nothing is shown.
inline Reporter& reporter_or_silent(Reporter* reporter) {
    static SilentReporter silent;
    return reporter ? *reporter : silent;
}

} // namespace tinderbox
