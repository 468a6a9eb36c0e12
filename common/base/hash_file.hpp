// Reading a file once from front to back, mostly for its hash.
#pragma once

#include "common/base/file.hpp"
#include "common/base/hash.hpp"

#include <functional>

namespace tinderbox {

struct FileRead {
    std::uint64_t offset = 0, size = UINT64_MAX; // bytes; the size UINT64_MAX: up to the file's end
    // For gigabytes that are not read again soon: what is not in the page cache is read past it (O_DIRECT), which takes
    // a third of the processor's time. Where the file system refuses that, the bytes are dropped from the cache
    // afterwards. Files below 1 MiB stay in it.
    bool past_cache = false;
    // Called after each piece with the number of bytes read so far.
    std::function<void(std::uint64_t)> progress;
};

// Calls `use` with the bytes in order, in pieces of at most 4 MiB that are valid during the call. Returns the number
// of bytes. Errors: of kind storage, with `name`, for a failed read and for a file that ends inside the range; those
// of `use`; interrupted (interruption.hpp). Thread-safe: the descriptor's position is not used.
Result<std::uint64_t> read_pieces(int fd, std::string_view name, const FileRead& read,
                                  const std::function<Status(ByteView)>& use);

struct FileHash {
    Sha256Digest sha256{};
    std::uint64_t size = 0; // bytes read
};
// Errors are those of read_pieces, and of open_file.
Result<FileHash> hash_file(int fd, std::string_view name, const FileRead& read = {});
Result<FileHash> hash_file(const fs::path& path, const FileRead& read = {});

} // namespace tinderbox
