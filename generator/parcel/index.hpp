// A parcel's `index` file (docs/inside/parcel.md): magic, pack version, the encoded table, the rest as JSON, its own
// hash.
#pragma once

#include "generator/parcel/parcel.hpp"

namespace tinderbox::parcel {

// Raised whenever the same artifact would give other bytes: levels, classes, block sizes, order, or this file's form.
inline constexpr std::uint32_t pack_version = 6;

inline constexpr std::string_view payload_name = "payload", index_name = "index";

// Checks the table as a reader will, then writes DIRECTORY/index and syncs the directory.
Status write_index(const Parcel& parcel, const fs::path& directory);

} // namespace tinderbox::parcel
