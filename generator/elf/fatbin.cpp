#include "generator/elf/fatbin.hpp"

#include <algorithm>
#include <cstring>

namespace tinderbox::elf {
namespace {

constexpr std::uint32_t container_magic = 0xBA55ED50;
constexpr std::uint64_t alignment = 8;
constexpr std::size_t container_head = 8, entry_head = 64;
constexpr std::uint64_t flag_lto = 0x10000, flag_exact = 0x100000, flag_family = 0x200000;
// The largest library seen (cublasLt of CUDA 12) has some thousand containers with a few dozen architectures.
constexpr std::size_t container_limit = 1u << 17, set_limit = 4096, codes_limit = 256;

constexpr std::string_view loaded_section = ".nv_fatbin", relocatable_section = "__nv_relfatbin";

} // namespace

void FatbinScanner::feed(ByteView bytes) {
    while (!bytes.empty()) {
        if (position_ < target_) {
            const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(target_ - position_, bytes.size()));
            position_ += n;
            bytes = bytes.subspan(n);
            continue;
        }
        switch (state_) {
        case State::searching:
            search(bytes);
            break;
        case State::magic:
            if (take(bytes, container_head)) read_magic();
            break;
        case State::size:
            if (take(bytes, container_head)) read_size();
            break;
        case State::entry:
            if (take(bytes, entry_head)) read_entry();
            break;
        }
    }
}

// Moves bytes into pending_ until there are `size` of them.
bool FatbinScanner::take(ByteView& bytes, std::size_t size) {
    const std::size_t n = std::min(size - pending_.size(), bytes.size());
    pending_.insert(pending_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    position_ += n;
    bytes = bytes.subspan(n);
    return pending_.size() == size;
}

// To the next aligned word that may begin a container.
void FatbinScanner::search(ByteView& bytes) {
    std::size_t at = static_cast<std::size_t>((alignment - position_ % alignment) % alignment);
    // One compare for eight bytes: the host code of a large library is some hundred megabytes.
    for (; at + sizeof container_magic <= bytes.size(); at += alignment) {
        std::uint32_t word;
        std::memcpy(&word, bytes.data() + at, sizeof word);
        if (word == container_magic) break;
    }
    const std::size_t skipped = std::min(at, bytes.size());
    compiled_for_.feed(bytes.first(skipped));
    position_ += skipped;
    bytes = bytes.subspan(skipped);
    // A match, or a word that this feed cuts: read_magic() decides.
    if (!bytes.empty()) state_ = State::magic;
}

void FatbinScanner::read_magic() {
    ByteReader in(pending_);
    const bool match = in.u32() == container_magic;
    const std::uint16_t version = in.u16(), header = in.u16();
    if (!match || containers_.size() >= container_limit) {
        compiled_for_.feed(pending_);
        pending_.clear();
        state_ = State::searching;
        return;
    }
    compiled_for_.skip();
    pending_.clear();
    current_ = {};
    current_codes_.clear();
    current_.begin = position_ - container_head;
    current_.end = position_;
    target_ = position_;
    if (version != 1) return end_container(fmt::format("its version is {}, and only version 1 is known", version));
    if (header < 2 * container_head)
        return end_container(fmt::format("its header has {} bytes, and {} are the least", header, 2 * container_head));
    current_.end = current_.begin + header; // and what the next word says
    state_ = State::size;
}

void FatbinScanner::read_size() {
    const std::uint64_t size = ByteReader(pending_).u64();
    pending_.clear();
    target_ = current_.end;
    if (target_ > file_size_ || size > file_size_ - target_)
        return end_container(fmt::format("its {} bytes reach over the end of the file", size));
    current_.end = target_ + size;
    state_ = State::entry;
    if (size == 0) end_container();
    else if (size < entry_head) end_container(fmt::format("its {} bytes hold no entry", size));
}

void FatbinScanner::read_entry() {
    ByteReader in(pending_);
    const std::uint16_t kind = in.u16();
    in.skip(2);
    const std::uint32_t header = in.u32();
    const std::uint64_t payload = in.u64();
    in.skip(8);
    DeviceCode code;
    code.isa_minor = in.u16();
    code.isa_major = in.u16();
    code.architecture = in.u32();
    in.seek(40);
    const std::uint64_t flags = in.u64();
    const std::uint64_t begin = position_ - entry_head;
    pending_.clear();
    const std::uint64_t room = current_.end - begin;
    if (header < entry_head)
        return end_container(fmt::format("the header of entry {} has {} bytes, and {} are the least",
                                         current_.entries + 1, header, entry_head));
    if (header > room || payload > room - header)
        return end_container(fmt::format("entry {} says that it has {} + {} bytes, and only {} are left",
                                         current_.entries + 1, header, payload, room));
    ++current_.entries;
    if (kind == 1 || kind == 2 || kind == 8) {
        code.kind = static_cast<DeviceCode::Kind>(kind);
        if (flags & flag_lto) code.kind = DeviceCode::Kind::lto;
        code.variant = flags & flag_exact ? 'a' : flags & flag_family ? 'f' : '\0';
        if (code.kind != DeviceCode::Kind::ptx) code.isa_major = code.isa_minor = 0; // there: the container format's
        auto at = std::ranges::lower_bound(current_codes_, code);
        if (at == current_codes_.end() || *at != code) {
            if (current_codes_.size() >= codes_limit)
                return end_container("it names more architectures than there are");
            current_codes_.insert(at, code);
        }
    } // else a kind of a later CUDA: its size is known, its meaning is not
    target_ = begin + header + payload;
    if (target_ == current_.end) return end_container();
    if (current_.end - target_ < entry_head)
        return end_container(fmt::format("{} bytes follow its last entry", current_.end - target_));
}

void FatbinScanner::end_container(std::string problem) {
    auto known = set_index_.find(current_codes_);
    if (known != set_index_.end()) {
        current_.codes = known->second;
    } else if (code_sets_.size() < set_limit) {
        current_.codes = static_cast<std::uint32_t>(code_sets_.size());
        set_index_.emplace(current_codes_, current_.codes);
        code_sets_.push_back(current_codes_);
    } else {
        problem = "no library has so many different ones";
    }
    current_.problem = std::move(problem);
    containers_.push_back(std::move(current_));
    if (containers_.size() == container_limit)
        containers_.back().problem = "no library has so many of them; the rest was not read";
    current_ = {};
    state_ = State::searching;
}

std::optional<FatbinInfo> FatbinScanner::result(const std::vector<ElfSection>& sections) const {
    auto section_of = [&](const Container& c) -> const ElfSection* {
        for (const ElfSection& s : sections)
            if ((s.name == loaded_section || s.name == relocatable_section) && c.begin >= s.offset &&
                c.begin - s.offset < s.size)
                return &s;
        return nullptr;
    };
    std::vector<const ElfSection*> where;
    for (const Container& c : containers_) where.push_back(section_of(c));
    auto any_in = [&](std::string_view name) {
        return std::ranges::any_of(where, [&](const ElfSection* s) { return s && s->name == name; });
    };
    const bool loaded = any_in(loaded_section);
    FatbinInfo out;
    out.relocatable = !loaded && any_in(relocatable_section);
    for (std::size_t i = 0; i < containers_.size(); ++i) {
        const Container& c = containers_[i];
        const bool elsewhere = !sections.empty() && !where[i];
        if (loaded && where[i] && where[i]->name != loaded_section) continue;
        // In other sections, bytes that are not a whole fatbin are somebody's data.
        if (elsewhere && (!c.problem.empty() || c.entries == 0)) continue;
        ++out.containers;
        out.entries += c.entries;
        std::string problem = c.problem;
        if (problem.empty() && where[i] && c.end - where[i]->offset > where[i]->size)
            problem = fmt::format("it reaches over the end of section {}", where[i]->name);
        if (!problem.empty() && out.problem.empty())
            out.problem = fmt::format("its fatbin at byte {} cannot be read: {}", c.begin, problem);
        if (c.codes < code_sets_.size())
            for (const DeviceCode& code : code_sets_[c.codes]) ++(elsewhere ? out.data : out.code)[code];
    }
    CompiledForScanner compiled_for = compiled_for_;
    if (state_ == State::magic) compiled_for.feed(pending_); // the last bytes, too few for a container
    out.compiled_for = compiled_for.codes();
    if (out.containers > 0) return out;
    for (const ElfSection& s : sections)
        if (s.name == loaded_section && s.size > 0) {
            out.problem = fmt::format("its section {} of {} bytes has no fatbin of a known form", s.name, s.size);
            return out;
        }
    return std::nullopt;
}

std::optional<FatbinInfo> read_fatbins(ByteView file) {
    if (!looks_like_elf(file)) return std::nullopt;
    FatbinScanner scanner(file.size());
    scanner.feed(file);
    return scanner.result(
        read_elf_sections(file.size(), [&](std::uint64_t offset, std::uint64_t size) -> std::optional<ByteView> {
            return file.subspan(offset, size); // nothing outside is asked for
        }).sections);
}

} // namespace tinderbox::elf
