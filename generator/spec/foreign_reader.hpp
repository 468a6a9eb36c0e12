// Shared by the four readers of foreign locks. Not for use outside generator/spec.
#pragma once

#include "generator/spec/foreign_lock.hpp"
#include "generator/spec/reader.hpp"

namespace tinderbox::spec {

// Sets `out` from a digest of `digits` hexadecimal digits; "" stays "". Error (usage): other characters, or another
// length.
Status set_digest(std::string& out, std::string_view digest, std::size_t digits, const pip::SourceLine& line);
// Sets "sha256:HEX" of uv. Other algorithms are left out; the download then computes the SHA-256.
Status set_hash(ForeignFile& out, std::string_view hash, const pip::SourceLine& line);

// A URL, or a path, which starts beside the lock.
std::string location_of(std::string_view text, const std::string& lock_path);
// The last element of a URL or path, decoded.
std::string file_name_of(std::string_view location);

// Takes URL or path, a conda package's file name and hashes into one conda package.
Status set_conda_location(ForeignPackage& out, std::string_view location, const std::string& lock_path);
// Sets the location of a pip package: a wheel, a source archive, or a source that must be built.
void set_pypi_location(ForeignPackage& out, std::string_view location, const std::string& lock_path,
                       std::string_view sha256, std::string_view md5);

// For messages: "numpy 1.0".
std::string describe(const ForeignPackage& package);

} // namespace tinderbox::spec
