// RunFile::verify_all: every byte of a NAME.run is covered by a hash, or is padding that must be zero.
#include "common/base/parallel.hpp"
#include "common/format/run_file.hpp"

#include <algorithm>
#include <atomic>
#include <tuple>

namespace tinderbox::format {
namespace {

constexpr std::uint64_t piece_size = 1u << 20;

class Verifier {
  public:
    Verifier(const RunFile& run, const std::function<void(std::uint64_t)>& progress)
        : run_(run), name_(run.path().string()), progress_(progress) {}

    Status sections() {
        for (const Section& section : run_.sections()) {
            if (section.name == "padding") TRY(zeros(section.offset, section.size));
            if (section.sha256) TRY(hashed(section));
        }
        return {};
    }

    Status blocks(const Table& table, unsigned threads) {
        TRY_ASSIGN(const FileRanges files, ranges_of(table));
        return parallel_for(table.blocks.size(), threads, [&](std::size_t i) -> Status {
            if (files.continues[i]) return {}; // the large file that began before reads it
            TRY_ASSIGN(Bytes raw, unpack(table, i));
            for (auto at = std::ranges::lower_bound(files.contents, i, {},
                                                    [&](std::uint32_t c) { return table.contents[c].block; });
                 at != files.contents.end() && table.contents[*at].block == i; ++at)
                TRY(file(table, *at, raw));
            return {};
        });
    }

    // Bytes of the section "blocks" that belong to no block are padding.
    Status between_blocks(const Table& table) const {
        const Section* section = run_.section("blocks");
        if (!section) return {};
        std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
        for (const Block& block : table.blocks) ranges.emplace_back(block.offset, block.offset + block.packed);
        std::ranges::sort(ranges);
        std::uint64_t end = section->offset;
        for (auto [first, last] : ranges) {
            if (first < end) return make_error(ErrorKind::damaged, "{}: two blocks overlap at byte {}", name_, first);
            TRY(zeros(end, first - end));
            end = last;
        }
        return zeros(end, section->offset + section->size - end);
    }

  private:
    // Which files begin in which block.
    struct FileRanges {
        std::vector<std::uint32_t> contents; // by block and offset; those that share all their bytes only once
        std::vector<bool> continues;         // by block: it belongs to a large file that began in an earlier one
    };

    // Files share all of their bytes, or none: else a short table could make this read for ever.
    Result<FileRanges> ranges_of(const Table& table) const {
        FileRanges out;
        out.continues.resize(table.blocks.size());
        for (std::uint32_t c = 0; c < table.contents.size(); ++c)
            if (table.contents[c].size > 0 && !table.contents[c].inherited) out.contents.push_back(c);
        auto place = [&](std::uint32_t c) {
            const Content& content = table.contents[c];
            return std::tuple(content.block, content.offset, content.size);
        };
        std::ranges::sort(out.contents, {}, place);
        auto same = [&](std::uint32_t a, std::uint32_t b) {
            return place(a) == place(b) && table.contents[a].sha256 == table.contents[b].sha256;
        };
        out.contents.erase(std::unique(out.contents.begin(), out.contents.end(), same), out.contents.end());
        std::uint32_t block = UINT32_MAX;
        std::uint64_t end = 0; // of the file before, in that block
        for (std::uint32_t c : out.contents) {
            const Content& content = table.contents[c];
            if (content.block != block) end = 0;
            block = content.block;
            if (content.offset < end || out.continues[block]) return overlap(table, c);
            end = content.offset + content.size;
            std::uint64_t covered = table.blocks[block].raw;
            for (std::size_t b = block + 1; covered < end; covered += table.blocks[b++].raw) out.continues[b] = true;
        }
        return out;
    }

    Error overlap(const Table& table, std::uint32_t content) const {
        return make_error(ErrorKind::damaged, "{}: the file table is damaged: '{}' shares bytes with another file",
                          name_, file_name(table, content));
    }

    static std::string file_name(const Table& table, std::uint32_t content) {
        auto found = std::ranges::find_if(table.destinations, [&](const Destination& d) {
            return d.kind == EntryKind::file && d.content == content;
        });
        return found == table.destinations.end() ? "?" : found->path;
    }

    Result<Bytes> unpack(const Table& table, std::size_t i) {
        const Block& block = table.blocks[i];
        Bytes packed(block.packed), raw(block.raw);
        TRY(run_.read_at(packed, block.offset));
        if (!unpack_block(block, packed, raw).ok())
            return make_error(ErrorKind::damaged,
                              "{}: block {} at byte {}, which holds '{}', is damaged; copy the file again", name_, i,
                              block.offset, file_in_block(table, i));
        advance(block.packed);
        return raw;
    }

    // `raw`: its first block.
    Status file(const Table& table, std::uint32_t index, ByteView raw) {
        const Content& content = table.contents[index];
        Sha256 hash;
        std::uint64_t done = std::min<std::uint64_t>(content.size, raw.size() - content.offset);
        hash.update(raw.subspan(content.offset, done));
        for (std::size_t b = content.block + 1; done < content.size; ++b) {
            TRY_ASSIGN(const Bytes more, unpack(table, b));
            hash.update(more);
            done += more.size();
        }
        if (hash.finish() == content.sha256) return {};
        return make_error(ErrorKind::damaged,
                          "{}: '{}' is not the file that the file table names: its SHA-256 does not match", name_,
                          file_name(table, index));
    }

    void advance(std::uint64_t bytes) {
        const std::uint64_t done = done_ += bytes;
        if (progress_) progress_(done);
    }

    Status zeros(std::uint64_t offset, std::uint64_t size) const {
        Bytes buffer;
        for (std::uint64_t at = 0; at < size; at += buffer.size()) {
            buffer.resize(std::min(piece_size, size - at));
            TRY(run_.read_at(buffer, offset + at));
            if (std::ranges::any_of(buffer, [](std::byte b) { return b != std::byte{0}; }))
                return make_error(ErrorKind::damaged, "{}: the padding at byte {} is damaged; copy the file again",
                                  name_, offset + at);
        }
        return {};
    }

    Status hashed(const Section& section) {
        Sha256 hash;
        Bytes buffer;
        for (std::uint64_t at = 0; at < section.size; at += buffer.size()) {
            buffer.resize(std::min(piece_size, section.size - at));
            TRY(run_.read_at(buffer, section.offset + at));
            hash.update(buffer);
            advance(buffer.size());
        }
        if (hash.finish() == *section.sha256) return {};
        return make_error(ErrorKind::damaged, "{}: the {} is damaged: its SHA-256 does not match; copy the file again",
                          name_, section.name == "table" ? "file table" : section.name);
    }

    // The first destination whose content begins in the block, else the last one that begins before it.
    static std::string file_in_block(const Table& table, std::size_t index) {
        const Destination* best = nullptr;
        for (const Destination& d : table.destinations)
            if (d.kind == EntryKind::file && block_count(table, table.contents[d.content]) > 0 &&
                table.contents[d.content].block <= index &&
                (!best || table.contents[d.content].block > table.contents[best->content].block))
                best = &d;
        return best ? best->path : "?";
    }

    const RunFile& run_;
    const std::string name_;
    const std::function<void(std::uint64_t)>& progress_;
    std::atomic<std::uint64_t> done_ = 0; // bytes
};

} // namespace

Status RunFile::verify_all(unsigned threads, const std::function<void(std::uint64_t)>& progress) const {
    Verifier verifier(*this, progress);
    TRY(verifier.sections());
    TRY_ASSIGN(const Table table, this->table());
    TRY(verifier.blocks(table, threads));
    TRY(verifier.between_blocks(table));
    if (progress) progress(total_size()); // the padding between the parts was not counted
    return {};
}

} // namespace tinderbox::format
