#include "generator/archive/zip.hpp"

#include "common/base/member_path.hpp"
#include "common/base/text.hpp"
#include "common/base/utf8.hpp"
#include "generator/archive/file_source.hpp"
#include "generator/archive/inflate.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tinderbox::archive {
namespace {

constexpr std::uint32_t local_signature = 0x04034b50, central_signature = 0x02014b50, end_signature = 0x06054b50,
                        end64_signature = 0x06064b50, locator64_signature = 0x07064b50;
constexpr std::size_t local_size = 30, central_size = 46, end_size = 22, end64_size = 56, locator64_size = 20;
constexpr std::uint16_t flag_encrypted = 1, flag_descriptor = 1 << 3, flag_patched = 1 << 5, flag_strong = 1 << 6,
                        flag_utf8 = 1 << 11, flag_masked = 1 << 13;

// Members whose names lack the UTF-8 flag are in the IBM PC's code page by the specification, and zipfile (so pip)
// reads them so. The upper half, as Unicode.
constexpr std::array<char16_t, 128> code_page_437 = {
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee,
    0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6,
    0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa,
    0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502,
    0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514,
    0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550,
    0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c,
    0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4,
    0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320,
    0x2321, 0x00f7, 0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0};

std::string from_code_page_437(std::string_view text) {
    std::string out;
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        append_utf8(out, byte < 0x80 ? byte : code_page_437[byte - 0x80]);
    }
    return out;
}

// DOS date and time have no zone; UTC makes the same archive give the same times everywhere.
std::int64_t from_dos_time(std::uint16_t date, std::uint16_t time) {
    const int year = 1980 + (date >> 9);
    const unsigned month = std::clamp((date >> 5) & 15, 1, 12), day = std::max(date & 31, 1);
    // Days since 1970 of a civil date, with the year beginning in March.
    const int y = month <= 2 ? year - 1 : year;
    const int era = y / 400;
    const unsigned year_of_era = static_cast<unsigned>(y - era * 400);
    const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    const std::int64_t days = std::int64_t{era} * 146097 + day_of_era - 719468;
    return days * 86400 + (time >> 11) * 3600 + ((time >> 5) & 63) * 60 + (time & 31) * 2;
}

// The zip64 values of an extra field, in their order, for those of `fields` that are saturated.
bool apply_zip64(ByteView extra, std::initializer_list<std::uint64_t*> fields) {
    ByteReader in(extra);
    while (in.remaining() >= 4) {
        const std::uint16_t id = in.u16(), size = in.u16();
        ByteReader values(in.bytes(size));
        if (!in.ok()) return true; // garbage at the end of an extra field is common and harmless
        if (id != 1) continue;
        for (std::uint64_t* field : fields)
            if (*field == UINT32_MAX) *field = values.u64();
        return values.ok();
    }
    return true;
}

const char* method_name(unsigned method) {
    switch (method) {
    case 1:
        return "shrink";
    case 6:
        return "implode";
    case 9:
        return "deflate64";
    case 12:
        return "bzip2";
    case 14:
        return "LZMA";
    case 95:
        return "xz";
    case 98:
        return "PPMd";
    case 99:
        return "AES encryption";
    default:
        return "unknown";
    }
}

struct CentralEntry {
    ZipMember member;
    std::string raw_name;
    std::uint64_t header = 0; // offset of the local header
    std::uint16_t flags = 0;
};

struct EndRecord {
    std::uint64_t entries = 0, size = 0, offset = 0; // of the central directory
    std::uint64_t begin = 0;                         // where the end records begin
};

} // namespace

// Reads everything but the contents; one object a call of open().
class ZipLoader {
  public:
    explicit ZipLoader(ZipReader& reader) : zip_(reader), spending_(zip_budget, reader.name_) {}
    Status load();

  private:
    Error error(std::string_view what) const { return make_error(ErrorKind::usage, "{}: {}", zip_.name_, what); }
    Error error(std::string_view member, std::string_view what) const {
        return make_error(ErrorKind::usage, "{}:{}: {}", zip_.name_, member, what);
    }
    Status read_at(std::span<std::byte> out, std::uint64_t offset) const {
        return read_exact_at(zip_.fd_.get(), out, offset, zip_.name_);
    }
    Error why_no_end() const;
    Result<EndRecord> find_end() const;
    Status apply_end64(EndRecord& end) const;
    Status read_central(const EndRecord& end);
    Result<CentralEntry> central_entry(ByteReader& in) const;
    Status name_and_kind(CentralEntry& entry, std::uint32_t attributes) const;
    Status check_local(CentralEntry& entry) const;
    Status check_layout(std::uint64_t central_offset);
    Status check_gap(std::uint64_t begin, std::uint64_t end) const;
    Status index_paths();

    ZipReader& zip_;
    Spending spending_;
    std::vector<CentralEntry> entries_;
};

// The archive has no end record: say what the file is instead.
Error ZipLoader::why_no_end() const {
    std::array<std::byte, 512> head{};
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(head.size(), zip_.file_size_));
    TRY(read_at(std::span(head).first(n), 0));
    const std::string_view text = as_text(std::span(head).first(n));
    const std::string lower = to_lower(trim(text));
    if (n == 0) return error("the file is empty; download it again");
    if (lower.starts_with("<!doctype") || lower.starts_with("<html"))
        return error(
            "this is an HTML page, not an archive: the server answered with a page (a login or an error?) in place "
            "of the file");
    if (text.starts_with("PK\3\4"))
        return error(
            fmt::format("the archive is cut short: its central directory is missing after {} bytes; download it again",
                        zip_.file_size_));
    if (text.starts_with("\x1f\x8b")) return error("this is a gzip file (a source distribution?), not a zip archive");
    if (text.starts_with("BZh")) return error("this is a bzip2 file, not a zip archive");
    return error("this is not a zip archive");
}

Result<EndRecord> ZipLoader::find_end() const {
    const std::uint64_t size = zip_.file_size_;
    Bytes tail(static_cast<std::size_t>(std::min<std::uint64_t>(size, end_size + UINT16_MAX)));
    TRY(read_at(tail, size - tail.size()));
    std::optional<std::size_t> found;
    bool broken = false;
    for (std::size_t at = tail.size() < end_size ? 0 : tail.size() - end_size + 1; at-- > 0;) {
        ByteReader in(ByteView(tail).subspan(at));
        if (in.u32() != end_signature) continue;
        in.skip(16);
        const std::size_t comment = in.u16();
        if (comment != in.remaining()) {
            broken = true;
            continue;
        }
        if (found)
            return error("the archive has two ends; it may have been made to look different to different programs");
        found = at;
    }
    if (!found && broken)
        return error("bytes follow the archive's end, or its end is cut off; download it again or repack it");
    if (!found) return why_no_end();
    ByteReader in(ByteView(tail).subspan(*found + 4));
    const std::uint16_t disk = in.u16(), central_disk = in.u16(), here = in.u16();
    EndRecord end;
    end.entries = in.u16();
    end.size = in.u32();
    end.offset = in.u32();
    end.begin = size - tail.size() + *found;
    TRY(apply_end64(end));
    if ((disk != 0 && disk != UINT16_MAX) || (central_disk != 0 && central_disk != UINT16_MAX) ||
        (here != UINT16_MAX && here != end.entries))
        return error("the archive is one volume of several; those are not supported");
    if (end.size > end.begin || end.offset > end.begin - end.size)
        return error("the archive is cut short: its central directory lies outside the file; download it again");
    if (end.offset + end.size != end.begin)
        return error(fmt::format("{} bytes lie in front of the archive or between its parts; repack it without them",
                                 end.begin - end.offset - end.size));
    return end;
}

Status ZipLoader::apply_end64(EndRecord& end) const {
    if (end.begin < locator64_size + end64_size) return {};
    std::array<std::byte, locator64_size> locator{};
    TRY(read_at(locator, end.begin - locator64_size));
    ByteReader in(locator);
    if (in.u32() != locator64_signature) return {};
    const std::uint32_t disk = in.u32();
    const std::uint64_t offset = in.u64();
    if (disk != 0 || in.u32() > 1) return error("the archive is one volume of several; those are not supported");
    if (offset > end.begin - locator64_size - end64_size) return error("its zip64 end record lies outside the file");
    std::array<std::byte, end64_size> record{};
    TRY(read_at(record, offset));
    in = ByteReader(record);
    if (in.u32() != end64_signature) return error("its zip64 end record is damaged");
    if (in.u64() + 12 != end.begin - locator64_size - offset)
        return error("its zip64 end record does not end where the next one begins");
    in.skip(12);
    const std::uint64_t here = in.u64(), entries = in.u64(), size = in.u64(), start = in.u64();
    // The old record has to agree wherever its fields are wide enough.
    if (here != entries || (end.entries != UINT16_MAX && end.entries != entries) ||
        (end.size != UINT32_MAX && end.size != size) || (end.offset != UINT32_MAX && end.offset != start))
        return error("its two end records contradict each other");
    end = {entries, size, start, offset};
    return {};
}

Status ZipLoader::name_and_kind(CentralEntry& entry, std::uint32_t attributes) const {
    std::string name = entry.raw_name;
    if ((entry.flags & flag_utf8) == 0) {
        name = from_code_page_437(name);
    } else if (!is_valid_utf8(name)) {
        return error(fmt::format("member {}", entries_.size() + 1), "its name is not valid UTF-8");
    }
    auto path = safe_relative_path(name);
    if (!path.ok()) return make_error(ErrorKind::usage, "{}:{}: {}", zip_.name_, name, path.error().message);
    ZipMember& member = entry.member;
    member.path = std::move(path).value();
    const std::uint32_t unix_mode = attributes >> 16;
    member.mode = static_cast<std::uint16_t>(unix_mode & 07777);
    member.regular = S_ISREG(unix_mode);
    if (name.ends_with('/')) {
        member.kind = format::EntryKind::directory;
        if (member.size != 0) return error(name, "a directory cannot have content");
    } else if (S_ISLNK(unix_mode)) {
        member.kind = format::EntryKind::symlink;
    } else if (S_ISCHR(unix_mode) || S_ISBLK(unix_mode) || S_ISFIFO(unix_mode) || S_ISSOCK(unix_mode)) {
        return error(name, "it is a device node, pipe or socket; no package needs one");
    }
    return {};
}

Result<CentralEntry> ZipLoader::central_entry(ByteReader& in) const {
    const std::string number = fmt::format("member {}", entries_.size() + 1);
    CentralEntry entry;
    ZipMember& member = entry.member;
    if (in.u32() != central_signature) return error(number, "its entry in the central directory is damaged");
    in.skip(4); // versions
    entry.flags = in.u16();
    const std::uint16_t method = in.u16(), time = in.u16(), date = in.u16();
    member.crc32 = in.u32();
    member.compressed = in.u32();
    member.size = in.u32();
    const std::uint16_t name_length = in.u16(), extra_length = in.u16(), comment_length = in.u16(), disk = in.u16();
    in.skip(2); // internal attributes
    const std::uint32_t attributes = in.u32();
    entry.header = in.u32();
    entry.raw_name = as_text(in.bytes(name_length));
    const ByteView extra = in.bytes(extra_length);
    in.skip(comment_length);
    if (!in.ok()) return error(number, "its entry in the central directory is cut short");
    if (!apply_zip64(extra, {&member.size, &member.compressed, &entry.header}))
        return error(number, "its zip64 sizes are missing");
    if (disk != 0 && disk != UINT16_MAX) return error(number, "it lies in another volume; those are not supported");
    member.mtime = from_dos_time(date, time);
    TRY(name_and_kind(entry, attributes));
    if ((entry.flags & (flag_encrypted | flag_strong | flag_masked)) != 0)
        return error(member.path, "it is encrypted; packages cannot be");
    if ((entry.flags & flag_patched) != 0) return error(member.path, "it holds patched data, which is not supported");
    if (method != 0 && method != 8 && method != 93)
        return error(member.path,
                     fmt::format("it is compressed by method {} ({}); only stored, deflate and zstd are supported",
                                 method, method_name(method)));
    member.method = static_cast<ZipMethod>(method);
    if (method == 0 && member.compressed != member.size) return error(member.path, "a stored member has two sizes");
    // Deflate cannot do better than 1032 : 1.
    if (method == 8 && member.size / 1032 > member.compressed)
        return error(member.path, fmt::format("its size of {} bytes is impossible for {} compressed ones", member.size,
                                              member.compressed));
    return entry;
}

Status ZipLoader::read_central(const EndRecord& end) {
    if (end.entries > end.size / central_size) return error("its central directory has an absurd size");
    TRY(spending_.bytes(end.size));
    TRY(spending_.nodes(end.entries));
    Bytes bytes(static_cast<std::size_t>(end.size));
    TRY(read_at(bytes, end.offset));
    ByteReader in(bytes);
    entries_.reserve(static_cast<std::size_t>(end.entries));
    for (std::uint64_t i = 0; i < end.entries; ++i) {
        TRY_ASSIGN(CentralEntry entry, central_entry(in));
        entries_.push_back(std::move(entry));
    }
    if (in.remaining() != 0) return error("its central directory has more entries than its end record says");
    return {};
}

Status ZipLoader::check_local(CentralEntry& entry) const {
    ZipMember& member = entry.member;
    const std::uint64_t size = zip_.file_size_;
    if (entry.header > size - local_size) return error(member.path, "its data lies outside the file");
    // One read brings the header, the name, and all but the rarest extra fields.
    Bytes bytes(static_cast<std::size_t>(
        std::min<std::uint64_t>(local_size + entry.raw_name.size() + 64, size - entry.header)));
    TRY(read_at(bytes, entry.header));
    ByteReader in(bytes);
    const bool signature = in.u32() == local_signature;
    in.skip(2);
    const std::uint16_t flags = in.u16(), method = in.u16();
    in.skip(4);
    const std::uint32_t crc = in.u32();
    std::uint64_t compressed = in.u32(), plain = in.u32();
    const std::uint16_t name_length = in.u16(), extra_length = in.u16();
    member.data_offset = entry.header + local_size + name_length + extra_length;
    if (!signature || as_text(in.bytes(name_length)) != entry.raw_name)
        return error(member.path, "its local header is not where the central directory says");
    if (extra_length > in.remaining()) {
        bytes.resize(extra_length);
        if (member.data_offset > size) return error(member.path, "its data lies outside the file");
        TRY(read_at(bytes, member.data_offset - extra_length));
        in = ByteReader(bytes);
    }
    constexpr std::uint16_t compared = flag_encrypted | flag_patched | flag_strong | flag_utf8 | flag_masked;
    bool same = (flags & compared) == (entry.flags & compared) && method == static_cast<std::uint16_t>(member.method) &&
                apply_zip64(in.bytes(extra_length), {&plain, &compressed});
    // With a data descriptor the writer did not know them yet and left zeros.
    auto fits = [&](std::uint64_t local, std::uint64_t central) {
        return local == central || (local == 0 && (flags & flag_descriptor) != 0);
    };
    same = same && fits(crc, member.crc32) && fits(compressed, member.compressed) && fits(plain, member.size);
    if (!same) return error(member.path, "its local header and the central directory contradict each other");
    return {};
}

// Between members lie data descriptors or padding; a further local header would be a member that only programs
// reading the archive as a stream see.
Status ZipLoader::check_gap(std::uint64_t begin, std::uint64_t end) const {
    if (end - begin < local_size) return {};
    std::array<std::byte, 4> start{};
    TRY(read_at(start, begin));
    if (ByteReader(start).u32() == local_signature)
        return error("it holds a member that its central directory does not list; repack it");
    return {};
}

Status ZipLoader::check_layout(std::uint64_t central_offset) {
    std::vector<CentralEntry*> order;
    for (CentralEntry& entry : entries_) order.push_back(&entry);
    std::ranges::sort(order, {}, [](const CentralEntry* entry) { return entry->header; });
    std::uint64_t end = 0;
    for (CentralEntry* entry : order) {
        const ZipMember& member = entry->member;
        if (entry->header > central_offset) return error(member.path, "its data lies outside the file");
        if (entry->header < end) return error(member.path, "it overlaps another member");
        if (end == 0 && entry->header != 0)
            return error(fmt::format("{} bytes lie in front of the archive; repack it without them", entry->header));
        TRY(check_gap(end, entry->header));
        TRY(check_local(*entry));
        if (member.data_offset > central_offset || member.compressed > central_offset - member.data_offset)
            return error(member.path, "its data lies outside the file");
        end = member.data_offset + member.compressed;
    }
    if (end == 0 && central_offset != 0)
        return error(fmt::format("{} bytes lie in front of the archive; repack it without them", central_offset));
    return check_gap(end, central_offset);
}

Status ZipLoader::index_paths() {
    auto& members = zip_.members_;
    std::vector<std::uint32_t> order(entries_.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    auto path_of = [&](std::uint32_t i) -> const std::string& { return entries_[i].member.path; };
    std::ranges::stable_sort(order, {}, path_of);
    std::vector<bool> dropped(entries_.size(), false);
    for (std::size_t i = 1; i < order.size(); ++i) {
        if (path_of(order[i]) != path_of(order[i - 1])) continue;
        const ZipMember &first = entries_[order[i - 1]].member, &second = entries_[order[i]].member;
        bool same = first.kind == second.kind && first.size == second.size && first.crc32 == second.crc32;
        if (same && first.kind != format::EntryKind::directory) {
            TRY_ASSIGN(Bytes a, zip_.read(first));
            TRY_ASSIGN(Bytes b, zip_.read(second));
            same = a == b;
        }
        if (!same) return error(first.path, "it occurs twice with different content");
        dropped[order[i]] = true;
    }
    std::vector<std::uint32_t> position(entries_.size(), 0);
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
        if (dropped[i]) continue;
        position[i] = static_cast<std::uint32_t>(members.size());
        members.push_back(std::move(entries_[i].member));
    }
    for (std::uint32_t i : order)
        if (!dropped[i]) zip_.by_path_.push_back(position[i]);
    std::string_view before; // the directories of the path before, in sorted order, were looked at
    for (std::uint32_t i : zip_.by_path_) {
        const ZipMember& member = members[i];
        TRY(spending_.depth(1 + static_cast<std::uint64_t>(std::ranges::count(member.path, '/'))));
        const auto same =
            static_cast<std::size_t>(std::ranges::mismatch(before, member.path).in2 - member.path.begin());
        before = member.path;
        for (std::size_t slash = member.path.find('/', same); slash != std::string::npos;
             slash = member.path.find('/', slash + 1)) {
            TRY(spending_.nodes());
            const ZipMember* parent = zip_.find(std::string_view(member.path).substr(0, slash));
            if (parent && parent->kind != format::EntryKind::directory)
                return error(member.path, fmt::format("'{}' is both a file and a directory", parent->path));
        }
    }
    return {};
}

Status ZipLoader::load() {
    TRY_ASSIGN(EndRecord end, find_end());
    TRY(read_central(end));
    TRY(check_layout(end.offset));
    return index_paths();
}

Result<std::shared_ptr<const ZipReader>> ZipReader::open(const fs::path& path, std::string name) {
    std::shared_ptr<ZipReader> zip(new ZipReader);
    zip->path_ = path;
    zip->name_ = name.empty() ? path.filename().string() : std::move(name);
    TRY_ASSIGN(zip->fd_, open_file(path, O_RDONLY));
    TRY_ASSIGN(zip->file_size_, tinderbox::file_size(zip->fd_.get(), path.string()));
    TRY(ZipLoader(*zip).load());
    return std::shared_ptr<const ZipReader>(std::move(zip));
}

const ZipMember* ZipReader::find(std::string_view path) const {
    auto at = std::ranges::lower_bound(by_path_, path, {},
                                       [&](std::uint32_t i) -> std::string_view { return members_[i].path; });
    return at != by_path_.end() && members_[*at].path == path ? &members_[*at] : nullptr;
}

namespace {

// The compressed bytes of a member; holds the archive.
class RawSource final : public ByteSource {
  public:
    RawSource(std::shared_ptr<const ZipReader> zip, int fd, const ZipMember& member)
        : zip_(std::move(zip)), fd_(fd), offset_(member.data_offset), left_(member.compressed) {}
    Result<std::size_t> read(std::span<std::byte> out) override {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left_));
        TRY(read_exact_at(fd_, out.first(n), offset_, zip_->name()));
        offset_ += n;
        left_ -= n;
        return n;
    }

  private:
    std::shared_ptr<const ZipReader> zip_;
    int fd_;
    std::uint64_t offset_, left_;
};

} // namespace

Result<std::unique_ptr<ByteSource>> ZipReader::open_raw(const ZipMember& member) const {
    return std::unique_ptr<ByteSource>(std::make_unique<RawSource>(shared_from_this(), fd_.get(), member));
}

Result<Bytes> ZipReader::read(const ZipMember& member, std::uint64_t limit) const {
    const std::string where = fmt::format("{}:{}", name_, member.path);
    if (member.size > limit || member.compressed > limit + (limit >> 3) + 1024)
        return make_error(ErrorKind::usage, "{}: its {} bytes are more than such a file may have", where, member.size);
    Bytes compressed(static_cast<std::size_t>(member.compressed));
    TRY(read_exact_at(fd_.get(), compressed, member.data_offset, name_));
    if (member.method == ZipMethod::stored) {
        TRY(check_crc32(compressed, member.crc32, where));
        return compressed;
    }
    if (member.method == ZipMethod::deflate)
        return inflate_whole(compressed, static_cast<std::size_t>(member.size), member.crc32, where);
    auto source = open_member(member);
    if (!source.ok()) return std::move(source).error();
    return read_all(**source, limit, where);
}

Result<std::unique_ptr<ByteSource>> ZipReader::open_member(const ZipMember& member) const {
    // Whole members inflate more than twice as fast; larger ones would cost too much memory.
    constexpr std::uint64_t whole_limit = 16u << 20;
    if (member.method == ZipMethod::deflate && member.size <= whole_limit && member.compressed <= whole_limit) {
        TRY_ASSIGN(Bytes bytes, read(member, whole_limit));
        return make_memory_source(std::move(bytes));
    }
    const std::string where = fmt::format("{}:{}", name_, member.path);
    TRY_ASSIGN(auto raw, open_raw(member));
    return make_checked_source(std::move(raw), member.method, member.size, member.crc32, where);
}

} // namespace tinderbox::archive
