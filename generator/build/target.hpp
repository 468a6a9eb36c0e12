// Checks --target-gpu and --target-driver against a lock before anything is downloaded.
#pragma once

#include "generator/build/request.hpp"

namespace tinderbox::build {

// As far as the names of packages and cached parcels tell; nothing is checked without a target. Error (machine): the
// target cannot run it.
Status check_planned_target(const Options& options, const Requested& requested, const lock::Lock& lock);

} // namespace tinderbox::build
