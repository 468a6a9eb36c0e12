#include "common/format/volumes.hpp"

#include "common/base/aligned_buffer.hpp"
#include "common/format/run_file.hpp"

#include <fcntl.h>

#include <algorithm>

namespace tinderbox::format {
namespace {

constexpr std::size_t text_size = 2048; // then the binary half
constexpr std::string_view volume_magic = "TNDRVOL\n";

// `sh NAME.run.002` prints a sentence; without this text the shell would complain about binary data.
std::string shell_text(const VolumeHeader& header) {
    // The name goes into shell text, so a name with other characters than these is left out.
    std::string name = header.first_name;
    std::ranges::replace_if(
        name, [](char c) { return std::string_view("\"$`\\\n\r").find(c) != std::string_view::npos; }, '_');
    if (name.size() > 255) name = "the first one";
    std::string text = fmt::format("#!/bin/sh\n"
                                   "# Volume {0} of {1} of an offline installer made by Tinderbox.\n"
                                   "echo \"error: this is volume {0} of {1}; start the first one: sh {2}\" >&2\n"
                                   "exit 2\n",
                                   header.number, header.count, name);
    text.resize(text_size, '\n');
    return text;
}

Error damaged_volume(std::string message) { return Error{ErrorKind::damaged, std::move(message)}; }

// Whether `file` is volume `number` of the set that begins with `first`.
Result<Volume> open_one(const Volume& first, std::uint64_t volume_size, unsigned number, unsigned count,
                        const fs::path& path, VolumeLayout& layout) {
    Volume out;
    out.path = path;
    const std::string name = path.string();
    auto fd = open_file(path, O_RDONLY | O_CLOEXEC);
    if (!fd.ok() && fd.error().kind == ErrorKind::usage) return damaged_volume(fd.error().message);
    if (!fd.ok())
        return damaged_volume(fmt::format("this installer has {} volumes, and '{}' is not there", count, name));
    out.fd = *std::move(fd);
    TRY_ASSIGN(std::uint64_t size, file_size(out.fd.get(), name));
    Bytes head(std::min<std::uint64_t>(size, volume_header_size));
    TRY(read_exact_at(out.fd.get(), head, 0, name));
    if (head.size() < volume_header_size)
        return damaged_volume(
            fmt::format("the volume '{}' is incomplete: it has only {} bytes; copy it again", name, size));
    auto header = decode_volume_header(head);
    if (!header.ok()) return std::move(header).error().in(name);
    if (header->number != number)
        return damaged_volume(fmt::format("'{}' holds volume {} of {}, not volume {}; was it renamed?", name,
                                          header->number, header->count, number));
    if (header->count != count || header->layout.volume_size != volume_size)
        return damaged_volume(
            fmt::format("the volume '{}' belongs to another installer than '{}'", name, first.path.string()));
    if (const std::uint64_t wanted = header->layout.file_size(number); size != wanted)
        return damaged_volume(
            size < wanted
                ? fmt::format("the volume '{}' is incomplete: {} of {} bytes; copy it again", name, size, wanted)
                : fmt::format("the volume '{}' has {} bytes after its end; copy it again", name, size - wanted));
    std::string manifest(header->manifest_size, '\0');
    TRY(read_exact_at(first.fd.get(), std::as_writable_bytes(std::span(manifest)), header->manifest_offset,
                      first.path.string()));
    if (sha256(as_bytes(manifest)) != header->manifest_sha256)
        return damaged_volume(fmt::format(
            "the volume '{}' belongs to another installer than '{}', or the manifest in that one is damaged", name,
            first.path.string()));
    layout = header->layout;
    return out;
}

} // namespace

unsigned VolumeLayout::count() const {
    if (volume_size == 0 || total <= volume_size) return 1;
    const std::uint64_t each = volume_size - volume_header_size;
    return static_cast<unsigned>(std::min<std::uint64_t>(1 + (total - volume_size + each - 1) / each, UINT32_MAX));
}

std::uint64_t VolumeLayout::first_byte(unsigned number) const {
    return number == 1 ? 0 : volume_size + (number - 2) * (volume_size - volume_header_size);
}

std::uint64_t VolumeLayout::payload(unsigned number) const {
    return (number == count() ? total : first_byte(number + 1)) - first_byte(number);
}

std::uint64_t VolumeLayout::file_size(unsigned number) const {
    return payload(number) + (number == 1 ? 0 : volume_header_size);
}

unsigned VolumeLayout::volume_of(std::uint64_t offset) const {
    if (volume_size == 0 || offset < volume_size) return 1;
    return static_cast<unsigned>(2 + (offset - volume_size) / (volume_size - volume_header_size));
}

Bytes encode(const VolumeHeader& header) {
    ByteWriter out;
    out.bytes(as_bytes(shell_text(header)));
    out.bytes(as_bytes(volume_magic));
    out.u32(run_format_version);
    out.u32(header.number);
    out.u32(header.count);
    out.u32(0);
    out.u64(header.layout.volume_size);
    out.u64(header.layout.total);
    out.u64(header.manifest_offset);
    out.u64(header.manifest_size);
    out.bytes(header.manifest_sha256);
    while (out.size() < volume_header_size - sizeof(Sha256Digest)) out.u8(0);
    Sha256Digest own = sha256(out.data());
    out.bytes(own);
    return out.take();
}

bool looks_like_volume(ByteView bytes) {
    return bytes.size() >= text_size + volume_magic.size() &&
           as_text(bytes.subspan(text_size, volume_magic.size())) == volume_magic;
}

Result<VolumeHeader> decode_volume_header(ByteView bytes) {
    if (bytes.size() < volume_header_size || !looks_like_volume(bytes))
        return damaged_volume("it is no volume of a Tinderbox installer, or its beginning is damaged");
    bytes = bytes.first(volume_header_size);
    ByteReader in(bytes);
    in.skip(text_size + volume_magic.size());
    const std::uint32_t version = in.u32();
    // The version comes before the hash: a newer format may hash differently.
    if (version > run_format_version)
        return damaged_volume(
            fmt::format("this volume has format version {}, this program reads up to version {}: use a newer Tinderbox",
                        version, run_format_version));
    if (!std::ranges::equal(sha256(bytes.first(bytes.size() - sizeof(Sha256Digest))), bytes.last(sizeof(Sha256Digest))))
        return damaged_volume("the volume's header is damaged: its SHA-256 does not match; copy the file again");
    VolumeHeader out;
    out.number = in.u32();
    out.count = in.u32();
    in.u32();
    out.layout.volume_size = in.u64();
    out.layout.total = in.u64();
    out.manifest_offset = in.u64();
    out.manifest_size = in.u64();
    ByteView digest = in.bytes(sizeof(Sha256Digest));
    std::ranges::copy(digest, out.manifest_sha256.begin());
    const std::uint64_t volume = out.layout.volume_size;
    const bool sane = volume > volume_header_size && volume % direct_alignment == 0 && volume <= INT64_MAX &&
                      out.layout.total <= INT64_MAX && out.count >= 2 && out.count <= most_volumes && out.number >= 2 &&
                      out.number <= out.count && out.layout.count() == out.count && out.manifest_offset <= volume &&
                      out.manifest_size <= volume - out.manifest_offset;
    if (!sane) return damaged_volume("the volume's header makes no sense");
    return out;
}

std::string volume_name(std::string_view first, unsigned number) {
    return number == 1 ? std::string(first) : fmt::format("{}.{:03}", first, number);
}

Result<std::vector<Volume>> open_volumes(const Volume& first, std::uint64_t volume_size, unsigned count,
                                         VolumeLayout& layout, const VolumeFinder& find) {
    std::vector<Volume> out;
    for (unsigned number = 2; number <= count; ++number) {
        const std::string name = volume_name(first.path.filename().string(), number);
        fs::path path = first.path.parent_path() / name;
        // The next volume probably lies beside this one.
        std::error_code ec;
        if (!fs::exists(path, ec) && !out.empty()) path = out.back().path.parent_path() / name;
        for (;;) {
            auto volume = open_one(first, volume_size, number, count, path, layout);
            if (volume.ok()) {
                out.push_back(*std::move(volume));
                break;
            }
            auto answer = find ? find(name, volume.error().message) : std::nullopt;
            if (!answer) return std::move(volume).error();
            if (!answer->empty()) path = fs::is_directory(*answer, ec) ? *answer / name : *answer;
        }
    }
    return out;
}

} // namespace tinderbox::format
