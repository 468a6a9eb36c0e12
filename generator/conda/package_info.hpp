// The info/ directory of a conda package as an artifact of its own: what conda's package cache has of a package beside
// the files that are linked into a prefix. It rides along only where such a cache can be kept (docs/building/base.md).
#pragma once

#include "generator/conda/package.hpp"

namespace tinderbox::conda {

// Entries are below "info/"; info/repodata_record.json is left out, because whoever installs writes it. metadata() is
// {kind: "conda-info", name: the package's file name}. Errors as open_conda_package().
Result<std::unique_ptr<parcel::Artifact>> open_info(const fs::path& path, const OpenOptions& options = {});

} // namespace tinderbox::conda
