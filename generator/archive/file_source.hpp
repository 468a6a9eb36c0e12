// A range of a file, or bytes in memory, as a ByteSource.
#pragma once

#include "common/base/file.hpp"
#include "generator/archive/byte_source.hpp"

#include <memory>

namespace tinderbox::archive {

struct FileRange { // in bytes
    std::uint64_t offset = 0, size = 0;
    std::uint64_t end() const { return offset + size; }
};

// Bytes [offset, offset + size) of a file; size UINT64_MAX: up to its end. Errors call it `name`.
Result<std::unique_ptr<ByteSource>> open_file_range(const fs::path& path, std::string name, std::uint64_t offset = 0,
                                                    std::uint64_t size = UINT64_MAX);
// The same on a descriptor that `fd` owns or shares.
std::unique_ptr<ByteSource> make_file_source(std::shared_ptr<const Fd> fd, std::string name, std::uint64_t offset,
                                             std::uint64_t size);
std::unique_ptr<ByteSource> make_memory_source(Bytes bytes);

// The rest of `source`; more than `limit` bytes is an error that begins with `name`.
Result<Bytes> read_all(ByteSource& source, std::uint64_t limit, std::string_view name);

} // namespace tinderbox::archive
