// Pass "compile": the environment's own interpreter compiles the .py files of each parcel into one more parcel.
#pragma once

#include "generator/build/pack.hpp"

namespace tinderbox::build {

// Adds the bytecode behind the inputs, unless the lock leaves compiling to the installation. Errors: usage (the
// interpreter does not run here), storage.
Status compile(const Options& options, const lock::Lock& lock, const Captured& captured, Packed& packed,
               Reporter& reporter);

} // namespace tinderbox::build
