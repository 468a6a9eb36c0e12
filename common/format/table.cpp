#include "common/format/table.hpp"

#include "common/base/budget.hpp"
#include "common/base/text.hpp"
#include "common/base/visible.hpp"
#include "common/format/entry.hpp"

#include <algorithm>
#include <unordered_set>

namespace tinderbox::format {
namespace {

constexpr std::uint32_t first_version = 1;

// Signed values as unsigned ones with small magnitudes first (as protobuf's zigzag).
std::uint64_t zigzag(std::int64_t v) {
    return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
std::int64_t unzigzag(std::uint64_t v) { return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1); }

bool has_text(RelocKind kind) { return kind == RelocKind::cstring || kind == RelocKind::shebang; }
bool has_target(RelocKind kind) {
    return kind == RelocKind::digest_hex || kind == RelocKind::digest_b64url || kind == RelocKind::size_decimal;
}

void write_relocs(ByteWriter& out, const std::vector<Reloc>& relocs) {
    out.varint(relocs.size());
    std::uint64_t end = 0;
    for (const Reloc& reloc : relocs) {
        out.u8(static_cast<std::uint8_t>(reloc.kind));
        out.varint(reloc.offset - end);
        out.varint(reloc.length);
        if (has_text(reloc.kind)) out.string(reloc.text);
        if (has_target(reloc.kind)) out.varint(reloc.target);
        end = reloc.offset + reloc.length;
    }
}

Error damaged(std::string_view what) { return make_error(ErrorKind::damaged, "the file table is damaged: {}", what); }

// Bytes of all paths and links together; blocks, contents, destinations and relocations, each; components of a path.
constexpr Budget table_budget{.bytes = 96u << 20, .nodes = 1'500'000, .depth = 512};
Spending spend_table() { return Spending(table_budget, "the file table", ErrorKind::damaged); }

// The number of records that follow, each of at least `least` bytes. A number that cannot fit is damage: it must not be
// allocated.
bool plausible(const ByteReader& in, std::uint64_t count, std::size_t least) {
    return in.ok() && count <= in.remaining() / least;
}

Status read_relocs(ByteReader& in, Content& content, Spending& spending) {
    std::uint64_t count = in.varint();
    if (!plausible(in, count, 3)) return damaged("relocation count");
    TRY(spending.nodes(count));
    std::uint64_t end = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        Reloc reloc;
        std::uint8_t kind = in.u8();
        if (kind > static_cast<std::uint8_t>(RelocKind::size_decimal))
            return make_error(ErrorKind::damaged, "the file table has a relocation of unknown kind {}", kind);
        reloc.kind = static_cast<RelocKind>(kind);
        std::uint64_t gap = in.varint();
        reloc.length = in.varint();
        if (has_text(reloc.kind)) reloc.text = in.string();
        if (has_target(reloc.kind)) reloc.target = static_cast<std::uint32_t>(in.varint());
        // Written so that no sum can overflow.
        if (!in.ok() || gap > content.size - end || reloc.length > content.size - end - gap)
            return damaged("a relocation lies outside its file");
        reloc.offset = end + gap;
        end = reloc.offset + reloc.length;
        content.relocs.push_back(std::move(reloc));
    }
    return {};
}

Status check_content(const Table& table, const Content& content) {
    if (content.size == 0) return content.relocs.empty() ? Status() : damaged("a relocation in an empty file");
    // Sizes of all files add up without overflow.
    constexpr std::uint64_t largest_inherited = 1ull << 42;
    if (content.inherited) return content.size <= largest_inherited ? Status() : damaged("a file of absurd size");
    if (content.block >= table.blocks.size()) return damaged("a file names a block that does not exist");
    const std::uint32_t raw = table.blocks[content.block].raw;
    if (content.offset < raw && content.size <= raw - content.offset) return {};
    if (content.offset != 0 || !content.relocs.empty()) return damaged("a file reaches over its block's end");
    std::uint64_t covered = 0;
    for (std::size_t i = content.block; covered < content.size; ++i) {
        if (i >= table.blocks.size()) return damaged("a large file misses blocks");
        covered += table.blocks[i].raw;
    }
    return covered == content.size ? Status() : damaged("a large file does not end at a block's end");
}

// A file is hashed before its digest is written into another one. A circle of digests has no such order.
Status check_digest_cycles(const Table& table) {
    enum : std::uint8_t { fresh, open, done };
    std::vector<std::uint8_t> state(table.contents.size(), fresh);
    for (std::uint32_t start = 0; start < table.contents.size(); ++start) {
        if (state[start] != fresh || table.contents[start].relocs.empty()) continue;
        // (content, next relocation): an explicit stack, because a hostile table could exhaust the thread's own.
        std::vector<std::pair<std::uint32_t, std::size_t>> stack = {{start, 0}};
        state[start] = open;
        while (!stack.empty()) {
            auto& [content, next] = stack.back();
            const auto& relocs = table.contents[content].relocs;
            while (next < relocs.size() && !has_target(relocs[next].kind)) ++next;
            if (next == relocs.size()) {
                state[content] = done;
                stack.pop_back();
                continue;
            }
            const Destination& target = table.destinations[relocs[next++].target];
            if (table.contents[target.content].relocs.empty() || state[target.content] == done) continue;
            if (state[target.content] == open) return damaged("digests depend on each other in a circle");
            state[target.content] = open;
            stack.emplace_back(target.content, 0);
        }
    }
    return {};
}

Status check_destination(const Table& table, const Destination& d) {
    if (Status good = check_entry(d); !good.ok())
        return damaged(fmt::format("'{}': {}", visible(d.path.substr(0, 200)), good.error().message));
    if (d.kind == EntryKind::file && d.content >= table.contents.size())
        return damaged("a destination names a content that does not exist");
    return {};
}

Status check_links(const Table& table) {
    auto leaving = leaving_link(table);
    if (!leaving.ok()) return damaged(leaving.error().message);
    if (!*leaving) return {};
    return damaged(
        fmt::format("the link '{}' leaves the prefix through another one", table.destinations[**leaving].path));
}

} // namespace

bool has_inherited(const Table& table) {
    return std::ranges::any_of(table.contents, [](const Content& content) { return content.inherited; });
}

bool names_differ_in_case(const Table& table) {
    std::unordered_set<std::string> seen;
    return std::ranges::any_of(table.destinations, [&](const Destination& d) {
        return !seen.insert(std::to_string(prefix_index(d.root)) + " " + to_lower(d.path)).second;
    });
}

std::uint32_t block_count(const Table& table, const Content& content) {
    if (content.size == 0 || content.inherited) return 0;
    std::uint64_t covered = 0;
    std::uint32_t count = 0;
    for (std::size_t i = content.block; covered < content.offset + content.size && i < table.blocks.size();
         ++i, ++count)
        covered += table.blocks[i].raw;
    return count;
}

Bytes encode(const Table& table) {
    const bool update = has_inherited(table);
    ByteWriter out;
    out.u32(update ? table_version : first_version);
    out.varint(table.blocks.size());
    for (const Block& block : table.blocks) {
        out.varint(block.offset);
        out.varint(block.packed);
        out.varint(block.raw);
        out.u8(block.stored ? 1 : 0);
        out.bytes(block.sha256);
    }
    out.varint(table.contents.size());
    for (const Content& content : table.contents) {
        if (update) out.u8(content.inherited ? 1 : 0);
        if (!content.inherited) {
            out.varint(content.block);
            out.varint(content.offset);
        }
        out.varint(content.size);
        out.bytes(content.sha256);
        write_relocs(out, content.relocs);
    }
    out.varint(table.destinations.size());
    std::string_view previous;
    for (const Destination& d : table.destinations) {
        out.u8(static_cast<std::uint8_t>(d.root));
        out.u8(static_cast<std::uint8_t>(d.kind));
        out.u8(d.flags);
        out.varint(d.mode);
        out.varint(zigzag(d.mtime));
        auto shared = static_cast<std::size_t>(
            std::mismatch(previous.begin(), previous.end(), d.path.begin(), d.path.end()).first - previous.begin());
        out.varint(shared);
        out.string(std::string_view(d.path).substr(shared));
        previous = d.path;
        if (d.kind == EntryKind::symlink) out.string(d.link);
        if (d.kind == EntryKind::file) out.varint(d.content);
        out.varint(d.package);
    }
    return out.take();
}

namespace {

Status read_blocks(ByteReader& in, Table& table) {
    const std::uint64_t count = in.varint();
    if (!plausible(in, count, 36)) return damaged("block count");
    TRY(spend_table().nodes(count));
    table.blocks.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        Block block;
        block.offset = in.varint();
        std::uint64_t packed = in.varint();
        std::uint64_t raw = in.varint();
        std::uint8_t flags = in.u8();
        ByteView digest = in.bytes(32);
        if (!in.ok() || raw == 0 || raw > relocated_content_limit || packed == 0 || packed > raw + (raw >> 7) + 1024 ||
            flags > 1 || (flags == 1 && packed != raw) || block.offset > INT64_MAX - packed)
            return damaged("a block's sizes make no sense");
        block.packed = static_cast<std::uint32_t>(packed);
        block.raw = static_cast<std::uint32_t>(raw);
        block.stored = flags == 1;
        std::copy(digest.begin(), digest.end(), block.sha256.begin());
        table.blocks.push_back(block);
    }
    return {};
}

Status read_contents(ByteReader& in, std::uint32_t version, Table& table) {
    const std::uint64_t count = in.varint();
    if (!plausible(in, count, 35)) return damaged("content count");
    TRY(spend_table().nodes(count));
    table.contents.reserve(count);
    Spending relocs = spend_table();
    for (std::uint64_t i = 0; i < count; ++i) {
        Content content;
        const std::uint8_t flags = version > first_version ? in.u8() : 0;
        if (flags > 1) return damaged("a file is of an unknown kind");
        content.inherited = flags == 1;
        if (!content.inherited) {
            content.block = static_cast<std::uint32_t>(in.varint());
            content.offset = static_cast<std::uint32_t>(in.varint());
        }
        content.size = in.varint();
        ByteView digest = in.bytes(32);
        if (!in.ok()) return damaged("it ends too early");
        std::copy(digest.begin(), digest.end(), content.sha256.begin());
        TRY(read_relocs(in, content, relocs));
        TRY(check_content(table, content));
        table.contents.push_back(std::move(content));
    }
    return {};
}

bool is_known_root(std::uint8_t root) {
    constexpr auto further = static_cast<std::uint8_t>(Root::further);
    return root <= static_cast<std::uint8_t>(Root::stdlib) ||
           (root >= further && root < further + further_environments_limit);
}

// A path is written as the number of bytes that it shares with `previous`, and the rest.
Status read_destination(ByteReader& in, std::string& previous, Spending& names, Destination& d) {
    std::uint8_t root = in.u8();
    std::uint8_t kind = in.u8();
    if (!is_known_root(root) || kind > static_cast<std::uint8_t>(EntryKind::symlink))
        return damaged("an unknown root or entry kind");
    d.root = static_cast<Root>(root);
    d.kind = static_cast<EntryKind>(kind);
    d.flags = in.u8();
    std::uint64_t mode = in.varint();
    d.mode = static_cast<std::uint16_t>(std::min<std::uint64_t>(mode, 0xffff));
    d.mtime = unzigzag(in.varint());
    std::uint64_t shared = in.varint();
    std::string_view rest = in.string();
    if (!in.ok() || shared > previous.size()) return damaged("it ends too early");
    TRY(names.bytes(shared + rest.size()));
    d.path = previous.substr(0, shared);
    d.path += rest;
    previous = d.path;
    if (d.kind == EntryKind::symlink) d.link = in.string();
    if (d.kind == EntryKind::file) d.content = static_cast<std::uint32_t>(in.varint());
    d.package = static_cast<std::uint32_t>(in.varint());
    if (!in.ok()) return damaged("it ends too early");
    TRY(names.bytes(d.link.size()));
    // Programs that take a path apart call themselves for each component.
    TRY(names.depth(1 + static_cast<std::uint64_t>(std::ranges::count(d.path, '/'))));
    return names.depth(1 + static_cast<std::uint64_t>(std::ranges::count(d.link, '/')));
}

Status read_destinations(ByteReader& in, Table& table) {
    const std::uint64_t count = in.varint();
    if (!plausible(in, count, 7)) return damaged("destination count");
    TRY(spend_table().nodes(count));
    table.destinations.reserve(count);
    Spending names = spend_table();
    std::string previous;
    for (std::uint64_t i = 0; i < count; ++i) {
        Destination d;
        TRY(read_destination(in, previous, names, d));
        TRY(check_destination(table, d));
        table.destinations.push_back(std::move(d));
    }
    return {};
}

Status check_digest_targets(const Table& table) {
    for (const Content& content : table.contents)
        for (const Reloc& reloc : content.relocs)
            if (has_target(reloc.kind) &&
                (reloc.target >= table.destinations.size() || table.destinations[reloc.target].kind != EntryKind::file))
                return damaged("a digest names a destination that does not exist");
    return {};
}

} // namespace

Result<Table> decode_table(ByteView bytes) {
    ByteReader in(bytes);
    Table table;
    std::uint32_t version = in.u32();
    if (in.ok() && version != first_version && version != table_version)
        return make_error(
            ErrorKind::damaged,
            "the file table has format version {}, this program reads versions up to {}: use the Tinderbox that "
            "made it or a newer one",
            version, table_version);
    TRY(read_blocks(in, table));
    TRY(read_contents(in, version, table));
    TRY(read_destinations(in, table));
    if (in.remaining() != 0) return damaged("bytes follow its end");
    TRY(check_digest_targets(table));
    TRY(check_digest_cycles(table));
    TRY(check_links(table));
    return table;
}

} // namespace tinderbox::format
