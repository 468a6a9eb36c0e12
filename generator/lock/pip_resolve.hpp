// The pip part of a lock: wheels from locks of other tools, and wheels that are resolved on top of conda's packages.
#pragma once

#include "generator/lock/make_lock.hpp"
#include "generator/pip/source_archive.hpp"
#include "generator/pip/target.hpp"

namespace tinderbox::lock {

// Wheels without a Python; the message says how to name one.
Error no_python();

// Sets the Python of `target`: that of the conda package `python`, else the captured one of `options`. Errors (usage):
// both exist; none exists although one is `needed`.
Status set_target_python(const std::vector<LockedArtifact>& conda, const LockOptions& options, bool needed,
                         pip::Target& target);

// Options to build a source archive into a wheel for this lock. `conda`: packages that may contain the environment's
// Python. `options` has to outlive the result.
pip::WheelBuilderOptions builder_options(const pip::Options& pip, const LockOptions& options, const pip::Target& target,
                                         const std::vector<LockedArtifact>& conda);

// Whether the request names a lock of another tool with wheels, which need a Python.
bool names_locked_wheels(const spec::Request& request);

// Adds the request's wheels to out.lock.artifacts, which has conda's packages. Errors: usage, unsatisfiable, network.
Status add_wheels(spec::Request request, LockOptions options, const pip::Target& target, fetch::Fetcher& fetcher,
                  MadeLock& out);

} // namespace tinderbox::lock
