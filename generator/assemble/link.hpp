// The linker: parcels and a lock become one image – the file table, where each block's bytes come from, the
// manifest. It resolves symbolic roots, finds conflicts, writes what no artifact holds (entry points, RECORD,
// conda-meta), and never looks at file contents again: those were settled when the parcels were packed.
#pragma once

#include "common/format/manifest.hpp"
#include "common/format/table.hpp"
#include "generator/assemble/generated.hpp"
#include "generator/conda/constructor.hpp"
#include "generator/lock/lock.hpp"
#include "generator/parcel/parcel.hpp"

#include <nlohmann/json_fwd.hpp>

namespace tinderbox {

// A parcel with what the lock says of its artifact. `artifact` is null for a captured Python or prefix.
struct LinkInput {
    Parcel parcel;
    const LockedArtifact* artifact = nullptr;
    // The parcel holds bytecode compiled for input `bytecode_of` (an index), and belongs to its package.
    std::optional<std::size_t> bytecode_of;
    // Which prefix it is linked into. A package that is in several is as many inputs with one parcel.
    Root root = Root::env;
    // The parcel holds the info/ of input `info_of` (a conda package of the base), for the package cache.
    std::optional<std::size_t> info_of;
    std::string repodata_record; // of a package of the base: what its installer ships (JSON), "" when nothing
};

// Where a block of the image is read from.
struct BlockSource {
    std::uint32_t input = 0; // index into the inputs; memory_input: Image::memory
    std::uint64_t offset = 0;
};
inline constexpr std::uint32_t memory_input = UINT32_MAX;

struct Image {
    Table table;                      // final paths; Block::offset is set by the writer
    std::vector<BlockSource> sources; // one a block
    Bytes memory;                     // payload of the generated files' blocks
    Manifest manifest;                // without sections
    std::string licenses;             // all licence texts, for --license
    std::vector<std::string> warnings;
};

// The conda at PREFIX. Its packages are inputs with Root::base, in the order in which its installer links them.
struct BaseLink {
    const ConstructorInstaller& installer;
    LockedBase locked;
    PythonInfo python;
    std::vector<FurtherEnvironment>
        environments; // as installer.environments; their packages have further_environment(n)
};

struct LinkOptions {
    std::string name;    // NAME of NAME.run
    std::string level;   // for the manifest
    bool strict = false; // warnings about damaged or foreign contents are errors
    const BaseLink* base = nullptr;
};

// A prefix's Python: from a conda package or a captured interpreter. Error (usage): there is none, and how to name one.
Result<PythonInfo> find_python(const std::vector<LinkInput>& inputs, Root root = Root::env);
// Of a conda prefix that may have none; the error is that its package is no Python.
Result<std::optional<PythonInfo>> find_conda_python(const std::vector<LinkInput>& inputs, Root root);

Result<Image> link(const Lock& lock, const PythonInfo& python, const std::vector<LinkInput>& inputs,
                   const LinkOptions& options);

// Where a symbolic destination lies below its prefix, whose Python is `python`.
std::string final_path(const PythonInfo& python, const nlohmann::json& metadata, Root root, const std::string& path);

} // namespace tinderbox
