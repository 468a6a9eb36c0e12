// One logical file in several: NAME.run, NAME.run.002, … (--split SIZE), each with its number and the manifest's hash.
// docs/format.md describes the bytes. Offsets elsewhere count bytes of the logical file.
#pragma once

#include "common/base/file.hpp"
#include "common/base/hash.hpp"

#include <functional>
#include <vector>

namespace tinderbox {

inline constexpr std::uint64_t volume_header_size = 4096; // of every volume but the first
inline constexpr unsigned most_volumes = 999;

// Which logical bytes lie in which volume. Volumes are numbered from 1; all but the last have `volume_size` bytes.
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
// Whether it begins like one, whole or not.
bool looks_like_volume(ByteView first_bytes);

std::string volume_name(std::string_view first, unsigned number); // "NAME.run", "NAME.run.002", …

// Asked for a volume that is not beside the first one, or is not the right one: `problem` is a sentence. A file, or a
// directory that holds `name`, or an empty path for the same place again; nullopt gives up.
using VolumeFinder = std::function<std::optional<fs::path>(const std::string& name, const std::string& problem)>;

struct Volume {
    fs::path path;
    Fd fd;
};

// Volumes 2 to `count` of the set whose first one is open. Each is checked: whole, its number, and that the manifest in
// the first volume is its own. Kind damaged; the sentence names the file.
Result<std::vector<Volume>> open_volumes(const Volume& first, std::uint64_t volume_size, unsigned count,
                                         VolumeLayout& layout, const VolumeFinder& find);

} // namespace tinderbox
