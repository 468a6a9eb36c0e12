// The pip of a captured interpreter: the wheel that its ensurepip brings, as `python -m venv` installs it.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/build/capture.hpp"
#include "generator/build/options.hpp"
#include "generator/lock/lock.hpp"

namespace tinderbox::build {

// Adds the wheel to a new `lock` when --python-from captured an interpreter, unless the lock has a pip or --no-pip is
// set. A Python without ensurepip is a note. Error (storage): the wheel cannot be read.
Status add_bundled_pip(const Options& options, const Captured& captured, lock::Lock& lock, Reporter& reporter);

} // namespace tinderbox::build
