// The linker: parcels and a lock become one image – the file table, where each block's bytes come from, the
// manifest. It resolves symbolic roots, finds conflicts, and writes the files that no artifact holds (entry points,
// RECORD, conda-meta). It never reads the contents of files: the packer settled those.
#pragma once

#include "common/format/manifest.hpp"
#include "common/format/table.hpp"
#include "generator/conda/constructor.hpp"
#include "generator/lock/lock.hpp"
#include "generator/parcel/parcel.hpp"

#include <nlohmann/json_fwd.hpp>

namespace tinderbox::assemble {

// A parcel with the lock's entry for its artifact. `artifact` is null for a captured Python or prefix.
struct LinkInput {
    parcel::Parcel parcel;
    const lock::LockedArtifact* artifact = nullptr;
    // The parcel holds bytecode compiled for input `bytecode_of` (an index), and belongs to its package.
    std::optional<std::size_t> bytecode_of;
    // The prefix that it is linked into. A package in several prefixes is several inputs with one parcel.
    format::Root root = format::Root::env;
    // The parcel holds the info/ of input `info_of` (a conda package of the base), for the package cache.
    std::optional<std::size_t> info_of;
    std::string repodata_record; // of a package of the base: JSON that its installer ships; "" = unknown
};

// Where a block of the image is read from.
struct BlockSource {
    std::uint32_t input = 0; // index into the inputs; memory_input: Image::memory
    std::uint64_t offset = 0;
};
inline constexpr std::uint32_t memory_input = UINT32_MAX;

struct Image {
    format::Table table;              // final paths; Block::offset is set by the writer
    std::vector<BlockSource> sources; // one a block
    Bytes memory;                     // payload of the generated files' blocks
    format::Manifest manifest;        // without sections
    std::string licenses;             // all licence texts, for --license
    std::vector<std::string> warnings;
};

// The image's next block: `raw` bytes, compressed as `packed`.
void add_memory_block(Image& image, std::size_t raw, ByteView packed);

// The conda at PREFIX. Its packages are inputs with Root::base, in the order in which its installer links them.
struct BaseLink {
    const conda::ConstructorInstaller& installer;
    lock::LockedBase locked;
    format::PythonInfo python;
    std::vector<format::FurtherEnvironment>
        environments; // as installer.environments; their packages have further_environment(n)
};

struct LinkOptions {
    std::string name;                              // NAME of NAME.run
    parcel::Level level = parcel::Level::standard; // for the manifest
    bool strict = false;                           // warnings about damaged or foreign contents are errors
    const BaseLink* base = nullptr;
};

// A prefix's Python: captured, or from a conda package. nullopt: the prefix has none. Error (usage): its package
// "python" has no interpreter.
Result<std::optional<format::PythonInfo>> find_python(const std::vector<LinkInput>& inputs, format::Root root);

// Thread-safe. `inputs`: captured, conda packages in link order, wheels, includes, base; bytecode behind them. `python`
// is the environment's; null: it has none, and then no wheels. Errors: usage (conflicts, a package that does not fit;
// with `strict` every warning), bug.
Result<Image> link(const lock::Lock& lock, const format::PythonInfo* python, const std::vector<LinkInput>& inputs,
                   const LinkOptions& options);

// The path of a symbolic destination below its prefix, whose Python is `python`.
std::string final_path(const format::PythonInfo& python, const nlohmann::json& metadata, format::Root root,
                       const std::string& path);

} // namespace tinderbox::assemble
