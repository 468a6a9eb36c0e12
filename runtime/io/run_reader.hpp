// Reads the packed bytes of blocks: with O_DIRECT on the .run where its file system allows it.
#pragma once

#include "common/base/aligned_buffer.hpp"
#include "common/format/run_file.hpp"

#include <atomic>
#include <map>
#include <mutex>

namespace tinderbox::io {

class RunReader {
  public:
    RunReader(const format::RunFile& run, bool no_direct) : run_(run), direct_(!no_direct) {}

    struct Where {
        int fd = -1;
        bool direct = false;
        std::uint64_t offset = 0; // aligned when direct
        std::size_t size = 0;     // to read; the end of the file may come earlier
        std::size_t skip = 0;     // the block's first byte in what is read
    };
    // nullopt: the bytes lie in two volumes, use RunFile::read_at.
    std::optional<Where> where(std::uint64_t offset, std::size_t size);
    // Drops the bytes from the page cache, for buffered reading.
    static void forget(const Where& where);
    bool direct() const { return direct_; }
    void refuse_direct() { direct_ = false; }

  private:
    int direct_fd(int plain_fd);
    const format::RunFile& run_;
    std::atomic<bool> direct_;
    std::mutex mutex_;
    std::map<int, Fd> descriptors_; // plain → direct
};

} // namespace tinderbox::io
