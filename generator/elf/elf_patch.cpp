#include "generator/elf/elf_patch.hpp"

#include "generator/elf/elf_format.hpp"

#include <algorithm>

namespace tinderbox::elf {
namespace {

constexpr std::size_t symbol_size = 24;
// A table with more entries than this is damage, not a library.
constexpr std::uint64_t sane_count = 16u << 20;

// Everything that names a string of .dynstr: dynamic entries, symbol versions, symbols.
class StringUsers {
  public:
    StringUsers(ByteView file, const ElfInfo& info) : file_(file), info_(info) {}

    // The string at `offset` of the file is this entry's alone.
    bool exclusive(std::uint64_t offset, std::size_t size) {
        if (!find_table() || offset < strings_at_ || !collect()) return false;
        const std::uint64_t first = offset - strings_at_, last = first + size;
        if (size == 0 || last >= strings_.size() || strings_[last] != '\0') return false;
        if (first > 0 && strings_[first - 1] != '\0') return false; // itself the tail of another string
        return std::ranges::none_of(users_, [&](std::uint64_t user) { return user >= first && user < last; });
    }

  private:
    bool find_table() {
        auto address = tag(dt_strtab), size = tag(dt_strsz);
        auto offset = address ? info_.file_offset(*address) : std::nullopt;
        if (!offset || !size || *offset > file_.size() || *size > file_.size() - *offset) return false;
        strings_at_ = *offset;
        strings_ = as_text(file_.subspan(*offset, *size));
        return true;
    }

    bool collect() {
        for (const ElfDynamic& entry : info_.dynamic) switch (entry.tag) {
            case dt_needed:
            case dt_soname:
            case dt_config:
            case dt_depaudit:
            case dt_audit:
            case dt_auxiliary:
            case dt_filter:
                refer(entry.value);
                break;
            default:
                break;
            }
        return read_needed_versions() && read_defined_versions() && read_symbols();
    }

    ByteReader at(std::uint64_t offset) const {
        ByteReader reader(file_);
        if (offset > file_.size()) reader.fail();
        else reader.seek(offset);
        return reader;
    }

    std::optional<std::uint64_t> file_offset(std::uint64_t address) const { return info_.file_offset(address); }

    std::optional<std::uint64_t> tag(std::int64_t wanted) const {
        for (const ElfDynamic& entry : info_.dynamic)
            if (entry.tag == wanted) return entry.value;
        return std::nullopt;
    }

    void refer(std::uint64_t offset) { users_.push_back(offset); }

    // One record of DT_VERNEED or DT_VERDEF: how many entries hang on it, and how many bytes behind its start the first
    // of them and the next record lie.
    struct VersionRecord {
        std::uint16_t entries = 0;
        std::uint32_t first = 0, next = 0;
    };

    // Elfxx_Verneed and Elfxx_Vernaux of the gABI: versions that the file needs of others, and the names of the others.
    bool read_needed_versions() {
        auto record = [this](ByteReader& need) {
            need.skip(2);
            VersionRecord out;
            out.entries = need.u16();
            refer(need.u32());
            out.first = need.u32();
            out.next = need.u32();
            return out;
        };
        auto entry = [this](ByteReader& aux) {
            aux.skip(8);
            refer(aux.u32());
            return aux.u32();
        };
        return read_versions(dt_verneed, dt_verneednum, record, entry);
    }

    // Elfxx_Verdef and Elfxx_Verdaux: versions that the file defines.
    bool read_defined_versions() {
        auto record = [](ByteReader& def) {
            def.skip(6);
            VersionRecord out;
            out.entries = def.u16();
            def.skip(4);
            out.first = def.u32();
            out.next = def.u32();
            return out;
        };
        auto entry = [this](ByteReader& aux) {
            refer(aux.u32());
            return aux.u32();
        };
        return read_versions(dt_verdef, dt_verdefnum, record, entry);
    }

    // Follows a chain of records, each with a chain of entries. `entry` returns the distance to the next one, 0 = last.
    template <class ReadRecord, class ReadEntry>
    bool read_versions(std::int64_t table, std::int64_t number, ReadRecord record, ReadEntry entry) {
        auto address = tag(table);
        if (!address) return true;
        auto offset = file_offset(*address);
        const std::uint64_t count = tag(number).value_or(0);
        if (!offset || count > sane_count) return false;
        for (std::uint64_t i = 0; i < count; ++i) {
            ByteReader reader = at(*offset);
            const VersionRecord version = record(reader);
            if (!reader.ok()) return false;
            std::uint64_t entry_offset = *offset + version.first;
            for (std::uint16_t k = 0; k < version.entries; ++k) {
                ByteReader aux = at(entry_offset);
                const std::uint32_t step = entry(aux);
                if (!aux.ok()) return false;
                if (step == 0) break;
                entry_offset += step;
            }
            if (version.next == 0) break;
            *offset += version.next;
        }
        return true;
    }

    // How many dynamic symbols there are is written nowhere: DT_HASH's chain count says it, DT_GNU_HASH only through
    // its longest chain.
    std::optional<std::uint64_t> symbol_count() const {
        if (auto hash = tag(dt_hash)) {
            auto offset = file_offset(*hash);
            if (!offset) return std::nullopt;
            ByteReader h = at(*offset);
            h.u32();
            std::uint32_t chains = h.u32();
            return h.ok() ? std::optional<std::uint64_t>(chains) : std::nullopt;
        }
        auto hash = tag(dt_gnu_hash);
        if (!hash) return std::nullopt;
        auto offset = file_offset(*hash);
        if (!offset) return std::nullopt;
        ByteReader h = at(*offset);
        std::uint32_t buckets = h.u32(), first = h.u32(), bloom = h.u32();
        h.u32();
        h.skip(std::uint64_t{bloom} * 8);
        std::uint64_t last = 0;
        for (std::uint32_t i = 0; i < buckets && h.ok(); ++i) last = std::max<std::uint64_t>(last, h.u32());
        if (!h.ok()) return std::nullopt;
        if (last < first) return undefined_symbols(first);
        ByteReader chain = at(h.position() + (last - first) * 4);
        while (chain.ok() && (chain.u32() & 1) == 0) ++last;
        return chain.ok() ? std::optional<std::uint64_t>(last + 1) : std::nullopt;
    }

    // An executable without exports has an empty GNU hash: only its string table, which linkers place right behind
    // the symbols, bounds them.
    std::optional<std::uint64_t> undefined_symbols(std::uint64_t at_least) const {
        auto table = tag(dt_symtab), strings = tag(dt_strtab);
        if (!table || !strings || *strings <= *table || (*strings - *table) % symbol_size != 0) return std::nullopt;
        std::uint64_t count = (*strings - *table) / symbol_size;
        return count >= at_least && count < sane_count ? std::optional<std::uint64_t>(count) : std::nullopt;
    }

    bool read_symbols() {
        auto table = tag(dt_symtab);
        if (!table) return true;
        auto offset = file_offset(*table);
        auto count = symbol_count();
        if (!offset || !count || *count > sane_count || tag(dt_syment).value_or(symbol_size) != symbol_size)
            return false;
        ByteReader symbols = at(*offset);
        for (std::uint64_t i = 0; i < *count; ++i) {
            refer(symbols.u32());
            symbols.skip(symbol_size - 4);
        }
        return symbols.ok();
    }

    ByteView file_;
    const ElfInfo& info_;
    std::uint64_t strings_at_ = 0;
    std::string_view strings_;
    std::vector<std::uint64_t> users_;
};

} // namespace

namespace {
bool in_segment(const ElfInfo& info, std::uint32_t type, std::uint64_t offset) {
    return std::ranges::any_of(info.segments, [&](const ElfSegment& s) {
        return s.type == type && offset >= s.offset && offset - s.offset < s.file_size;
    });
}
} // namespace

bool ElfFacts::is_loaded(std::uint64_t offset) const { return in_segment(info, pt_load, offset); }
bool ElfFacts::is_loader_name(std::uint64_t offset) const { return in_segment(info, pt_interp, offset); }

std::optional<ElfFacts> elf_facts(ByteView file) {
    auto info = read_elf(file);
    if (!info) return std::nullopt;
    ElfFacts out;
    out.info = std::move(*info);
    const bool only = out.info.rpath.size() + out.info.runpath.size() == 1;
    auto add = [&](const std::vector<ElfString>& strings, bool runpath) {
        for (const ElfString& s : strings)
            if (!s.value.empty())
                out.runpaths.push_back({runpath, s.value, s.offset,
                                        only && StringUsers(file, out.info).exclusive(s.offset, s.value.size())});
    };
    add(out.info.rpath, false);
    add(out.info.runpath, true);
    return out;
}

} // namespace tinderbox::elf
