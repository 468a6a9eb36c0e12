// Conda packages as artifacts: .conda (a zip of two zstd tars; CEP 6) and .tar.bz2 (one tar).
//
// Only files listed in info/paths.json are installed (in older packages: info/files with has_prefix, no_link and
// no_softlink). A listed path that is missing is an error. A member that is not listed is left out with a warning, as
// conda and rattler do. Hostile content is an error: a path or link that leaves the prefix, a device node, one path
// listed in two ways. Names that differ in case only are legal. Errors are of kind `usage`: "ARTIFACT:MEMBER: …"; I/O
// errors are of kind `storage`.
//
// When metadata() or entries() change, conda_reader_version (generator/parcel/key.hpp) is raised.
// metadata() has artifact.hpp's common fields and, under "conda", what link.hpp needs:
//   index         info/index.json, checked (subdir and build_number filled in)
//   noarch        "", "generic" or "python"
//   paths         [{_path, path_type, sha256?, size_in_bytes, no_link?, file_mode?, prefix_placeholder?}], as
//                 conda records them, but with paths in the package, in the order of entries()
//   entry_points  [{command, module, function}] of a noarch python package
//   scripts       {"post-link": PATH, "pre-unlink": PATH}, where the package has them
// Also "imports" (the modules that its own test imports) and "about" {home, summary, …: strings of info/about.json}.
#pragma once

#include "common/base/file.hpp"
#include "generator/parcel/artifact.hpp"

#include <memory>

namespace tinderbox::conda {

struct OpenOptions {
    std::string name;         // what errors call the package; "" = the file's name
    fs::path spool_directory; // where unpacked contents go that do not fit in memory; "" = the cache directory
    std::uint64_t memory_limit = 64u << 20; // bytes of unpacked contents kept in memory
    bool with_md5 = false;                  // metadata gets "md5" of the package's file
};

// Reads the whole package once. The contents are kept in memory, or in a file that is removed with the artifact, so
// that entries can be opened in any order and from several threads.
Result<std::unique_ptr<parcel::Artifact>> open_package(const fs::path& path, const OpenOptions& options = {});

} // namespace tinderbox::conda
