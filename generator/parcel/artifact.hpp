// An artifact: a wheel, a conda package, a captured prefix, or anything else that is packed into one parcel.
//
// Readers (generator/pip/wheel, generator/conda/package, generator/capture) make Artifacts; the packer
// (generator/parcel/pack) turns one into a parcel and knows nothing of formats.
#pragma once

#include "common/base/result.hpp"
#include "common/format/table.hpp"
#include "generator/archive/byte_source.hpp"

#include <nlohmann/json.hpp>

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tinderbox::parcel {

// The form in which the old prefix occurs in a file (conda's has_prefix / paths.json file_mode).
enum class PrefixMode : std::uint8_t { none, text, binary };

// One file, directory or symlink of the artifact, at its symbolic destination. Paths are already safe and unique
// (readers refuse anything else with the artifact's and the member's name).
struct Entry {
    format::Root root = format::Root::env;
    format::EntryKind kind = format::EntryKind::file;
    std::uint16_t mode = 0644;
    std::int64_t mtime = -1; // -1: the lock's source mtime is used
    std::string path;
    std::string link;       // symlink target, verbatim ('\x01' + rest: absolute below the prefix)
    std::uint64_t size = 0; // of a file's content
    PrefixMode prefix_mode = PrefixMode::none;
    std::string placeholder; // the old prefix to look for, when prefix_mode != none
    // A script whose first line is replaced: the new line with '\x01' for the prefix (wheels' "#!python"), else "".
    std::string shebang;
    std::uint8_t flags = format::destination_none;
    bool drop_bytecode = false; // a captured .pyc that holds the old prefix: the packer leaves it out
    std::string sha256;         // hex, declared by the artifact (RECORD, paths.json); "" unknown. The packer checks
                                // it and reports a mismatch as Parcel::mismatches (not an error by itself).
};

// One licence text in the metadata, bytes.
inline constexpr std::uint64_t license_limit = 4u << 20;

// Errors of contents are of kind usage (a damaged or hostile artifact) or storage (reading it).
class Artifact {
  public:
    virtual ~Artifact() = default;

    // "numpy-2.1.0-cp311-…whl": for messages.
    virtual const std::string& display_name() const = 0;
    // Facts for the linker, kept in the parcel as JSON. Every kind has these fields:
    //   kind (artifact_kind.hpp), name, version, build, license, licenses: [{name, text}],
    //   requires_dist/depends, warnings: [string]. The others depend on the kind (entry points, index.json, …).
    virtual const nlohmann::json& metadata() const = 0;
    virtual std::span<const Entry> entries() const = 0;
    // Thread-safe. `entry` is an index of a file entry.
    virtual Result<std::unique_ptr<archive::ByteSource>> open(std::size_t entry) const = 0;
};

} // namespace tinderbox::parcel
