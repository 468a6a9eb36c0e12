#include "generator/parcel/stream.hpp"

#include "common/base/text.hpp"
#include "generator/archive/file_source.hpp"
#include "generator/parcel/scan.hpp"

#include <zstd.h>

#include <algorithm>

namespace tinderbox::parcel {

BufferPool::Buffer BufferPool::take() {
    std::unique_ptr<Bytes> buffer;
    {
        std::lock_guard lock(state_->mutex);
        if (!state_->free.empty()) {
            buffer = std::move(state_->free.back());
            state_->free.pop_back();
        }
    }
    if (!buffer) buffer = std::make_unique<Bytes>(ZSTD_compressBound(format::block_raw_size));
    return {buffer.release(), [state = state_](Bytes* returned) {
                std::lock_guard lock(state->mutex);
                state->free.emplace_back(returned);
            }};
}

namespace {

class StreamBase : public Stream {
  protected:
    explicit StreamBase(StreamContext context) : context_(context) {}

    const Entry& entry(std::size_t index) const { return context_.artifact.entries()[index]; }
    std::string where(std::size_t index) const {
        return fmt::format("{}:{}", context_.artifact.display_name(), entry(index).path);
    }
    Error wrong_size(std::size_t index) const {
        return make_error(ErrorKind::usage,
                          "{}: it does not have the {} bytes that the package says; the archive is damaged",
                          where(index), entry(index).size);
    }
    void check_declared(std::size_t index, const Sha256Digest& digest) {
        const std::string declared = to_lower(entry(index).sha256);
        if (std::string found = to_hex(digest); !declared.empty() && declared != found)
            result.mismatches.push_back({entry(index).path, declared, std::move(found)});
    }
    Status fill(archive::ByteSource& source, std::span<std::byte> out, std::size_t index) const {
        TRY_ASSIGN(std::size_t n, source.read(out));
        return n == out.size() ? Status() : wrong_size(index);
    }
    // The end of the content, where sources check their sums.
    Status at_end(archive::ByteSource& source, std::size_t index) const {
        std::byte extra{};
        TRY_ASSIGN(std::size_t n, source.read({&extra, 1}));
        return n == 0 ? Status() : wrong_size(index);
    }
    void report(std::uint64_t bytes) const {
        if (context_.progress && bytes > 0) context_.progress(bytes);
    }
    static std::optional<elf::ElfInfo> elf_of(ByteView content) {
        return elf::looks_like_elf(content) ? elf::read_elf(content) : std::nullopt;
    }

    StreamContext context_;
};

// ---- small files ------------------------------------------------------------------------------------

class SmallStream final : public StreamBase {
  public:
    SmallStream(StreamContext context, FileClass file_class, std::vector<std::size_t> entries)
        : StreamBase(context), class_(file_class), entries_(std::move(entries)) {}

    Result<std::optional<StreamPiece>> next() override {
        StreamPiece piece;
        piece.file_class = class_;
        for (;;) {
            if (pending_.empty()) {
                if (at_ == entries_.size()) break;
                TRY(load(entries_[at_++]));
                if (pending_.empty()) continue;
            }
            if (piece.size + pending_.size() > format::block_raw_size) break;
            if (!piece.buffer) piece.buffer = context_.pool.take();
            std::ranges::copy(pending_, piece.buffer->begin() + static_cast<std::ptrdiff_t>(piece.size));
            format::Content& content = result.contents[pending_content_].content;
            content.block = blocks_;
            content.offset = static_cast<std::uint32_t>(piece.size);
            piece.size += pending_.size();
            pending_.clear();
        }
        if (piece.size == 0) return std::optional<StreamPiece>();
        ++blocks_;
        return std::optional(std::move(piece));
    }

  private:
    // Fills pending_ when the file's content is new and not empty.
    Status load(std::size_t index) {
        const Entry& e = entry(index);
        Bytes bytes(static_cast<std::size_t>(e.size));
        TRY_ASSIGN(auto source, context_.artifact.open(index));
        TRY(fill(*source, bytes, index));
        TRY(at_end(*source, index));
        report(bytes.size());
        PackedContent packed;
        format::Content& content = packed.content;
        content.size = bytes.size();
        content.sha256 = sha256(bytes);
        check_declared(index, content.sha256);
        content.relocs = find_relocations(bytes, e.prefix_mode, e.placeholder, e.shebang);
        std::string key(as_text(content.sha256));
        if (!content.relocs.empty())
            key += fmt::format("{}\n{}\n{}", static_cast<int>(e.prefix_mode), e.placeholder, e.shebang);
        auto [known, fresh] = known_.try_emplace(std::move(key), result.contents.size());
        result.content_of_entry[index] = known->second;
        if (!fresh) return {};
        packed.elf = elf_of(bytes);
        packed.device = elf::read_fatbins(bytes);
        result.contents.push_back(std::move(packed));
        pending_content_ = known->second;
        pending_ = std::move(bytes);
        return {};
    }

    FileClass class_;
    std::vector<std::size_t> entries_;
    std::size_t at_ = 0;
    std::uint32_t blocks_ = 0;
    Bytes pending_; // a content that is in no block yet
    std::size_t pending_content_ = 0;
    std::map<std::string, std::size_t> known_;
};

// ---- large files ------------------------------------------------------------------------------------

class LargeStream final : public StreamBase {
  public:
    LargeStream(StreamContext context, std::vector<std::size_t> entries)
        : StreamBase(context), entries_(std::move(entries)) {}

    std::uint64_t next_size() const override {
        return at_ < entries_.size() && relocatable(entries_[at_])
                   ? std::max<std::uint64_t>(entry(entries_[at_]).size, format::block_raw_size)
                   : format::block_raw_size;
    }

    Result<std::optional<StreamPiece>> next() override {
        for (;;) {
            if (source_ || whole_) {
                TRY_ASSIGN(auto piece, continue_content());
                return std::optional(std::move(piece));
            }
            if (at_ == entries_.size()) return std::optional<StreamPiece>();
            TRY(begin_content());
        }
    }

  private:
    bool relocatable(std::size_t index) const {
        const Entry& e = entry(index);
        return (e.prefix_mode != PrefixMode::none || !e.shebang.empty()) && e.size <= format::relocated_content_limit;
    }

    Status begin_content() {
        index_ = entries_[at_];
        const Entry& e = entry(index_);
        if (at_ > 0) {
            TRY_ASSIGN(bool repeated, equals_earlier());
            if (repeated) return {};
        }
        packed_ = {};
        packed_.content.block = blocks_;
        packed_.content.size = e.size;
        done_ = 0;
        hash_.emplace();
        head_.reset();
        scanner_.reset();
        tail_.clear();
        kept_.clear();
        TRY_ASSIGN(source_, context_.artifact.open(index_));
        if (!relocatable(index_)) return {};
        // Relocations need the whole content in one place; without any it is cut as usual.
        Bytes bytes(static_cast<std::size_t>(e.size));
        TRY(fill(*source_, bytes, index_));
        TRY(at_end(*source_, index_));
        source_.reset();
        packed_.content.relocs = find_relocations(bytes, e.prefix_mode, e.placeholder, e.shebang);
        packed_.elf = elf_of(bytes);
        packed_.device = elf::read_fatbins(bytes);
        class_ = class_of(bytes);
        whole_ = BufferPool::own(std::move(bytes));
        return {};
    }

    FileClass class_of(ByteView head) const {
        if (elf::looks_like_elf(head)) return FileClass::elf;
        auto named = class_by_name(entry(index_).path);
        return named ? *named : class_by_content(head.first(std::min<std::size_t>(head.size(), 4096)));
    }

    Result<StreamPiece> continue_content() {
        StreamPiece piece;
        const std::uint64_t left = packed_.content.size - done_;
        piece.size = static_cast<std::size_t>(std::min<std::uint64_t>(left, format::block_raw_size));
        if (whole_ && !packed_.content.relocs.empty()) {
            piece.size = static_cast<std::size_t>(left);
            piece.buffer = whole_;
        } else {
            piece.buffer = context_.pool.take();
            const std::span<std::byte> out = std::span(*piece.buffer).first(piece.size);
            if (whole_)
                std::ranges::copy(ByteView(*whole_).subspan(static_cast<std::size_t>(done_), piece.size), out.begin());
            else TRY(fill(*source_, out, index_));
            if (!whole_) TRY(look_at(piece));
        }
        piece.file_class = class_;
        hash_->update(piece.bytes());
        done_ += piece.size;
        ++blocks_;
        report(piece.size);
        if (done_ == packed_.content.size) TRY(end_content());
        return piece;
    }

    // Looks, while the bytes pass, for the class, the parts of ELF, and an old prefix that cannot be replaced.
    Status look_at(const StreamPiece& piece) {
        const Entry& e = entry(index_);
        if (done_ == 0) {
            class_ = class_of(piece.bytes());
            if (elf::looks_like_elf(piece.bytes())) {
                head_ = piece;
                scanner_.emplace(packed_.content.size);
                note_dynamic_segment();
                note_section_headers();
            }
        }
        if (scanner_) scanner_->feed(piece.bytes());
        for (auto& [offset, bytes] : kept_) keep(offset, bytes, done_, piece.bytes());
        if (e.prefix_mode == PrefixMode::none || e.placeholder.empty()) return {};
        std::string seam =
            tail_ + std::string(as_text(piece.bytes().first(std::min(piece.size, e.placeholder.size()))));
        if (seam.find(e.placeholder) != std::string::npos ||
            as_text(piece.bytes()).find(e.placeholder) != std::string_view::npos)
            return make_error(
                ErrorKind::usage,
                "{}: it holds the prefix it was built for and is larger than {} MiB; such a file cannot be moved",
                where(index_), format::relocated_content_limit >> 20);
        tail_ = as_text(piece.bytes().last(std::min(piece.size, e.placeholder.size())));
        return {};
    }

    static void keep(std::uint64_t offset, Bytes& bytes, std::uint64_t piece_offset, ByteView piece) {
        const std::uint64_t begin = std::max(offset, piece_offset),
                            end = std::min(offset + bytes.size(), piece_offset + piece.size());
        if (begin >= end) return;
        std::ranges::copy(piece.subspan(begin - piece_offset, end - begin),
                          bytes.begin() + static_cast<std::ptrdiff_t>(begin - offset));
    }

    // The dynamic section lies far behind the header: asking for it now lets it be kept as it passes.
    void note_dynamic_segment() {
        const elf::ElfResult first =
            elf::read_elf(packed_.content.size, [&](std::uint64_t o, std::uint64_t n) { return range(o, n); });
        for (const auto& [offset, size] : first.missing) kept_.emplace(offset, Bytes(static_cast<std::size_t>(size)));
    }

    // They and the names of the sections nearly always end the file: the latter in the 64 KiB before.
    void note_section_headers() {
        const auto [offset, size] = elf::section_header_range(head_->bytes());
        if (size == 0 || offset > packed_.content.size || size > packed_.content.size - offset) return;
        const std::uint64_t before = std::min<std::uint64_t>(offset, 64u << 10);
        kept_.emplace(offset - before, Bytes(static_cast<std::size_t>(before + size)));
    }

    std::optional<ByteView> range(std::uint64_t offset, std::uint64_t size) const {
        if (head_ && offset + size <= head_->size) return head_->bytes().subspan(offset, size);
        if (!ranges_ready_) return std::nullopt;
        auto at = kept_.upper_bound(offset);
        while (at != kept_.begin()) {
            --at;
            if (offset >= at->first && offset + size <= at->first + at->second.size())
                return ByteView(at->second).subspan(offset - at->first, size);
            if (offset - at->first > (1u << 20)) break;
        }
        return std::nullopt;
    }

    Status end_content() {
        if (source_) TRY(at_end(*source_, index_));
        source_.reset();
        whole_.reset();
        packed_.content.sha256 = hash_->finish();
        check_declared(index_, packed_.content.sha256);
        if (head_) TRY(read_elf_facts());
        head_.reset();
        remember(result.contents.size());
        result.contents.push_back(std::move(packed_));
        return {};
    }

    void remember(std::size_t content) {
        result.content_of_entry[index_] = content;
        ++at_;
    }

    // The tables of a large library's names may lie behind the kept bytes: read up to them again.
    Status read_elf_facts() {
        ranges_ready_ = true;
        const elf::ElfRanges ranges = [&](std::uint64_t o, std::uint64_t n) { return range(o, n); };
        for (int round = 0; round < 8; ++round) {
            elf::ElfResult facts = elf::read_elf(packed_.content.size, ranges);
            packed_.elf = std::move(facts.info);
            if (facts.missing.empty()) break;
            TRY(fetch(facts.missing));
        }
        for (int round = 0; round < 3; ++round) {
            const elf::ElfSections table = elf::read_elf_sections(packed_.content.size, ranges);
            if (table.missing.empty() || round == 2) packed_.device = scanner_->result(table.sections);
            if (table.missing.empty()) break;
            TRY(fetch(table.missing));
        }
        ranges_ready_ = false;
        kept_.clear();
        return {};
    }

    Status fetch(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& missing) {
        std::uint64_t last = 0;
        std::map<std::uint64_t, Bytes> wanted;
        for (const auto& [offset, size] : missing) {
            Bytes& bytes = wanted[offset];
            bytes.resize(std::max<std::size_t>(bytes.size(), static_cast<std::size_t>(size)));
            last = std::max(last, offset + size);
        }
        TRY_ASSIGN(auto source, context_.artifact.open(index_));
        auto buffer = context_.pool.take();
        for (std::uint64_t at = 0; at < last;) {
            const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(last - at, format::block_raw_size));
            TRY(fill(*source, std::span(*buffer).first(n), index_));
            for (auto& [offset, bytes] : wanted) keep(offset, bytes, at, ByteView(*buffer).first(n));
            at += n;
        }
        for (auto& [offset, bytes] : wanted)
            if (bytes.size() > kept_[offset].size()) kept_[offset] = std::move(bytes);
        return {};
    }

    // Only untouched contents are compared: of relocated ones of one size, two are kept even when they are equal.
    Result<bool> equals_earlier() {
        if (relocatable(index_)) return false;
        Sha256 hash;
        TRY_ASSIGN(auto source, context_.artifact.open(index_));
        auto buffer = context_.pool.take();
        for (std::uint64_t left = entry(index_).size; left > 0;) {
            const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left, format::block_raw_size));
            TRY(fill(*source, std::span(*buffer).first(n), index_));
            hash.update(ByteView(*buffer).first(n));
            left -= n;
        }
        TRY(at_end(*source, index_));
        const Sha256Digest digest = hash.finish();
        for (std::size_t i = 0; i < result.contents.size(); ++i) {
            const format::Content& content = result.contents[i].content;
            if (content.sha256 != digest || !content.relocs.empty()) continue;
            check_declared(index_, digest);
            report(content.size);
            remember(i);
            return true;
        }
        return false;
    }

    std::vector<std::size_t> entries_;
    std::size_t at_ = 0, index_ = 0;
    std::uint32_t blocks_ = 0;
    PackedContent packed_;
    std::unique_ptr<archive::ByteSource> source_;
    BufferPool::Buffer whole_;
    std::uint64_t done_ = 0;
    std::optional<Sha256> hash_;
    FileClass class_ = FileClass::other;
    std::optional<StreamPiece> head_;           // of an ELF file
    std::optional<elf::FatbinScanner> scanner_; // of an ELF file
    std::map<std::uint64_t, Bytes> kept_;       // ranges of it, by offset
    bool ranges_ready_ = false;                 // kept_ is filled
    std::string tail_;
};

} // namespace

std::unique_ptr<Stream> make_small_stream(StreamContext context, FileClass file_class,
                                          std::vector<std::size_t> entries) {
    return std::make_unique<SmallStream>(context, file_class, std::move(entries));
}

std::unique_ptr<Stream> make_large_stream(StreamContext context, std::vector<std::size_t> entries) {
    return std::make_unique<LargeStream>(context, std::move(entries));
}

} // namespace tinderbox::parcel
