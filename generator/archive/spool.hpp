// Keeps contents that are appended in order and read back in any order: in memory, and above a limit in one private
// file. A tar can only be read from front to back; a packer reads files sorted by kind.
#pragma once

#include "common/base/file.hpp"
#include "generator/archive/byte_source.hpp"

#include <memory>

namespace tinderbox::archive {

class Spool {
  public:
    struct Range {
        std::uint64_t offset = 0, size = 0;
    };

    Spool(fs::path directory, std::uint64_t memory_limit) : directory_(std::move(directory)), limit_(memory_limit) {}
    // Not thread-safe.
    Result<Range> append(ByteSource& content, std::string_view name);
    // Thread-safe once nothing is appended any more. The source keeps the contents alive.
    std::unique_ptr<ByteSource> open(Range range, std::string name) const;
    bool in_memory() const { return !file_; }

  private:
    Status move_to_file();
    fs::path directory_;
    std::uint64_t limit_, size_ = 0;
    std::shared_ptr<Bytes> memory_ = std::make_shared<Bytes>();
    std::shared_ptr<const Fd> file_;
    Bytes buffer_;
};

} // namespace tinderbox::archive
