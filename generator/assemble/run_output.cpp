#include "generator/assemble/run_output.hpp"

#include "common/base/aligned_buffer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace tinderbox::assemble {

RunOutput::RunOutput(fs::path path, format::VolumeHeader volumes, bool hash_all)
    : path_(std::move(path)), header_(std::move(volumes)), hash_all_(hash_all) {
    header_.count = header_.layout.count();
}

fs::path RunOutput::volume_path(unsigned number) const {
    return path_.parent_path() / format::volume_name(path_.filename().string(), number);
}

Status RunOutput::finish_volume() {
    if (streams_.empty()) return {};
    TRY_ASSIGN(written_.back().sha256, streams_.back()->finish());
    return {};
}

Status RunOutput::next_volume() {
    TRY(finish_volume());
    const auto number = static_cast<unsigned>(streams_.size() + 1);
    const std::uint64_t size = header_.layout.file_size(number);
    const mode_t mode = number == 1 ? 0777 : 0666; // nobody starts a further volume
    TRY_ASSIGN(auto stream, OutputStream::create(volume_path(number), size, mode));
    streams_.push_back(std::move(stream));
    written_.push_back({volume_path(number), size, {}});
    left_ = header_.layout.payload(number);
    if (number == 1) return {};
    header_.number = number;
    const Bytes head = format::encode(header_);
    if (hash_all_) all_.update(head);
    return streams_.back()->append(head);
}

Status RunOutput::append(ByteView bytes) {
    while (!bytes.empty()) {
        if (left_ == 0) {
            if (position_ == header_.layout.total)
                return make_error(ErrorKind::bug, "the installer has more bytes than were planned");
            TRY(next_volume());
        }
        const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left_));
        TRY(streams_.back()->append(bytes.first(take)));
        if (hash_all_ && header_.count > 1) all_.update(bytes.first(take));
        position_ += take;
        left_ -= take;
        bytes = bytes.subspan(take);
    }
    return {};
}

Status RunOutput::append_zeros(std::uint64_t count) {
    static constexpr std::array<std::byte, direct_alignment> zeros{};
    while (count > 0) {
        const std::size_t take = std::min<std::uint64_t>(count, zeros.size());
        TRY(append(ByteView(zeros).first(take)));
        count -= take;
    }
    return {};
}

// Removes only files that begin with a volume's header.
void RunOutput::remove_further(unsigned number) const {
    for (; number <= format::most_volumes; ++number) {
        const fs::path path = volume_path(number);
        const auto fd = open_file(path, O_RDONLY | O_NOFOLLOW);
        if (!fd.ok()) return;
        Bytes head(format::volume_header_size);
        if (::pread(fd->get(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()) ||
            !format::looks_like_volume(head))
            return;
        if (::unlink(path.c_str()) != 0) return;
    }
}

Result<std::vector<WrittenVolume>> RunOutput::commit() {
    TRY(finish_volume());
    if (position_ != header_.layout.total)
        return make_error(ErrorKind::bug, "the installer has {} bytes, {} were planned", position_,
                          header_.layout.total);
    // The first one last: as long as it is the old one, the old set is at worst found incomplete, never mixed up.
    for (auto stream = streams_.rbegin(); stream != streams_.rend(); ++stream) TRY((*stream)->publish());
    remove_further(static_cast<unsigned>(streams_.size()) + 1);
    return written_;
}

Sha256Digest RunOutput::sha256_of_all() { return header_.count > 1 ? all_.finish() : written_.front().sha256; }

} // namespace tinderbox::assemble
