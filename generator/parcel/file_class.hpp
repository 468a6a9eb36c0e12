// The classes of files: files of one class share blocks and a compression level.
#pragma once

#include "common/base/bytes.hpp"
#include "generator/parcel/parcel.hpp"

#include <string_view>

namespace tinderbox::parcel {

enum class FileClass : std::uint8_t { text = 0, bytecode = 1, elf = 2, other = 3, compressed = 4 };
inline constexpr std::size_t file_class_count = 5;

// By name; nullopt when only the content can tell.
std::optional<FileClass> class_by_name(std::string_view path);
// By the first bytes (a few KiB).
FileClass class_by_content(ByteView head);

// The zstd level; part of the pack format: changing the table means raising pack_version.
int zstd_level(FileClass file_class, Level level);

} // namespace tinderbox::parcel
