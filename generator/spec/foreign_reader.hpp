// Shared by the four readers of foreign locks. Not for use outside generator/spec.
#pragma once

#include "generator/spec/foreign_lock.hpp"
#include "generator/spec/reader.hpp"
#include "generator/spec/yaml.hpp"

namespace tinderbox::spec {

// Hashes as (algorithm, digest).
using Digests = std::vector<std::pair<std::string, std::string>>;
// Adds hashes of any algorithm; one with an empty digest is none. Errors (usage): an algorithm that cannot be checked,
// another length, other characters.
Status add_hashes(ForeignFile& out, const Digests& digests, const pip::SourceLine& line);
// The same for uv's "sha256:HEX"; "" is none.
Status add_hash(ForeignFile& out, std::string_view hash, const pip::SourceLine& line);
// The hashes among a mapping's keys: "sha256: HEX", "md5: HEX". Without `all`, keys that name no algorithm are others'.
Result<Digests> digests_of(const YamlFile& file, const YAML::Node& map, bool all);

// A URL, or a path, which starts beside the lock.
std::string location_of(std::string_view text, const std::string& lock_path);
// The last element of a URL or path, decoded.
std::string file_name_of(std::string_view location);

// Takes URL or path, a conda package's file name and hashes into one conda package. Hashes behind the URL count, too.
Status set_conda_location(ForeignPackage& out, std::string_view location, const std::string& lock_path,
                          const Digests& digests);
// Sets the location of a pip package: a wheel, a source archive, or a source that must be built.
Status set_pypi_location(ForeignPackage& out, std::string_view location, const std::string& lock_path,
                         const Digests& digests);
// A pip package without a version has that of its file: PEP 751 makes the field optional.
void set_version_of_file(ForeignPackage& out);

// For messages: "numpy 1.0".
std::string describe(const ForeignPackage& package);

} // namespace tinderbox::spec
