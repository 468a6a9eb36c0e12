// The pip half of a lock: wheels that locks of other tools name, and wheels that are resolved on top of conda's
// packages.
#pragma once

#include "generator/lock/make_lock.hpp"
#include "generator/pip/source_archive.hpp"
#include "generator/pip/target.hpp"

namespace tinderbox::lock {

// Sets the Python of `target`: the conda package `python`'s, else the captured one of `options`. Errors (usage): both;
// none, when one is `needed`.
Status set_target_python(const std::vector<LockedArtifact>& conda, const LockOptions& options, bool needed,
                         pip::Target& target);

// How a source archive becomes a wheel for this lock. `conda`: the packages that may hold the environment's Python.
// `options` has to outlive the answer.
pip::WheelBuilderOptions builder_options(const pip::Options& pip, const LockOptions& options, const pip::Target& target,
                                         const std::vector<LockedArtifact>& conda);

// Whether a lock of another tool that the request names has wheels, which need a Python.
bool names_locked_wheels(const spec::Request& request);

// Adds the request's wheels to out.lock.artifacts, which has conda's packages. Errors: usage, unsatisfiable, network.
Status add_wheels(spec::Request request, LockOptions options, const pip::Target& target, fetch::Fetcher& fetcher,
                  MadeLock& out);

} // namespace tinderbox::lock
