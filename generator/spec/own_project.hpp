// The project that a SPEC belongs to: a pyproject.toml describes it, and a uv.lock lies beside it. Its dependencies are
// the request; its own package is a source directory, and only a build of it gives a wheel (Request::project).
#pragma once

#include "generator/spec/request.hpp"
#include "generator/spec/toml.hpp"

namespace tinderbox::spec {

// nullopt: the file has no project, or one without a package of its own, as uv judges it: no [build-system], or
// tool.uv.package = false. `path`: of the pyproject.toml. Errors: usage (a field of another type).
Result<std::optional<OwnProject>> project_of_pyproject(const TomlFile& file, const std::string& path);

// nullopt: a lock of another kind, or of a "virtual" project. `path`: of the lock.
std::optional<OwnProject> project_of_lock(const ForeignLock& lock, const std::string& path);

} // namespace tinderbox::spec
