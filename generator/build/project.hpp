// The package of the project that a SPEC belongs to: refused, left out with --no-project, or built with --with-project.
#pragma once

#include "generator/build/capture.hpp"
#include "generator/build/options.hpp"
#include "generator/spec/request.hpp"

namespace tinderbox::build {

// For a request that was read from `path`. With --with-project the project's directory becomes a source archive in the
// cache, and the request asks for it: its own backend builds the wheel, as with --allow-sdist. Git's ignored files and
// environments stay out of the archive; without git, caches and earlier builds, too. Equal files give an equal archive.
// Errors: usage (a package of its own and none of the two options), storage.
Status add_own_project(const Options& options, const std::string& path, spec::Request& request);

// The source archives of the captured environment's editable installations, made in the same way. Errors: usage (the
// source directory is not known, or gone), storage.
Result<std::vector<lock::SourceProject>> archive_editable(const Captured& captured);

} // namespace tinderbox::build
