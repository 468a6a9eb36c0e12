// The project that a SPEC belongs to: a pyproject.toml describes it, and a uv.lock lies beside it. Its dependencies are
// the request; its own package is a source directory, and only a build of it gives a wheel.
#pragma once

#include "common/base/file.hpp"
#include "generator/spec/request.hpp"

namespace tinderbox::spec {

struct OwnProject {
    std::string name, version; // as written; version "0" when only its build backend knows it
    fs::path directory;
};

// nullopt: the request has no project, or one without a package of its own, as uv judges it: no [build-system], or
// tool.uv.package = false; in uv.lock "virtual". `path`: the file that the request was read from. Errors (usage): those
// of reading it again.
Result<std::optional<OwnProject>> own_project(const Request& request, const std::string& path);

} // namespace tinderbox::spec
