// NAME.run: the sections, their order, and how they are found.
//
//   [header: POSIX sh, run_header_size bytes] [stub] [probes …] [manifest] [signature slot]
//   [file table] [padding to 4 KiB] [blocks …] [footer: footer_size bytes]
//
// All integers little-endian. Offsets count bytes of the logical file: with --split SIZE the volumes NAME.run,
// NAME.run.002, … are read as one. docs/inside/format.md says every byte.
//
// Hash chain: the footer holds the manifest's SHA-256 and its own; the manifest holds range and SHA-256 of every
// other section; the file table holds the SHA-256 of every block and content. Only the signature slot is outside.
#pragma once

#include "common/base/file.hpp"
#include "common/format/signature_slot.hpp"
#include "common/format/table.hpp"
#include "common/format/volumes.hpp"

#include <nlohmann/json_fwd.hpp>

#include <memory>

namespace tinderbox::format {

inline constexpr std::uint32_t run_format_version = 1;
inline constexpr std::uint64_t run_header_size = 16384;

inline constexpr std::uint64_t block_alignment = 4096; // start of the first block, and of large contents' blocks
inline constexpr std::size_t footer_size = 128;
inline constexpr std::string_view footer_magic = "TNDRBOX\n";

struct Section {
    std::string name; // "header", "stub", "probe:cuda_probe_12", "manifest", "signature", "table", "blocks", "footer"
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::optional<Sha256Digest> sha256; // nullopt: manifest (footer has it), signature, blocks (table), footer (itself)
};

struct Footer {
    std::uint32_t version = run_format_version;
    std::uint64_t total_size = 0;
    std::uint64_t manifest_offset = 0, manifest_size = 0;
    Sha256Digest manifest_sha256{};
};
Bytes encode(const Footer& footer);                // exactly footer_size bytes, the last 32 its own SHA-256
Result<Footer> decode_footer(ByteView last_bytes); // kind damaged

// Whether a file's first bytes, 4096 or all, are those of a NAME.run or of a further volume. open() finds other faults.
bool looks_like_run_head(std::string_view head);
bool looks_like_run(const fs::path& path); // never of a stream, whose bytes come once

// An opened .run. Thread-safe for reading.
class RunFile {
  public:
    // Reads and checks footer and manifest. A truncated file is "this file is incomplete: N of M bytes" (kind damaged);
    // M is the header's `total_size=` line. Further volumes are looked for beside the first one, then `find` is asked.
    static Result<RunFile> open(const fs::path& path, const VolumeFinder& find = {});

    RunFile(RunFile&&) noexcept;
    RunFile& operator=(RunFile&&) noexcept;
    ~RunFile();

    const nlohmann::json& manifest() const;
    const std::string& manifest_text() const; // the exact bytes
    const Sha256Digest& manifest_sha256() const;
    const std::vector<Section>& sections() const;
    const Section* section(std::string_view name) const;
    std::uint64_t total_size() const;      // of the logical file
    const fs::path& path() const;          // of the first volume
    std::vector<fs::path> volumes() const; // in order; one unless split

    Result<Table> table() const;                              // checks its hash, decompresses, decodes
    Result<Bytes> read_section(const Section& section) const; // checks its hash
    Status read_at(std::span<std::byte> out, std::uint64_t offset) const;
    // nullopt: the file is not signed. open() has read and checked it.
    const std::optional<SignatureSlot>& signature() const;
    // SHA-256 over all bytes of all volumes in order, read through the descriptors that open() opened: the files that
    // are used, whatever lies at their paths by now. `progress` gets bytes done so far.
    Result<Sha256Digest> sha256_of_files(const std::function<void(std::uint64_t)>& progress = {}) const;
    // The volume and the offset in it that hold a logical offset (for direct I/O), and the bytes that follow there. The
    // descriptor belongs to the RunFile.
    struct Extent {
        int fd;
        std::uint64_t offset;
        std::uint64_t contiguous;
    };
    Extent extent_at(std::uint64_t offset) const;

    // Checks every byte: all sections, every block, the SHA-256 of every file in them as it is before relocation, and
    // that padding is zero. `progress` gets the bytes done so far,
    // from any of the `threads` (0: one for each CPU). Kind damaged.
    Status verify_all(unsigned threads, const std::function<void(std::uint64_t)>& progress) const;

  private:
    RunFile();
    struct State;
    std::unique_ptr<State> state_;
};

// Reads one block: checks its hash, decompresses into `out` (block.raw bytes). Errors of kind damaged name the block.
Status unpack_block(const Block& block, ByteView packed, std::span<std::byte> out);

} // namespace tinderbox::format
