// Pass "pack": every file becomes a parcel, in the linker's order.
#pragma once

#include "generator/assemble/link.hpp"
#include "generator/build/fetch.hpp"

#include <map>

namespace tinderbox::build {

// Points into the Downloads that it was packed from. Movable.
struct Packed {
    std::vector<assemble::LinkInput> inputs;  // captured, conda packages, wheels, includes, base; bytecode behind them
    std::optional<format::PythonInfo> python; // the environment's; nullopt: it has none, and no wheels
    std::map<std::size_t, lock::LockedArtifact> base_artifacts; // of the base's packages, by index
    std::optional<assemble::BaseLink> base;

    const format::PythonInfo* python_in(format::Root root) const; // null: that prefix has none
};

// Errors: usage (a damaged or hostile artifact; wheels without a Python), storage.
Result<Packed> pack(const Options& options, const Downloads& downloads, Captured& captured, Reporter& reporter);

} // namespace tinderbox::build
