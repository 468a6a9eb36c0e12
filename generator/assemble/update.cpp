#include "generator/assemble/update.hpp"

#include "common/base/aligned_buffer.hpp"
#include "common/base/parallel.hpp"
#include "common/format/run_file.hpp"
#include "generator/parcel/zstd_frame.hpp"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <unordered_map>

namespace tinderbox::assemble {
namespace {

// What is compressed again is small files of packages that changed in part: some megabytes.
constexpr int update_level = 12;

// Which files of the new table an earlier one has.
class Comparison {
  public:
    Comparison(const format::Table& now, const format::Table& before) : now_(now), before_(before) {
        for (std::uint32_t i = 0; i < before.destinations.size(); ++i)
            if (before.destinations[i].kind == format::EntryKind::file &&
                !format::is_of_base(before.destinations[i].root))
                by_path_.emplace(before.destinations[i].path, i);
    }

    bool has(std::uint32_t destination) {
        const auto found = by_path_.find(now_.destinations[destination].path);
        return found != by_path_.end() && same(destination, found->second);
    }

  private:
    // Digests of other files are equal when those files are. decode_table() and the linker refuse circles.
    bool same(std::uint32_t one, std::uint32_t other) {
        if (auto known = known_.find(one); known != known_.end()) return known->second;
        const format::Content& a = now_.contents[now_.destinations[one].content];
        const format::Content& b = before_.contents[before_.destinations[other].content];
        bool equal = a.sha256 == b.sha256 && a.size == b.size && a.relocs.size() == b.relocs.size();
        for (std::size_t i = 0; equal && i < a.relocs.size(); ++i) equal = same_reloc(a.relocs[i], b.relocs[i]);
        known_[one] = equal;
        return equal;
    }
    bool same_reloc(const format::Reloc& a, const format::Reloc& b) {
        if (a.kind != b.kind || a.offset != b.offset || a.length != b.length || a.text != b.text) return false;
        if (a.kind < format::RelocKind::digest_hex) return true;
        return now_.destinations[a.target].path == before_.destinations[b.target].path && same(a.target, b.target);
    }

    const format::Table &now_, &before_;
    std::unordered_map<std::string_view, std::uint32_t> by_path_;
    std::unordered_map<std::uint32_t, bool> known_; // by destination of the new table
};

// The blocks of an image that is left with some of its contents.
class Blocks {
  public:
    Blocks(Image& image, const std::vector<LinkInput>& inputs, unsigned threads)
        : image_(image), inputs_(inputs), threads_(threads), old_(std::move(image.table.blocks)),
          sources_(std::move(image.sources)) {
        image.table.blocks.clear();
        image.sources.clear();
    }

    Status settle() {
        for (std::uint32_t c = 0; c < contents().size(); ++c)
            if (contents()[c].size > 0) of_block_[contents()[c].block].push_back(c);
        std::uint32_t covered = 0; // blocks before this one were taken with a content that spans several
        for (auto& [block, members] : of_block_) {
            if (block < covered) return make_error(ErrorKind::bug, "a file shares a block with a larger one");
            const auto needed = [&](std::uint32_t c) { return !contents()[c].inherited; };
            if (std::ranges::none_of(members, needed)) continue;
            if (std::ranges::all_of(members, needed)) covered = take_whole(block, members);
            else TRY(take_in_part(block, members));
        }
        TRY(flush());
        for (format::Content& content : contents())
            if (content.inherited) content.block = content.offset = 0;
        return {};
    }

  private:
    std::vector<format::Content>& contents() { return image_.table.contents; }

    // Returns the block behind the last one that the members use.
    std::uint32_t take_whole(std::uint32_t block, const std::vector<std::uint32_t>& members) {
        const auto moved = static_cast<std::uint32_t>(image_.table.blocks.size());
        std::uint64_t end = 0;
        for (std::uint32_t c : members) {
            end = std::max<std::uint64_t>(end, contents()[c].offset + contents()[c].size);
            contents()[c].block = moved;
        }
        for (std::uint64_t at = 0; at < end; ++block) {
            at += old_[block].raw;
            image_.table.blocks.push_back(old_[block]);
            image_.sources.push_back(sources_[block]);
        }
        return block;
    }

    // Contents with the same bytes have one copy of them.
    Status take_in_part(std::uint32_t block, const std::vector<std::uint32_t>& members) {
        TRY_ASSIGN(const Bytes raw, unpack(block));
        std::uint64_t most = 0;
        for (std::uint32_t c : members) most += contents()[c].inherited ? 0 : contents()[c].size;
        if (filled_.size() + most > format::block_raw_size) TRY(close_block());
        std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> taken; // place in `raw` → in the new block
        for (std::uint32_t c : members) {
            format::Content& content = contents()[c];
            if (content.inherited) continue;
            if (content.offset + content.size > raw.size())
                return make_error(ErrorKind::bug, "a large file shares a block with another one");
            auto [place, fresh] =
                taken.try_emplace({content.offset, content.size}, static_cast<std::uint32_t>(filled_.size()));
            if (fresh) {
                const ByteView bytes = ByteView(raw).subspan(content.offset, content.size);
                filled_.insert(filled_.end(), bytes.begin(), bytes.end());
            }
            waiting_.emplace_back(c, place->second);
        }
        return {};
    }

    Result<Bytes> unpack(std::uint32_t block) {
        const BlockSource& source = sources_[block];
        Bytes packed(old_[block].packed), raw(old_[block].raw);
        std::string name = "a generated file";
        if (source.input == memory_input) {
            const ByteView bytes = ByteView(image_.memory).subspan(source.offset, packed.size());
            std::ranges::copy(bytes, packed.begin());
        } else {
            name = inputs_[source.input].parcel.payload_path.string();
            TRY_ASSIGN(const Fd fd, open_file(name, O_RDONLY));
            TRY(read_exact_at(fd.get(), packed, source.offset, name));
        }
        TRY(format::unpack_block(old_[block], packed, raw).in(name));
        return raw;
    }

    // The contents in `filled_` get their block; it is compressed with others.
    Status close_block() {
        if (filled_.empty()) return {};
        for (const auto& [c, offset] : waiting_) closed_contents_.push_back({c, closed_.size(), offset});
        waiting_.clear();
        closed_.push_back(std::move(filled_));
        filled_ = {};
        constexpr std::size_t together = 16;
        return closed_.size() == together ? compress() : Status();
    }

    Status compress() {
        std::vector<Bytes> packed(closed_.size());
        TRY(parallel_for(closed_.size(), threads_, [&](std::size_t i) -> Status {
            TRY_ASSIGN(packed[i], parcel::zstd_frame(closed_[i], update_level));
            return {};
        }));
        const auto first = static_cast<std::uint32_t>(image_.table.blocks.size());
        for (std::size_t i = 0; i < packed.size(); ++i) add_memory_block(image_, closed_[i].size(), packed[i]);
        for (const auto& [c, index, offset] : closed_contents_) {
            contents()[c].block = first + static_cast<std::uint32_t>(index);
            contents()[c].offset = offset;
        }
        closed_.clear();
        closed_contents_.clear();
        return {};
    }

    Status flush() {
        TRY(close_block());
        return closed_.empty() ? Status() : compress();
    }

    struct Closed {
        std::uint32_t content;
        std::size_t block; // index into closed_
        std::uint32_t offset;
    };

    Image& image_;
    const std::vector<LinkInput>& inputs_;
    const unsigned threads_;
    const std::vector<format::Block> old_;
    const std::vector<BlockSource> sources_;
    std::map<std::uint32_t, std::vector<std::uint32_t>> of_block_; // contents by their first block
    Bytes filled_;                                                 // the block that is being filled
    std::vector<std::pair<std::uint32_t, std::uint32_t>> waiting_; // contents in it, with their offsets
    std::vector<Bytes> closed_;
    std::vector<Closed> closed_contents_;
};

format::UpdateInfo describe(const format::Table& table, const std::vector<EarlierTable>& earlier) {
    format::UpdateInfo out;
    for (const EarlierTable& one : earlier) out.onto.push_back(one.installer);
    for (const format::Destination& d : table.destinations) {
        if (d.kind != format::EntryKind::file) continue;
        const format::Content& content = table.contents[d.content];
        if (content.inherited) {
            ++out.inherited_files;
            out.inherited_bytes += content.size;
        } else {
            out.bytes += round_up(content.size);
        }
    }
    return out;
}

// The contents of `now` that each of the earlier tables has at all their paths.
std::vector<bool> inherited_contents(const format::Table& now, const std::vector<const format::Table*>& earlier) {
    std::vector<bool> out(now.contents.size(), true);
    for (const format::Table* one : earlier) {
        Comparison comparison(now, *one);
        for (std::uint32_t i = 0; i < now.destinations.size(); ++i)
            if (now.destinations[i].kind == format::EntryKind::file && !comparison.has(i))
                out[now.destinations[i].content] = false;
    }
    return out;
}

} // namespace

UpdateWeight weigh_update(const format::Table& before, const format::Table& now) {
    UpdateWeight out;
    const std::vector<bool> inherited = inherited_contents(now, {&before});
    for (std::size_t c = 0; c < inherited.size(); ++c) {
        const format::Content& content = now.contents[c];
        if (inherited[c]) continue;
        ++out.files;
        out.bytes += content.size;
        for (std::uint32_t b = content.block, end = b + format::block_count(now, content); b < end; ++b) {
            const format::Block& block = now.blocks[b];
            out.packed += block.packed * std::min<std::uint64_t>(content.size, block.raw) / block.raw;
        }
    }
    return out;
}

Status make_update(Image& image, const std::vector<LinkInput>& inputs, const std::vector<EarlierTable>& earlier,
                   unsigned threads) {
    format::Table& table = image.table;
    std::vector<const format::Table*> tables;
    for (const EarlierTable& one : earlier) tables.push_back(&one.table);
    const std::vector<bool> inherited = inherited_contents(table, tables);
    for (std::size_t c = 0; c < table.contents.size(); ++c)
        table.contents[c].inherited = inherited[c] && table.contents[c].size > 0;
    TRY(Blocks(image, inputs, threads).settle());
    image.manifest.update = describe(table, earlier);
    return {};
}

} // namespace tinderbox::assemble
