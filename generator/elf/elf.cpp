#include "generator/elf/elf.hpp"

#include "common/base/text.hpp"
#include "common/base/version_order.hpp"
#include "generator/elf/elf_format.hpp"

#include <algorithm>
#include <charconv>

namespace tinderbox::elf {
namespace {

constexpr std::uint64_t header_size = 64, segment_size = 56, dynamic_size = 16, section_size = 64;
constexpr std::uint64_t longest_string = 4096; // PATH_MAX; a RUNPATH may be a few of them, which are cut off then
constexpr std::uint64_t range_limit = 64u << 10;
constexpr std::size_t version_limit = 4096; // records of .gnu.version_r

class Reader {
  public:
    Reader(std::uint64_t size, const ElfRanges& ranges) : size_(size), ranges_(ranges) {}

    ElfResult run() {
        ElfInfo info;
        const bool good = header(info) && segments(info) && dynamic(info) && strings(info) && versions(info);
        ElfResult result;
        result.missing = std::move(missing_);
        if (good && result.missing.empty()) result.info = std::move(info);
        return result;
    }

  private:
    // Missing ranges are noted; the caller goes on where it can, so that one more pass brings several.
    std::optional<ByteView> get(std::uint64_t offset, std::uint64_t size) {
        if (offset > size_ || size > size_ - offset || size > range_limit) {
            damaged_ = true;
            return std::nullopt;
        }
        auto view = ranges_(offset, size);
        if (!view || view->size() != size) {
            missing_.emplace_back(offset, size);
            return std::nullopt;
        }
        return view;
    }

    bool header(ElfInfo& info) {
        auto view = get(0, header_size);
        if (!view || !looks_like_elf(*view)) return false;
        ByteReader in(*view);
        in.skip(4);
        if (in.u8() != 2 || in.u8() != 1) return false; // 64 bits, little-endian
        in.seek(16);
        info.type = in.u16();
        info.machine = in.u16();
        in.seek(32);
        segments_offset_ = in.u64();
        in.seek(54);
        const std::uint16_t entry_size = in.u16();
        segment_count_ = in.u16();
        return segment_count_ == 0 || entry_size == segment_size;
    }

    bool segments(ElfInfo& info) {
        if (segment_count_ == 0) return true;
        auto view = get(segments_offset_, segment_count_ * segment_size);
        if (!view) return false;
        ByteReader in(*view);
        for (std::uint16_t i = 0; i < segment_count_; ++i) {
            ElfSegment segment;
            segment.type = in.u32();
            in.skip(4);
            segment.offset = in.u64();
            segment.address = in.u64();
            in.skip(8);
            segment.file_size = in.u64();
            in.skip(16);
            if (segment.type == pt_interp) info.has_interpreter = true;
            info.segments.push_back(segment);
        }
        return true;
    }

    bool dynamic(ElfInfo& info) {
        for (const ElfSegment& segment : info.segments) {
            if (segment.type != pt_dynamic) continue;
            auto view = get(segment.offset, segment.file_size);
            if (!view) return false;
            ByteReader in(*view);
            for (std::uint64_t at = 0; at + dynamic_size <= segment.file_size; at += dynamic_size) {
                ElfDynamic entry;
                entry.tag = in.i64();
                entry.value = in.u64();
                entry.offset = segment.offset + at;
                if (entry.tag == 0) break;
                info.dynamic.push_back(entry);
            }
            break;
        }
        return true;
    }

    std::optional<std::uint64_t> value(const ElfInfo& info, std::int64_t tag) const {
        for (const ElfDynamic& entry : info.dynamic)
            if (entry.tag == tag) return entry.value;
        return std::nullopt;
    }

    // A string of the dynamic string table; false when it cannot be had.
    bool string_at(std::uint64_t index, ElfString& out) {
        if (index >= strings_size_) return damaged();
        out.offset = strings_offset_ + index;
        const std::uint64_t room = std::min(strings_size_ - index, longest_string);
        auto view = get(out.offset, room);
        if (!view) return false;
        const std::string_view text = as_text(*view);
        const std::size_t end = text.find('\0');
        if (end == std::string_view::npos && room < longest_string) return damaged();
        out.value = text.substr(0, end);
        return true;
    }
    bool damaged() {
        damaged_ = true;
        return false;
    }

    bool strings(ElfInfo& info) {
        auto address = value(info, dt_strtab), size = value(info, dt_strsz);
        if (!address || !size) return true; // nothing to name anything with
        auto offset = info.file_offset(*address);
        if (!offset || *size > size_ - *offset) return damaged();
        strings_offset_ = *offset;
        strings_size_ = *size;
        for (const ElfDynamic& entry : info.dynamic) {
            std::vector<ElfString>* list = entry.tag == dt_needed    ? &info.needed
                                           : entry.tag == dt_rpath   ? &info.rpath
                                           : entry.tag == dt_runpath ? &info.runpath
                                                                     : nullptr;
            if (!list && entry.tag != dt_soname) continue;
            ElfString string;
            if (!string_at(entry.value, string) && damaged_) return false;
            if (list) list->push_back(std::move(string));
            else info.soname = std::move(string);
        }
        return true;
    }

    // The chain of .gnu.version_r: files, each with the versions asked of it.
    bool versions(ElfInfo& info) {
        auto address = value(info, dt_verneed);
        if (!address || strings_size_ == 0) return true;
        auto at = info.file_offset(*address);
        if (!at) return damaged();
        // Read ahead in one piece: chains are short and lie together.
        std::uint64_t files = value(info, dt_verneednum).value_or(0);
        std::size_t records = 0;
        for (std::uint64_t file = *at; files > 0; --files) {
            auto head = record(file);
            if (!head || ++records > version_limit) return missing_.empty() ? damaged() : true;
            ByteReader in(*head);
            in.skip(2);
            std::uint16_t count = in.u16();
            in.skip(4);
            const std::uint32_t first = in.u32(), next = in.u32();
            for (std::uint64_t entry = file + first; count > 0; --count) {
                auto view = record(entry);
                if (!view || ++records > version_limit) return missing_.empty() ? damaged() : true;
                ByteReader need(*view);
                need.skip(8);
                const std::uint32_t name = need.u32(), step = need.u32();
                ElfString version;
                if (!string_at(name, version) && damaged_) return false;
                note_version(version.value, info);
                if (step == 0) break;
                entry += step;
            }
            if (next == 0) break;
            file += next;
        }
        return true;
    }

    // 16 bytes of the chain, copied because the next range may replace the view.
    std::optional<ByteView> record(std::uint64_t offset) {
        if (offset < ahead_offset_ || offset + 16 > ahead_offset_ + ahead_.size()) {
            if (offset > size_ || size_ - offset < 16) return std::nullopt;
            auto view = get(offset, std::min<std::uint64_t>(16384, size_ - offset));
            if (!view) return std::nullopt;
            ahead_.assign(view->begin(), view->end());
            ahead_offset_ = offset;
        }
        return ByteView(ahead_).subspan(offset - ahead_offset_, 16);
    }

    static void note_version(std::string_view name, ElfInfo& info) {
        constexpr std::string_view glibc = "GLIBC_";
        if (!name.starts_with(glibc)) return;
        name.remove_prefix(glibc.size());
        if (name.empty() || name.find_first_not_of("0123456789.") != std::string_view::npos) return; // GLIBC_PRIVATE
        if (info.glibc.empty() || compare_versions(name, info.glibc) > 0) info.glibc = name;
    }

    std::uint64_t size_;
    const ElfRanges& ranges_;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> missing_;
    bool damaged_ = false;
    std::uint64_t segments_offset_ = 0, segment_count_ = 0, strings_offset_ = 0, strings_size_ = 0;
    Bytes ahead_;
    std::uint64_t ahead_offset_ = 0;
};

} // namespace

std::optional<std::uint64_t> ElfInfo::file_offset(std::uint64_t address) const {
    for (const ElfSegment& segment : segments)
        if (segment.type == pt_load && address >= segment.address && address - segment.address < segment.file_size)
            return segment.offset + (address - segment.address);
    return std::nullopt;
}

ElfResult read_elf(std::uint64_t file_size, const ElfRanges& ranges) { return Reader(file_size, ranges).run(); }

std::optional<ElfInfo> read_elf(ByteView file) {
    return read_elf(file.size(),
                    [&](std::uint64_t offset, std::uint64_t size) -> std::optional<ByteView> {
                        return file.subspan(offset, size); // read_elf asks for nothing outside
                    })
        .info;
}

std::pair<std::uint64_t, std::uint64_t> section_header_range(ByteView head) {
    if (head.size() < header_size || !looks_like_elf(head)) return {};
    ByteReader in(head);
    in.seek(40);
    const std::uint64_t offset = in.u64();
    in.seek(58);
    const std::uint16_t entry_size = in.u16(), count = in.u16();
    if (offset == 0 || entry_size != section_size || count == 0 || count > range_limit / section_size) return {};
    return {offset, count * section_size};
}

ElfSections read_elf_sections(std::uint64_t file_size, const ElfRanges& ranges) {
    ElfSections out;
    auto get = [&](std::uint64_t offset, std::uint64_t size) -> std::optional<Bytes> {
        if (offset > file_size || size > file_size - offset) return std::nullopt;
        auto view = ranges(offset, size);
        if (view && view->size() == size) return Bytes(view->begin(), view->end());
        out.missing.emplace_back(offset, size);
        return std::nullopt;
    };
    auto head = get(0, std::min(file_size, header_size));
    if (!head) return out;
    const auto [offset, size] = section_header_range(*head);
    if (size == 0) return out;
    auto table = get(offset, size);
    if (!table) return out;
    ByteReader index(*head);
    index.seek(62);
    const std::uint64_t names_at = index.u16() * section_size;
    if (names_at >= size) return out;
    ByteReader names_header(*table);
    names_header.seek(names_at + 24);
    const std::uint64_t names_offset = names_header.u64(), names_size = std::min(names_header.u64(), range_limit);
    auto names = get(names_offset, names_size);
    if (!names) return out;
    for (std::uint64_t at = 0; at < size; at += section_size) {
        ByteReader in(ByteView(*table).subspan(at, section_size));
        const std::uint32_t name = in.u32(), type = in.u32();
        in.skip(16);
        ElfSection section;
        section.offset = in.u64();
        section.size = type == sht_nobits ? 0 : in.u64();
        if (name < names->size()) {
            const std::string_view text = as_text(*names).substr(name);
            section.name = text.substr(0, text.find('\0'));
        }
        out.sections.push_back(std::move(section));
    }
    return out;
}

bool looks_like_elf(ByteView head) {
    return as_text(head).starts_with("\x7f"
                                     "ELF");
}

std::string elf_machine_name(std::uint16_t machine) {
    if (machine == elf_machine_x86_64) return "x86-64";
    if (machine == elf_machine_aarch64) return "aarch64";
    if (machine == elf_machine_cuda) return "cuda";
    return fmt::format("machine {}", machine);
}

} // namespace tinderbox::elf
