#include "generator/conda/repodata_index.hpp"

#include <fcntl.h>
#include <libdeflate.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace tinderbox::conda {
namespace {

constexpr std::string_view magic{"TBREPO\0\0", 8};
constexpr std::size_t header_size = 16, counts_size = 24, name_row = 22, string_row = 8;
constexpr std::size_t piece_size = 1u << 20;

enum Flag : unsigned { tar_bz2 = 1, other_name = 2, has_sha256 = 4, has_md5 = 8, is_noarch = 16, has_more = 32 };

std::string stem(const PackageRecord& record) {
    std::string out;
    out.reserve(record.name.size() + record.version.size() + record.build.size() + 8);
    out.append(record.name).append("-").append(record.version).append("-").append(record.build);
    return out;
}

// The ending behind the stem of a record's file name; "" when the name does not begin with the stem.
std::string_view extension(const PackageRecord& record) {
    std::string_view rest = record.file_name;
    for (std::string_view part :
         {record.name, std::string_view("-"), record.version, std::string_view("-"), record.build}) {
        if (!rest.starts_with(part)) return {};
        rest.remove_prefix(part.size());
    }
    return rest;
}

} // namespace

std::string_view RepodataIndexWriter::text_of(std::uint32_t number) const {
    auto [offset, length] = string_places_[number];
    return {text_[offset / piece_size].get() + offset % piece_size, length};
}

std::uint32_t RepodataIndexWriter::intern(std::string_view text) {
    std::uint32_t& recent = recent_[std::hash<std::string_view>()(text) % recent_.size()];
    if (recent != 0 && text_of(recent - 1) == text) return recent - 1;
    auto found = strings_.find(text);
    if (found != strings_.end()) {
        recent = found->second + 1;
        return found->second;
    }
    const std::size_t room = text_.empty() ? 0 : piece_size - text_size_ % piece_size;
    if (text_.empty() || (text.size() > room && text_size_ % piece_size != 0)) {
        text_size_ = text_.size() * piece_size;
        text_.push_back(std::make_unique<char[]>(piece_size));
    } else if (room == piece_size && text_size_ == text_.size() * piece_size) {
        text_.push_back(std::make_unique<char[]>(piece_size));
    }
    char* place = text_.back().get() + text_size_ % piece_size;
    if (!text.empty()) std::memcpy(place, text.data(), text.size());
    auto number = static_cast<std::uint32_t>(string_places_.size());
    string_places_.emplace_back(static_cast<std::uint32_t>(text_size_), static_cast<std::uint32_t>(text.size()));
    text_size_ += text.size();
    strings_.emplace(std::string_view(place, text.size()), number);
    recent = number + 1;
    return number;
}

void RepodataIndexWriter::list(ByteWriter& out, const std::vector<std::string_view>& texts) {
    out.varint(texts.size());
    for (std::string_view text : texts) out.varint(intern(text));
}

Status RepodataIndexWriter::add(const PackageRecord& record) {
    auto longest = [](const std::vector<std::string_view>& texts) {
        std::size_t out = 0;
        for (std::string_view text : texts) out = std::max(out, text.size());
        return out;
    };
    if (record.name.size() > 1000 ||
        std::max({longest(record.depends), longest(record.constrains), longest(record.track_features),
                  record.license.size(), record.python_site_packages_path.size()}) > piece_size / 2)
        return make_error(ErrorKind::network, "the package {} has a field that is far too long",
                          record.file_name.substr(0, 100));
    if (text_size_ > std::numeric_limits<std::uint32_t>::max() - 2 * piece_size)
        return make_error(ErrorKind::network, "it has more than 4 GiB of texts");
    auto found = names_.find(record.name);
    if (found == names_.end()) found = names_.emplace(std::string(record.name), Name()).first;
    unsigned flags = 0;
    if (std::string_view kind = extension(record); kind == ".tar.bz2") flags |= tar_bz2;
    else if (kind != ".conda") flags |= other_name;
    if (record.sha256.size() == 32) flags |= has_sha256;
    if (record.md5.size() == 16) flags |= has_md5;
    if (record.noarch) flags |= is_noarch;
    if (!record.constrains.empty() || !record.track_features.empty() || !record.license.empty() ||
        !record.python_site_packages_path.empty())
        flags |= has_more;
    ByteWriter& out = found->second.block;
    out.u8(static_cast<std::uint8_t>(flags));
    out.string(record.version);
    out.string(record.build);
    out.varint(record.build_number);
    out.varint(record.size);
    out.varint(record.timestamp);
    if (flags & other_name) out.string(record.file_name);
    if (flags & has_sha256) out.bytes(as_bytes(record.sha256));
    if (flags & has_md5) out.bytes(as_bytes(record.md5));
    list(out, record.depends);
    if (flags & has_more) {
        list(out, record.constrains);
        list(out, record.track_features);
        out.varint(intern(record.license));
        out.varint(intern(record.python_site_packages_path));
    }
    ++found->second.records;
    ++records_;
    return {};
}

Status RepodataIndexWriter::write(const fs::path& path) const {
    std::vector<const std::pair<const std::string, Name>*> order;
    for (const auto& one : names_) order.push_back(&one);
    std::ranges::sort(order, {}, [](const auto* one) -> std::string_view { return one->first; });
    std::string name_text;
    ByteWriter front;
    front.u64(order.size());
    front.u64(string_places_.size());
    front.u64(records_);
    std::uint64_t block = 0;
    for (const auto* one : order) {
        front.u32(static_cast<std::uint32_t>(text_size_ + name_text.size()));
        front.u16(static_cast<std::uint16_t>(one->first.size()));
        front.u64(block);
        front.u32(static_cast<std::uint32_t>(one->second.block.size()));
        front.u32(one->second.records);
        block += one->second.block.size();
        name_text += one->first;
    }
    for (auto [offset, length] : string_places_) {
        front.u32(offset);
        front.u32(length);
    }
    front.u64(text_size_ + name_text.size());

    std::uint32_t crc = 0;
    fs::path temporary = path;
    temporary += fmt::format(".{}.tmp", ::getpid());
    TRY_ASSIGN(Fd fd, open_file(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC));
    std::uint64_t at = header_size;
    Bytes pending;
    auto flush = [&]() -> Status {
        TRY(write_exact_at(fd.get(), pending, at, temporary.string()));
        at += pending.size();
        pending.clear();
        return {};
    };
    auto put = [&](ByteView bytes) -> Status {
        crc = libdeflate_crc32(crc, bytes.data(), bytes.size());
        pending.insert(pending.end(), bytes.begin(), bytes.end());
        return pending.size() >= (4u << 20) ? flush() : Status();
    };
    TRY(put(front.data()));
    for (std::size_t i = 0; i < text_.size(); ++i)
        TRY(put(
            {reinterpret_cast<const std::byte*>(text_[i].get()), std::min(piece_size, text_size_ - i * piece_size)}));
    TRY(put(as_bytes(name_text)));
    for (const auto* one : order) TRY(put(one->second.block.data()));
    TRY(flush());
    ByteWriter header;
    header.bytes(as_bytes(magic));
    header.u32(repodata_index_version);
    header.u32(crc);
    TRY(write_exact_at(fd.get(), header.data(), 0, temporary.string()));
    if (::rename(temporary.c_str(), path.c_str()) != 0)
        return errno_error("cannot store '" + path.string() + "'", errno);
    return {};
}

RepodataIndex::RepodataIndex(RepodataIndex&& other) noexcept { *this = std::move(other); }

RepodataIndex& RepodataIndex::operator=(RepodataIndex&& other) noexcept {
    std::swap(map_, other.map_);
    names_ = other.names_;
    strings_ = other.strings_;
    records_ = other.records_;
    name_table_ = other.name_table_;
    string_table_ = other.string_table_;
    blocks_ = other.blocks_;
    text_ = other.text_;
    return *this;
}

RepodataIndex::~RepodataIndex() {
    if (!map_.empty()) ::munmap(const_cast<std::byte*>(map_.data()), map_.size());
}

std::optional<RepodataIndex> RepodataIndex::open(const fs::path& path) {
    auto fd = open_file(path, O_RDONLY | O_CLOEXEC);
    if (!fd.ok()) return std::nullopt;
    auto size = file_size(fd->get(), path.string());
    if (!size.ok() || *size < header_size + counts_size) return std::nullopt;
    void* map = ::mmap(nullptr, *size, PROT_READ, MAP_PRIVATE, fd->get(), 0);
    if (map == MAP_FAILED) return std::nullopt;
    RepodataIndex out;
    out.map_ = {static_cast<const std::byte*>(map), static_cast<std::size_t>(*size)};
    ByteReader reader(out.map_);
    if (as_text(reader.bytes(magic.size())) != magic || reader.u32() != repodata_index_version) return std::nullopt;
    const std::uint32_t crc = reader.u32();
    if (libdeflate_crc32(0, out.map_.data() + header_size, out.map_.size() - header_size) != crc) return std::nullopt;
    const std::uint64_t names = reader.u64(), strings = reader.u64();
    out.records_ = reader.u64();
    if (names > out.map_.size() / name_row || strings > out.map_.size() / string_row) return std::nullopt;
    out.names_ = names;
    out.strings_ = strings;
    out.name_table_ = reader.bytes(names * name_row);
    out.string_table_ = reader.bytes(strings * string_row);
    out.text_ = as_text(reader.bytes(reader.u64()));
    out.blocks_ = reader.bytes(reader.remaining());
    if (!reader.ok()) return std::nullopt;
    return out;
}

std::string_view RepodataIndex::name(std::size_t index) const {
    ByteReader row(name_table_.subspan(index * name_row, name_row));
    const std::uint32_t offset = row.u32(), length = row.u16();
    return offset <= text_.size() ? text_.substr(offset, length) : std::string_view();
}

std::optional<std::size_t> RepodataIndex::position(std::string_view wanted) const {
    std::size_t low = 0, high = names_;
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (name(middle) < wanted) low = middle + 1;
        else high = middle;
    }
    if (low == names_ || name(low) != wanted) return std::nullopt;
    return low;
}

std::string_view RepodataIndex::string(std::uint64_t number, ByteReader& reader) const {
    if (number < strings_) {
        ByteReader row(string_table_.subspan(number * string_row, string_row));
        const std::uint32_t offset = row.u32(), length = row.u32();
        if (offset <= text_.size() && length <= text_.size() - offset) return text_.substr(offset, length);
    }
    reader.fail();
    return {};
}

Result<RepodataIndex::Records> RepodataIndex::find(std::string_view wanted) const {
    Records out;
    auto index = position(wanted);
    if (!index) return out;
    ByteReader row(name_table_.subspan(*index * name_row, name_row));
    row.skip(6);
    const std::uint64_t offset = row.u64();
    const std::uint32_t length = row.u32(), count = row.u32();
    const Error damaged = make_error(ErrorKind::storage,
                                     "the cached index of a channel is damaged; clear it with 'tinderbox cache clean'");
    if (offset > blocks_.size() || length > blocks_.size() - offset || count > length) return damaged;
    ByteReader reader(blocks_.subspan(offset, length));
    auto list = [&](std::vector<std::string_view>& texts) {
        const std::uint64_t n = reader.varint();
        if (n > reader.remaining()) return reader.fail();
        texts.reserve(n);
        for (std::uint64_t i = 0; i < n && reader.ok(); ++i) texts.push_back(string(reader.varint(), reader));
    };
    out.records.reserve(count);
    const std::string_view stored_name = name(*index);
    for (std::uint32_t i = 0; i < count; ++i) {
        PackageRecord record;
        record.name = stored_name;
        const unsigned flags = reader.u8();
        record.version = reader.string();
        record.build = reader.string();
        record.build_number = reader.varint();
        record.size = reader.varint();
        record.timestamp = reader.varint();
        if (flags & other_name) {
            record.file_name = reader.string();
        } else {
            out.file_names.push_back(
                std::make_unique<std::string>(stem(record) + (flags & tar_bz2 ? ".tar.bz2" : ".conda")));
            record.file_name = *out.file_names.back();
        }
        if (flags & has_sha256) record.sha256 = as_text(reader.bytes(32));
        if (flags & has_md5) record.md5 = as_text(reader.bytes(16));
        record.noarch = flags & is_noarch;
        list(record.depends);
        if (flags & has_more) {
            list(record.constrains);
            list(record.track_features);
            record.license = string(reader.varint(), reader);
            record.python_site_packages_path = string(reader.varint(), reader);
        }
        if (!reader.ok()) return damaged;
        out.records.push_back(std::move(record));
    }
    return out;
}

} // namespace tinderbox::conda
