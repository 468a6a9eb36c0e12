// One logical file in several: NAME.run, NAME.run.002, … (--split SIZE), each with its number and the manifest's hash.
// docs/inside/format.md describes the bytes. Offsets elsewhere count bytes of the logical file.
#pragma once

#include "common/base/file.hpp"
#include "common/base/hash.hpp"

#include <functional>
#include <vector>

namespace tinderbox::format {

inline constexpr std::uint64_t volume_header_size = 4096; // of every volume but the first
inline constexpr unsigned most_volumes = 999;

// Maps logical bytes to volumes. Volumes are numbered from 1; all but the last have `volume_size` bytes.
struct VolumeLayout {
    std::uint64_t total = 0;       // logical bytes
    std::uint64_t volume_size = 0; // of a file, a multiple of 4096; 0 = one file, however large

    unsigned count() const;
    std::uint64_t first_byte(unsigned number) const; // logical offset of its first byte
    std::uint64_t payload(unsigned number) const;    // logical bytes in it
    std::uint64_t file_size(unsigned number) const;
    unsigned volume_of(std::uint64_t offset) const;
};

struct VolumeHeader {
    std::string first_name; // of NAME.run, for the sentence that `sh NAME.run.002` prints; not read back
    unsigned number = 0, count = 0;
    VolumeLayout layout;
    std::uint64_t manifest_offset = 0, manifest_size = 0; // in the first volume
    Sha256Digest manifest_sha256{};
};
Bytes encode(const VolumeHeader& header);                  // exactly volume_header_size bytes
Result<VolumeHeader> decode_volume_header(ByteView bytes); // kind damaged
// Whether the bytes begin with a volume's header, perhaps a truncated one.
bool looks_like_volume(ByteView first_bytes);

std::string volume_name(std::string_view first, unsigned number); // "NAME.run", "NAME.run.002", …

// Called when a volume is missing beside the first one, or is the wrong one; `problem` is a sentence about that.
// Returns a file, a directory with `name` in it, or an empty path (the same place again); nullopt gives up.
using VolumeFinder = std::function<std::optional<fs::path>(const std::string& name, const std::string& problem)>;

struct Volume {
    fs::path path;
    Fd fd;
};

// Opens volumes 2 to `count` of the set. Each is checked: its size, its number, and that its manifest is the first
// volume's. Error of kind damaged, which names the file.
Result<std::vector<Volume>> open_volumes(const Volume& first, std::uint64_t volume_size, unsigned count,
                                         VolumeLayout& layout, const VolumeFinder& find);

} // namespace tinderbox::format
