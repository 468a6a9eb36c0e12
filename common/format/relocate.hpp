// Applies relocations: functions from bytes to bytes, without state, for the runtime and for tests of the packer.
// Thread-safe.
#pragma once

#include "common/format/table.hpp"

#include <functional>
#include <optional>

namespace tinderbox::format {

// The target of a digest relocation, as installed.
struct InstalledFile {
    Sha256Digest sha256{};
    std::uint64_t size = 0;
};
using InstalledLookup = std::function<Result<InstalledFile>(std::uint32_t destination)>;

// The content with its relocations applied for `prefix` (absolute, no trailing '/'). Error of kind usage, without the
// file's name: the prefix is longer than the placeholder of a cstring relocation. Errors of `lookup` are passed on.
Result<Bytes> apply_relocations(ByteView original, const std::vector<Reloc>& relocs, std::string_view prefix,
                                const InstalledLookup& lookup = {});

// The longest prefix in bytes that a file with this content can be installed into: its shortest placeholder among
// cstring relocations. nullopt: every prefix fits.
std::optional<std::size_t> longest_prefix(const Content& content);

} // namespace tinderbox::format
