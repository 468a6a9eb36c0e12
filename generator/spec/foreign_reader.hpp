// What the four readers of foreign locks share. Not for use outside generator/spec.
#pragma once

#include "generator/spec/foreign_lock.hpp"
#include "generator/spec/reader.hpp"

namespace tinderbox {

// Sets `out` from a digest of `digits` hexadecimal digits; "" stays "". Error: it is none.
Status set_digest(std::string& out, std::string_view digest, std::size_t digits, const SourceLine& line);
// "sha256:HEX" of uv. Other algorithms are left out: the download gets its SHA-256 then.
Status set_hash(ForeignFile& out, std::string_view hash, const SourceLine& line);

// A URL, or a path, which starts beside the lock.
std::string place_of(std::string_view text, const std::string& lock_path);
// The last element of a URL or path, decoded.
std::string file_name_of(std::string_view place);

bool is_vcs_url(std::string_view url);
bool is_wheel(std::string_view file_name);
bool is_archive(std::string_view file_name); // a source distribution, by its ending

// Takes URL or path, a conda package's file name and hashes into one conda package.
Status set_conda_place(ForeignPackage& out, std::string_view place, const std::string& lock_path);
// The place of a pip package: a wheel, a source archive, or something that has to be built.
void set_pypi_place(ForeignPackage& out, std::string_view place, const std::string& lock_path, std::string_view sha256,
                    std::string_view md5);

// What it has to be called in messages: "numpy 1.0".
std::string describe(const ForeignPackage& package);

} // namespace tinderbox
