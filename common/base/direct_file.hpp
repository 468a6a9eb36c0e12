// Writing one large file in order, past the page cache where the file system allows it: plain buffered writing costs
// several times as much processor time (docs/measured/performance.md).
#pragma once

#include "common/base/aligned_buffer.hpp"
#include "common/base/file.hpp"

namespace tinderbox {

// Not thread-safe. Errors are of kind `storage` and name the file.
class DirectFile {
  public:
    DirectFile() = default;
    // `fd` is an empty file that is open for writing; `path` is for messages.
    DirectFile(Fd fd, fs::path path);

    // In order of `offset`. Memory and offset are aligned to direct_alignment, and so is the size of every piece but
    // the file's last one.
    Status write_at(ByteView piece, std::uint64_t offset);
    // Syncs the file to the disk and closes the descriptor. `mode` 0: the mode stays as the file was created.
    Status finish(std::uint64_t size, mode_t mode = 0);
    int fd() const { return fd_.get(); }

  private:
    void leave_direct();
    void bound_dirty_pages(std::uint64_t offset, std::size_t size);

    Fd fd_;
    fs::path path_;
    bool direct_ = false;
    std::uint64_t before_ = 0; // the previous piece, if it went through the page cache
    std::size_t before_size_ = 0;
};

} // namespace tinderbox
