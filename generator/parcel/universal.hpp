// Packages made for every platform: wheels whose tags all end in "any" (PEP 425), conda's noarch packages (CEP 20).
// Such a package must work where its compiled files do not load: they are extras, as debugpy's library for attaching.
#pragma once

#include "generator/parcel/artifact.hpp"

namespace tinderbox::parcel {

// Whether the file at `path` (of an Entry) belongs to such a package. `metadata` is Artifact::metadata(); a captured
// prefix names the files of its packages. Thread-safe.
bool is_of_universal_package(const nlohmann::json& metadata, const std::string& path);

// `tags` as WHEEL has them: ["py3-none-any"]. Without tags: false.
bool fits_every_platform(const std::vector<std::string>& tags);

} // namespace tinderbox::parcel
