// *.dist-info/METADATA of a wheel on a server, and the sizes of its files, read from its end.
//
// A wheel is a zip archive: its directory lies at the end and says where each member is (APPNOTE 6.3). Two or three
// small requests therefore do for a wheel of gigabytes. This reader parses the directory and one member only;
// archive/zip.hpp reads the whole wheel with every check before it is used.
#include "common/base/bytes.hpp"
#include "common/base/url.hpp"
#include "generator/archive/inflate.hpp"
#include "generator/fetch/url.hpp"
#include "generator/pip/metadata.hpp"
#include "generator/pip/metadata_source.hpp"

#include <algorithm>

namespace tinderbox::pip {
namespace {

constexpr std::uint64_t first_read = 64u << 10;        // holds the whole directory of most wheels
constexpr std::uint64_t largest_directory = 64u << 20; // torch's has some 2 MB
constexpr std::uint64_t local_header = 30 + 512;       // with room for a name and extra fields

struct Directory {
    std::uint64_t offset = 0, size = 0;
};

struct Member {
    std::uint64_t offset = 0, compressed = 0, size = 0;
    std::uint32_t crc32 = 0;
    std::uint16_t method = 0, name_length = 0;
};

// The end of the file, growing towards the front.
class Tail {
  public:
    Tail(fetch::Fetcher& fetcher, const IndexFile& file) : fetcher_(fetcher), file_(file) {}

    // False: the server does not serve parts.
    Result<bool> begin() {
        bool known = file_.size > 0;
        std::uint64_t count = known ? std::min(first_read, file_.size) : first_read;
        TRY_ASSIGN(fetch::RangeReply piece, fetcher_.range(file_.url, known ? file_.size - count : 0, count, !known));
        if (piece.refused || (piece.status != 206 && piece.status != 200) || piece.bytes.empty()) return false;
        if (piece.total != 0 && piece.first + piece.bytes.size() != piece.total) return false;
        first_ = piece.first;
        bytes_ = std::move(piece.bytes);
        return true;
    }

    Result<bool> reach(std::uint64_t first) {
        if (first >= first_) return true;
        TRY_ASSIGN(fetch::RangeReply piece, fetcher_.range(file_.url, first, first_ - first, false));
        if (piece.refused || piece.status != 206 || piece.first != first || piece.bytes.size() != first_ - first)
            return false;
        bytes_.insert(0, piece.bytes);
        first_ = first;
        return true;
    }

    std::uint64_t end() const { return first_ + bytes_.size(); }
    // Empty when a part of it is not here.
    std::string_view at(std::uint64_t offset, std::uint64_t count) const {
        if (offset < first_ || offset > end() || count > end() - offset) return {};
        return std::string_view(bytes_).substr(offset - first_, count);
    }
    std::uint64_t first() const { return first_; }

  private:
    fetch::Fetcher& fetcher_;
    const IndexFile& file_;
    std::uint64_t first_ = 0;
    std::string bytes_;
};

std::optional<Directory> directory_of(const Tail& tail) {
    std::string_view bytes = tail.at(tail.first(), tail.end() - tail.first());
    // A comment may follow the record; the last signature whose comment ends with the file is it.
    for (std::size_t at = bytes.rfind("PK\x05\x06"); at != std::string_view::npos && at + 22 <= bytes.size();
         at = at == 0 ? std::string_view::npos : bytes.rfind("PK\x05\x06", at - 1)) {
        ByteReader reader(as_bytes(bytes.substr(at)));
        reader.skip(12);
        Directory out;
        out.size = reader.u32();
        out.offset = reader.u32();
        if (at + 22 + reader.u16() != bytes.size()) continue;
        if (out.size != 0xffffffff && out.offset != 0xffffffff) return out;
        // zip64: a locator in front of the record names the other record.
        if (at < 20 || bytes.substr(at - 20, 4) != "PK\x06\x07") return std::nullopt;
        ByteReader locator(as_bytes(bytes.substr(at - 20, 20)));
        locator.skip(8);
        std::string_view record = tail.at(locator.u64(), 56);
        if (record.empty() || !record.starts_with("PK\x06\x06")) return std::nullopt;
        ByteReader large(as_bytes(record));
        large.skip(40);
        out.size = large.u64();
        out.offset = large.u64();
        return out;
    }
    return std::nullopt;
}

bool is_metadata(std::string_view path) {
    auto slash = path.find('/');
    return slash != std::string_view::npos && path.substr(slash) == "/METADATA" &&
           path.substr(0, slash).ends_with(".dist-info");
}

// The only member of that name. Nothing for several, or for one that cannot be trusted to be read in parts.
std::optional<Member> find_member(std::string_view directory) {
    std::optional<Member> found;
    ByteReader reader(as_bytes(directory));
    while (reader.ok() && reader.remaining() > 0) {
        if (reader.u32() != 0x02014b50) return std::nullopt;
        reader.skip(4);
        std::uint16_t flags = reader.u16();
        Member member;
        member.method = reader.u16();
        reader.skip(4);
        member.crc32 = reader.u32();
        member.compressed = reader.u32();
        member.size = reader.u32();
        member.name_length = reader.u16();
        std::uint16_t extra = reader.u16(), comment = reader.u16();
        reader.skip(8);
        member.offset = reader.u32();
        std::string_view name = as_text(reader.bytes(member.name_length));
        reader.skip(std::uint64_t{extra} + comment);
        if (!reader.ok()) return std::nullopt;
        if (!is_metadata(name)) continue;
        bool large = member.compressed == 0xffffffff || member.size == 0xffffffff || member.offset == 0xffffffff;
        if (found || large || (flags & 1)) return std::nullopt;
        found = member;
    }
    return reader.ok() ? found : std::nullopt;
}

// Bytes of the member from the file's middle: a request of its own, unless they are here already.
Result<std::optional<std::string>> read_member(fetch::Fetcher& fetcher, const IndexFile& file, const Tail& tail,
                                               const Member& member) {
    std::uint64_t wanted = std::min(local_header + member.name_length + member.compressed, tail.end() - member.offset);
    std::string own;
    std::string_view bytes = tail.at(member.offset, wanted);
    if (bytes.empty()) {
        TRY_ASSIGN(fetch::RangeReply piece, fetcher.range(file.url, member.offset, wanted, false));
        if (piece.refused || piece.status != 206 || piece.first != member.offset) return std::optional<std::string>();
        own = std::move(piece.bytes);
        bytes = own;
    }
    ByteReader reader(as_bytes(bytes));
    if (reader.u32() != 0x04034b50) return std::optional<std::string>();
    reader.skip(22);
    std::uint16_t name = reader.u16(), extra = reader.u16();
    reader.skip(std::uint64_t{name} + extra);
    ByteView content = reader.bytes(member.compressed);
    if (!reader.ok()) return std::optional<std::string>();
    std::string where = file.file_name + ":METADATA";
    if (member.method == static_cast<std::uint16_t>(archive::ZipMethod::stored)) {
        if (member.compressed != member.size || !archive::check_crc32(content, member.crc32, where).ok())
            return std::optional<std::string>();
        return std::optional<std::string>(as_text(content));
    }
    if (member.method != static_cast<std::uint16_t>(archive::ZipMethod::deflate)) return std::optional<std::string>();
    auto inflated = archive::inflate_whole(content, member.size, member.crc32, where);
    if (!inflated) return std::optional<std::string>();
    return std::optional<std::string>(as_text(*inflated));
}

} // namespace

namespace {

// The directory's bytes, in `tail`; nullopt when the file cannot be read in parts.
Result<std::optional<std::string_view>> read_directory(Tail& tail, const IndexFile& file) {
    const std::optional<std::string_view> not_in_parts;
    if (!is_url(file.url) || fetch::Url::parse(file.url).scheme == "file") return not_in_parts;
    TRY_ASSIGN(bool served, tail.begin());
    if (!served) return not_in_parts;
    auto directory = directory_of(tail);
    if (!directory || directory->size > largest_directory || directory->offset > tail.end() ||
        directory->size > tail.end() - directory->offset)
        return not_in_parts;
    TRY_ASSIGN(bool reached, tail.reach(directory->offset));
    if (!reached) return not_in_parts;
    return std::optional(tail.at(directory->offset, directory->size));
}

} // namespace

Result<std::optional<UnpackedSize>> read_remote_size(fetch::Fetcher& fetcher, const IndexFile& file) {
    const std::optional<UnpackedSize> unknown;
    Tail tail(fetcher, file);
    TRY_ASSIGN(auto directory, read_directory(tail, file));
    if (!directory) return unknown;
    UnpackedSize out;
    ByteReader reader(as_bytes(*directory));
    while (reader.ok() && reader.remaining() > 0) {
        if (reader.u32() != 0x02014b50) return unknown;
        reader.skip(20);
        std::uint32_t size = reader.u32();
        std::uint16_t name_length = reader.u16(), extra = reader.u16(), comment = reader.u16();
        reader.skip(12);
        std::string_view name = as_text(reader.bytes(name_length));
        reader.skip(std::uint64_t{extra} + comment);
        if (!reader.ok() || size == 0xffffffff) return unknown;
        out.bytes += size;
        if (name.ends_with(".py")) out.python_bytes += size;
        ++out.files;
    }
    if (!reader.ok()) return unknown;
    return std::optional(out);
}

Result<std::optional<std::string>> read_remote_metadata(fetch::Fetcher& fetcher, const IndexFile& file) {
    const std::optional<std::string> not_in_parts;
    Tail tail(fetcher, file);
    TRY_ASSIGN(auto directory, read_directory(tail, file));
    if (!directory) return not_in_parts;
    auto member = find_member(*directory);
    if (!member || member->size > largest_metadata || member->compressed > largest_metadata ||
        member->offset >= tail.end())
        return not_in_parts;
    return read_member(fetcher, file, tail, *member);
}

} // namespace tinderbox::pip
