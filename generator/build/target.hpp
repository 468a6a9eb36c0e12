// Checks --target-gpu and --target-driver against a lock before anything is downloaded.
#pragma once

#include "generator/build/request.hpp"

namespace tinderbox::build {

// Judges by the names of packages and by cached parcels. Without a target it checks nothing. Error (machine): the
// target cannot run the environment.
Status check_target(const Options& options, const Requested& requested, const lock::Lock& lock);

} // namespace tinderbox::build
