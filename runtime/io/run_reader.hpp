// Reads the packed bytes of blocks: with O_DIRECT on the .run where its file system allows it. A .run on another device
// than the target (a stick, a network share) is read through the page cache, which keeps it: that device is mostly the
// slower one, and a check of the file before, or another installation beside, need not wait for it a second time.
#pragma once

#include "common/base/aligned_buffer.hpp"
#include "common/format/run_file.hpp"

#include <atomic>
#include <map>
#include <mutex>

namespace tinderbox::io {

class RunReader {
  public:
    // `target_fd`: a directory of the file system that is written to.
    RunReader(const format::RunFile& run, bool no_direct, int target_fd);

    struct Where {
        int fd = -1;
        bool direct = false;
        std::uint64_t offset = 0; // aligned when direct
        std::size_t size = 0;     // to read; the end of the file may come earlier
        std::size_t skip = 0;     // the block's first byte in what is read
    };
    // nullopt: the bytes lie in two volumes, use RunFile::read_at.
    std::optional<Where> where(std::uint64_t offset, std::size_t size);
    // Drops the bytes from the page cache, unless it is to keep them.
    void forget(const Where& where) const;
    bool direct() const { return direct_; }
    void refuse_direct() { direct_ = false; }

  private:
    int direct_fd(int plain_fd);
    const format::RunFile& run_;
    const bool kept_; // in the page cache
    std::atomic<bool> direct_;
    std::mutex mutex_;
    std::map<int, Fd> descriptors_; // plain → direct
};

} // namespace tinderbox::io
