// The files that a conda's installer leaves at PREFIX beside its packages, as one artifact: the conda executable, its
// libraries, .condarc, LICENSE.txt, conda-meta/{history,frozen,initial-state.explicit.txt}, pkgs/urls …
#pragma once

#include "generator/conda/constructor.hpp"
#include "generator/parcel/artifact.hpp"

namespace tinderbox::assemble {

// Leaves out files that name the prefix: the linker writes those. Contents are read from `path`, the .sh that
// `installer` was read from; both have to outlive the artifact. metadata(): {kind: "base", name, version}.
Result<std::unique_ptr<parcel::Artifact>> open_base_files(const fs::path& path,
                                                          const conda::ConstructorInstaller& installer);

} // namespace tinderbox::assemble
