#include "generator/archive/file_source.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tinderbox::archive {
namespace {

class FileSource final : public ByteSource {
  public:
    FileSource(std::shared_ptr<const Fd> fd, std::string name, std::uint64_t offset, std::uint64_t size)
        : fd_(std::move(fd)), name_(std::move(name)), offset_(offset), left_(size) {}

    Result<std::size_t> read(std::span<std::byte> out) override {
        std::size_t done = 0;
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left_));
        while (done < want) {
            ssize_t n = ::pread(fd_->get(), out.data() + done, want - done, static_cast<off_t>(offset_));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return errno_error(fmt::format("cannot read '{}'", name_), errno);
            if (n == 0) {
                if (left_ != UINT64_MAX && !open_ended_)
                    return make_error(ErrorKind::storage, "'{}' became shorter while it was read", name_);
                left_ = 0;
                break;
            }
            offset_ += static_cast<std::uint64_t>(n);
            done += static_cast<std::size_t>(n);
        }
        if (!open_ended_) left_ -= done;
        return done;
    }

  private:
    std::shared_ptr<const Fd> fd_;
    std::string name_;
    std::uint64_t offset_, left_;
    const bool open_ended_ = left_ == UINT64_MAX;
};

class MemorySource final : public ByteSource {
  public:
    explicit MemorySource(Bytes bytes) : bytes_(std::move(bytes)) {}
    Result<std::size_t> read(std::span<std::byte> out) override {
        const std::size_t n = std::min(out.size(), bytes_.size() - at_);
        if (n > 0) std::memcpy(out.data(), bytes_.data() + at_, n);
        at_ += n;
        return n;
    }

  private:
    Bytes bytes_;
    std::size_t at_ = 0;
};

} // namespace

Result<std::unique_ptr<ByteSource>> open_file_range(const fs::path& path, std::string name, std::uint64_t offset,
                                                    std::uint64_t size) {
    TRY_ASSIGN(Fd fd, open_file(path, O_RDONLY));
    return make_file_source(std::make_shared<const Fd>(std::move(fd)), std::move(name), offset, size);
}

std::unique_ptr<ByteSource> make_file_source(std::shared_ptr<const Fd> fd, std::string name, std::uint64_t offset,
                                             std::uint64_t size) {
    return std::make_unique<FileSource>(std::move(fd), std::move(name), offset, size);
}

std::unique_ptr<ByteSource> make_memory_source(Bytes bytes) { return std::make_unique<MemorySource>(std::move(bytes)); }

Result<Bytes> read_all(ByteSource& source, std::uint64_t limit, std::string_view name) {
    Bytes out;
    std::size_t size = 0;
    for (std::size_t step = 64u << 10;; step = std::min<std::size_t>(step * 2, 8u << 20)) {
        out.resize(size + step);
        TRY_ASSIGN(std::size_t n, source.read(std::span(out).subspan(size)));
        size += n;
        if (size > limit)
            return make_error(ErrorKind::usage, "{}: it is larger than the {} bytes that such a file may have", name,
                              limit);
        if (n < step) break;
    }
    out.resize(size);
    return out;
}

} // namespace tinderbox::archive
