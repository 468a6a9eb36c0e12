// The info/ directory of a conda package as an artifact of its own: what conda's package cache has of a package beside
// the files that are linked into a prefix. It rides along only where such a cache can be kept (docs/base.md).
#pragma once

#include "generator/conda/package.hpp"

namespace tinderbox {

// Entries are below "info/"; info/repodata_record.json is left out, because whoever installs writes it. metadata() is
// {kind: "conda-info", name: the package's file name}. Errors as open_conda_package().
Result<std::unique_ptr<Artifact>> open_conda_info(const fs::path& path, const CondaOpenOptions& options = {});

} // namespace tinderbox
