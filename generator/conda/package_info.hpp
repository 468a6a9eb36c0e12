// The info/ directory of a conda package as an artifact of its own: the part of a package in conda's package cache that
// is not linked into a prefix. It is packed only where such a cache can be kept (docs/building/base.md).
#pragma once

#include "generator/conda/package.hpp"

namespace tinderbox::conda {

// Entries are below "info/"; info/repodata_record.json is left out, because the installing program writes it.
// metadata() is {kind: "conda-info", name: the package's file name}. Errors as open_conda_package().
Result<std::unique_ptr<parcel::Artifact>> open_info(const fs::path& path, const OpenOptions& options = {});

} // namespace tinderbox::conda
