#include "generator/archive/spool.hpp"

#include "generator/archive/file_source.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace tinderbox::archive {

namespace {

class SharedMemorySource final : public ByteSource {
  public:
    SharedMemorySource(std::shared_ptr<const Bytes> bytes, Spool::Range range)
        : bytes_(std::move(bytes)), at_(range.offset), end_(range.offset + range.size) {}
    Result<std::size_t> read(std::span<std::byte> out) override {
        std::size_t n = std::min<std::size_t>(out.size(), end_ - at_);
        if (n > 0) std::memcpy(out.data(), bytes_->data() + at_, n);
        at_ += n;
        return n;
    }

  private:
    std::shared_ptr<const Bytes> bytes_;
    std::size_t at_, end_;
};

} // namespace

// The file has no name any more when it is first written to: whatever ends this process, nothing stays
// behind.
Status Spool::move_to_file() {
    TRY(make_directories(directory_));
    std::string name = (directory_ / "spool-XXXXXX").string();
    Fd fd(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd) return errno_error(fmt::format("cannot create a temporary file in '{}'", directory_.string()), errno);
    ::unlink(name.c_str());
    auto file = std::make_shared<const Fd>(std::move(fd));
    TRY(write_exact_at(file->get(), *memory_, 0, name));
    file_ = std::move(file);
    memory_ = std::make_shared<Bytes>();
    return {};
}

Result<Spool::Range> Spool::append(ByteSource& content, std::string_view name) {
    if (buffer_.empty()) buffer_.resize(1u << 20);
    Range range{size_, 0};
    for (;;) {
        TRY_ASSIGN(std::size_t n, content.read(buffer_));
        if (n == 0) break;
        if (!file_ && size_ + n > limit_) TRY(move_to_file());
        ByteView piece(buffer_.data(), n);
        if (file_) {
            TRY(write_exact_at(file_->get(), piece, size_, name));
        } else {
            memory_->insert(memory_->end(), piece.begin(), piece.end());
        }
        size_ += n;
        range.size += n;
    }
    return range;
}

std::unique_ptr<ByteSource> Spool::open(Range range, std::string name) const {
    if (file_) return make_file_source(file_, std::move(name), range.offset, range.size);
    return std::make_unique<SharedMemorySource>(memory_, range);
}

} // namespace tinderbox::archive
