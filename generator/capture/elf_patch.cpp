#include "generator/capture/elf_patch.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <charconv>

namespace tinderbox::capture {
namespace {

constexpr std::uint32_t pt_load = 1, pt_dynamic = 2, pt_interp = 3;
constexpr std::int64_t dt_needed = 1, dt_hash = 4, dt_strtab = 5, dt_symtab = 6, dt_strsz = 10, dt_syment = 11, dt_soname = 14,
                       dt_rpath = 15, dt_runpath = 29, dt_gnu_hash = 0x6ffffef5, dt_config = 0x6ffffefa,
                       dt_depaudit = 0x6ffffefb, dt_audit = 0x6ffffefc, dt_verdef = 0x6ffffffc, dt_verdefnum = 0x6ffffffd,
                       dt_verneed = 0x6ffffffe, dt_verneednum = 0x6fffffff, dt_auxiliary = 0x7ffffffd, dt_filter = 0x7fffffff;
constexpr std::size_t symbol_size = 24;
// A table with more entries than this is damage, not a library.
constexpr std::uint64_t sane_count = 16u << 20;

struct Segment {
    std::uint64_t offset, address, size;
};

class Reader {
  public:
    explicit Reader(ByteView file) : file_(file) {}

    std::optional<ElfFacts> read() {
        if (!read_header() || !read_dynamic()) return std::nullopt;
        if (!has_dynamic_) return facts_;
        collect_strings();
        if (!read_versions()) references_complete_ = false;
        if (!read_symbols()) references_complete_ = false;
        finish_runpaths();
        return facts_;
    }

  private:
    ByteReader at(std::uint64_t offset) const {
        ByteReader reader(file_);
        if (offset > file_.size()) reader.fail();
        else reader.seek(offset);
        return reader;
    }

    bool read_header() {
        ByteReader h(file_);
        if (h.u32() != 0x464c457f || h.u8() != 2 || h.u8() != 1) return false; // \x7fELF, 64 bit, little-endian
        h.seek(16);
        std::uint16_t type = h.u16();
        if (type == 1 || type == 4) { // ET_REL, ET_CORE: nothing is loaded
            return h.ok();
        }
        facts_.executable = type == 2;
        h.seek(32);
        std::uint64_t table = h.u64();
        h.seek(54);
        std::uint16_t entry = h.u16(), count = h.u16();
        if (!h.ok() || (count > 0 && entry < 56)) return false;
        for (std::uint16_t i = 0; i < count; ++i) {
            ByteReader p = at(table + std::uint64_t{i} * entry);
            std::uint32_t kind = p.u32();
            p.u32();
            std::uint64_t offset = p.u64(), address = p.u64();
            p.u64();
            std::uint64_t size = p.u64();
            if (!p.ok() || offset > file_.size() || size > file_.size() - offset) return false;
            if (kind == pt_load) {
                segments_.push_back({offset, address, size});
                facts_.loaded.emplace_back(offset, offset + size);
            } else if (kind == pt_dynamic) {
                dynamic_ = file_.subspan(offset, size);
                has_dynamic_ = true;
            } else if (kind == pt_interp) {
                facts_.executable = true;
            }
        }
        return true;
    }

    std::optional<std::uint64_t> file_offset(std::uint64_t address) const {
        for (const Segment& s : segments_)
            if (address >= s.address && address - s.address < s.size) return s.offset + (address - s.address);
        return std::nullopt;
    }

    bool read_dynamic() {
        if (!has_dynamic_) return true;
        ByteReader d(dynamic_);
        while (d.remaining() >= 16) {
            std::int64_t tag = d.i64();
            std::uint64_t value = d.u64();
            if (tag == 0) break;
            tags_.emplace_back(tag, value);
        }
        auto address = tag(dt_strtab), size = tag(dt_strsz);
        if (!address || !size) return tags_.empty();
        auto offset = file_offset(*address);
        if (!offset || *size > file_.size() - *offset) return false;
        strings_at_ = *offset;
        strings_ = as_text(file_.subspan(*offset, *size));
        return true;
    }

    std::optional<std::uint64_t> tag(std::int64_t wanted) const {
        for (auto [tag, value] : tags_)
            if (tag == wanted) return value;
        return std::nullopt;
    }

    std::string string_at(std::uint64_t offset) const {
        if (offset >= strings_.size()) return {};
        std::string_view rest = strings_.substr(offset);
        return std::string(rest.substr(0, rest.find('\0')));
    }

    void refer(std::uint64_t offset) { references_.push_back(offset); }

    void collect_strings() {
        for (auto [tag, value] : tags_)
            switch (tag) {
            case dt_needed: facts_.needed.push_back(string_at(value)), refer(value); break;
            case dt_soname: facts_.soname = string_at(value), refer(value); break;
            case dt_config: case dt_depaudit: case dt_audit: case dt_auxiliary: case dt_filter: refer(value); break;
            case dt_rpath: case dt_runpath: {
                ElfRunpath path;
                path.runpath = tag == dt_runpath;
                path.value = string_at(value);
                path.offset = strings_at_ + value;
                facts_.runpaths.push_back(std::move(path));
                break;
            }
            default: break;
            }
    }

    bool read_versions() {
        if (auto address = tag(dt_verneed)) {
            auto offset = file_offset(*address);
            std::uint64_t count = tag(dt_verneednum).value_or(0);
            if (!offset || count > sane_count) return false;
            for (std::uint64_t i = 0; i < count; ++i) {
                ByteReader need = at(*offset);
                need.u16();
                std::uint16_t inner = need.u16();
                refer(need.u32());
                std::uint32_t aux = need.u32(), next = need.u32();
                std::uint64_t aux_offset = *offset + aux;
                for (std::uint16_t k = 0; k < inner; ++k) {
                    ByteReader a = at(aux_offset);
                    a.u32();
                    a.u32();
                    std::uint32_t name = a.u32(), step = a.u32();
                    if (!a.ok()) return false;
                    refer(name);
                    note_glibc(string_at(name));
                    if (step == 0) break;
                    aux_offset += step;
                }
                if (!need.ok()) return false;
                if (next == 0) break;
                *offset += next;
            }
        }
        auto address = tag(dt_verdef);
        if (!address) return true;
        auto offset = file_offset(*address);
        std::uint64_t count = tag(dt_verdefnum).value_or(0);
        if (!offset || count > sane_count) return false;
        for (std::uint64_t i = 0; i < count; ++i) {
            ByteReader def = at(*offset);
            def.skip(6);
            std::uint16_t inner = def.u16();
            def.u32();
            std::uint32_t aux = def.u32(), next = def.u32();
            if (!def.ok()) return false;
            std::uint64_t aux_offset = *offset + aux;
            for (std::uint16_t k = 0; k < inner; ++k) {
                ByteReader a = at(aux_offset);
                refer(a.u32());
                std::uint32_t step = a.u32();
                if (!a.ok()) return false;
                if (step == 0) break;
                aux_offset += step;
            }
            if (next == 0) break;
            *offset += next;
        }
        return true;
    }

    void note_glibc(const std::string& name) {
        if (!name.starts_with("GLIBC_") || name.size() < 7 || name[6] < '0' || name[6] > '9') return;
        std::string version = name.substr(6);
        if (newer_glibc(version, facts_.glibc)) facts_.glibc = version;
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
        if (!offset || !count || *count > sane_count || tag(dt_syment).value_or(symbol_size) != symbol_size) return false;
        ByteReader symbols = at(*offset);
        for (std::uint64_t i = 0; i < *count; ++i) {
            refer(symbols.u32());
            symbols.skip(symbol_size - 4);
        }
        return symbols.ok();
    }

    void finish_runpaths() {
        for (ElfRunpath& path : facts_.runpaths) {
            std::uint64_t first = path.offset - strings_at_, last = first + path.value.size();
            if (path.value.empty() || last >= strings_.size()) continue; // beyond the table: damage
            bool own_start = first == 0 || strings_[first - 1] == '\0';
            bool referred = std::ranges::any_of(references_, [&](std::uint64_t r) { return r >= first && r < last; });
            path.exclusive = references_complete_ && own_start && !referred && facts_.runpaths.size() == 1;
        }
    }

    ByteView file_, dynamic_;
    bool has_dynamic_ = false, references_complete_ = true;
    std::vector<Segment> segments_;
    std::vector<std::pair<std::int64_t, std::uint64_t>> tags_;
    std::uint64_t strings_at_ = 0;
    std::string_view strings_;
    std::vector<std::uint64_t> references_;
    ElfFacts facts_;
};

} // namespace

std::optional<ElfFacts> read_elf(ByteView file) { return Reader(file).read(); }

bool newer_glibc(std::string_view a, std::string_view b) {
    auto left = split(a, '.'), right = split(b, '.');
    for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
        auto number = [&](const std::vector<std::string_view>& parts) {
            int value = -1;
            if (i < parts.size()) std::from_chars(parts[i].data(), parts[i].data() + parts[i].size(), value);
            return value;
        };
        if (number(left) != number(right)) return number(left) > number(right);
    }
    return false;
}

} // namespace tinderbox::capture
