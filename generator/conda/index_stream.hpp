// The text of a channel's index file, plain or compressed with zstd. Not for use outside generator/conda.
#pragma once

#include "common/base/file.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct ZSTD_DCtx_s;

namespace tinderbox::conda {

class IndexStream {
  public:
    // `shown`: what errors call the file. `read` grows with the bytes read from the file; both have to outlive the
    // stream. Errors: kind storage.
    static Result<std::unique_ptr<IndexStream>> open(const fs::path& path, const std::string& shown,
                                                     std::atomic<std::uint64_t>& read);

    // At least one byte, or 0 at the end. Errors: storage; network for data that is no zstd or cut short.
    Result<std::size_t> read(std::span<char> to);

    std::uint64_t file_size() const { return file_size_; }

  private:
    explicit IndexStream(std::atomic<std::uint64_t>& read) : read_(read) {}
    Result<std::size_t> read_file(std::span<char> to);
    Result<std::size_t> decompress(std::span<char> to);
    Status refill();
    struct Free {
        void operator()(ZSTD_DCtx_s* context) const;
    };
    Fd fd_;
    std::atomic<std::uint64_t>& read_;
    std::string shown_;
    std::uint64_t file_size_ = 0;
    std::vector<char> in_;
    std::size_t used_ = 0, filled_ = 0;
    bool open_frame_ = false;
    std::unique_ptr<ZSTD_DCtx_s, Free> zstd_; // null: the file is not compressed
};

} // namespace tinderbox::conda
