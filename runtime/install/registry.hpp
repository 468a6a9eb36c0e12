// conda's list of environments: ~/.conda/environments.txt, where ~ is $HOME. `conda env list` reads it.
#pragma once

#include "common/format/manifest.hpp"
#include "runtime/place/place.hpp"

namespace tinderbox::install {

// Adds the prefix once. False: nothing to do ($HOME is not set, no conda-meta, or listed already). Kind storage: the
// list cannot be read or written. conda itself takes no lock, either.
Result<bool> register_environment(const fs::path& prefix);
// The prefixes of an installation that conda should know, in the order in which they were made.
std::vector<fs::path> prefixes_to_register(const format::Manifest& manifest, const place::Layout& layout);
Status unregister_environment(const fs::path& prefix);

} // namespace tinderbox::install
