// Artifact → parcel.
//
//   entries ──plan──▶ streams ──dealt to──▶ lanes ──pieces──▶ compress ──in slot order──▶ payload
//
// The result must not depend on the number of threads or on their luck, memory must stay bounded, and one giant
// library must keep two cores busy. So: a few lanes, each a fixed sequence of streams, yield raw pieces one after
// another; piece k of lane l is slot k * lanes + l, whoever reads it. Any thread compresses any piece; slots are
// written in their order. Tried and rejected: one file per stream, concatenated (writes everything twice); writing in
// the order of completion (offsets differ from run to run).
#include "common/base/guarded.hpp"
#include "common/base/interruption.hpp"
#include "common/base/parallel.hpp"
#include "common/base/text.hpp"
#include "common/base/threads.hpp"
#include "common/base/units.hpp"
#include "common/base/visible.hpp"
#include "common/format/entry.hpp"
#include "generator/parcel/index.hpp"
#include "generator/parcel/payload_writer.hpp"
#include "generator/parcel/stream.hpp"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <condition_variable>

namespace tinderbox::parcel {
namespace {

constexpr std::size_t lane_count = 4;
// Raw bytes read and not yet written; compressed ones come on top.
constexpr std::uint64_t flight_limit = 48u << 20;

struct FreeContext {
    void operator()(ZSTD_CCtx* c) const { ZSTD_freeCCtx(c); }
};
using Compressor = std::unique_ptr<ZSTD_CCtx, FreeContext>;

struct Packed { // one compressed block
    BufferPool::Buffer buffer;
    format::Block block;
    std::uint64_t raw_budget = 0;
    ByteView bytes() const { return ByteView(*buffer).first(block.packed); }
};

Result<Packed> compress(const StreamPiece& piece, Level level, BufferPool& pool, ZSTD_CCtx* context) {
    Packed out;
    out.block.raw = static_cast<std::uint32_t>(piece.size);
    const std::size_t bound = ZSTD_compressBound(piece.size);
    out.buffer = piece.size <= format::block_raw_size ? pool.take() : BufferPool::own(Bytes(bound));
    const std::size_t n = ZSTD_compressCCtx(context, out.buffer->data(), out.buffer->size(), piece.buffer->data(),
                                            piece.size, zstd_level(piece.file_class, level));
    if (ZSTD_isError(n)) return make_error(ErrorKind::bug, "zstd: {}", ZSTD_getErrorName(n));
    // Under 3 % it is not worth the time of decoding.
    out.block.stored = n + n / 32 >= piece.size;
    if (out.block.stored) out.buffer = piece.buffer;
    out.block.packed = out.block.stored ? out.block.raw : static_cast<std::uint32_t>(n);
    out.block.sha256 = sha256(out.bytes());
    return out;
}

struct Lane {
    std::vector<std::size_t> streams; // in their order
    std::size_t stream = 0;           // of them, the current one
    std::uint64_t pieces = 0;         // yielded so far
    bool reading = false, ended = false;
};

class Packer {
  public:
    Packer(const Artifact& artifact, const PackOptions& options) : artifact_(artifact), options_(options) {}
    Result<Parcel> run(const fs::path& directory);

  private:
    Status check_entries() const;
    Status plan();
    using SmallFiles = std::array<std::vector<std::size_t>, file_class_count>;
    using LargeFiles = std::map<std::pair<std::uint64_t, bool>, std::vector<std::size_t>>; // size, with relocations
    void plan_small(SmallFiles small);
    void plan_large(LargeFiles large);
    std::uint64_t total(const std::vector<std::size_t>& list) const; // bytes
    void deal();
    Status compress_all(PayloadWriter& writer);
    Status work(PayloadWriter& writer);
    bool write_some(std::unique_lock<std::mutex>& lock, PayloadWriter& writer);
    bool compress_one(std::unique_lock<std::mutex>& lock, ZSTD_CCtx* context);
    bool read_one(std::unique_lock<std::mutex>& lock);
    bool finished() const;
    bool skip_empty_slots();
    std::uint64_t slot_of(const Lane& lane) const {
        return lane.pieces * lanes_.size() + static_cast<std::uint64_t>(&lane - lanes_.data());
    }
    void fail(Error error);
    format::Table build_table();
    void add_destinations(format::Table& table, const std::map<std::size_t, std::uint32_t>& content_of_entry) const;
    void add_elf_facts(Parcel& parcel) const;

    const Artifact& artifact_;
    const PackOptions& options_;
    BufferPool pool_;
    std::vector<std::unique_ptr<Stream>> streams_;
    std::vector<std::vector<format::Block>> blocks_; // of each stream

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Lane> lanes_;
    std::map<std::uint64_t, std::pair<StreamPiece, std::uint64_t>> raw_; // slot → piece and its budget
    std::map<std::uint64_t, Packed> packed_;                             // slot → block, waiting to be written
    std::map<std::uint64_t, std::size_t> stream_of_slot_;
    std::uint64_t next_slot_ = 0, in_flight_ = 0;
    bool writing_ = false;
    std::optional<Error> error_;
};

// Before anything is compressed, with the names of artifact and member.
Status Packer::check_entries() const {
    for (const Entry& e : artifact_.entries()) {
        if (e.drop_bytecode) continue;
        format::Destination d;
        d.root = e.root;
        d.kind = e.kind;
        d.mode = format::installed_mode(e.kind, e.mode);
        d.path = e.path;
        d.link = e.link;
        TRY(format::check_entry(d).in(fmt::format("{}:{}", artifact_.display_name(), visible(e.path.substr(0, 200)))));
    }
    return {};
}

// Which files go into which stream. Only names, sizes and, where a name says nothing, first bytes are looked at.
Status Packer::plan() {
    const auto entries = artifact_.entries();
    SmallFiles small;
    LargeFiles large;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const Entry& e = entries[i];
        if (e.kind != format::EntryKind::file || e.drop_bytecode) continue;
        if (e.size >= format::large_content_size) {
            const bool relocated = e.prefix_mode != PrefixMode::none || !e.shebang.empty();
            if (relocated && e.prefix_mode != PrefixMode::binary && e.size > format::relocated_content_limit)
                return make_error(
                    ErrorKind::usage,
                    "{}:{}: a text file of {} that names its prefix cannot be moved (the limit is {} MiB)",
                    artifact_.display_name(), e.path, format_bytes(e.size), format::relocated_content_limit >> 20);
            large[{e.size, relocated}].push_back(i);
            continue;
        }
        auto file_class = class_by_name(e.path);
        if (!file_class) {
            Bytes head(4096);
            TRY_ASSIGN(auto source, artifact_.open(i));
            TRY_ASSIGN(std::size_t n, source->read(head));
            file_class = class_by_content(ByteView(head).first(n));
        }
        small[static_cast<std::size_t>(*file_class)].push_back(i);
    }
    plan_small(std::move(small));
    plan_large(std::move(large));
    return {};
}

std::uint64_t Packer::total(const std::vector<std::size_t>& list) const {
    std::uint64_t bytes = 0;
    for (std::size_t i : list) bytes += artifact_.entries()[i].size;
    return bytes;
}

// One stream a class.
void Packer::plan_small(SmallFiles small) {
    const auto entries = artifact_.entries();
    const StreamContext context{artifact_, pool_, options_.progress};
    for (std::size_t c = 0; c < file_class_count; ++c) {
        if (small[c].empty()) continue;
        // Neighbours should resemble each other: the kind of file first, then the directory.
        auto key = [&](std::size_t i) {
            const std::string& path = entries[i].path;
            const std::size_t dot = path.rfind('.'), slash = path.rfind('/');
            const bool suffix = dot != std::string::npos && (slash == std::string::npos || dot > slash);
            return std::tuple(suffix ? path.substr(dot) : std::string(), entries[i].root, path);
        };
        std::ranges::sort(small[c], {}, key);
        const auto file_class = static_cast<FileClass>(c);
        const std::uint64_t weight = total(small[c]) * (file_class <= FileClass::bytecode ? 12 : 1);
        streams_.push_back(make_small_stream(context, file_class, std::move(small[c])));
        streams_.back()->weight = weight;
    }
}

// One stream for the files of one size, which may be the same; the streams in the order of their first paths.
void Packer::plan_large(LargeFiles large) {
    const auto entries = artifact_.entries();
    const StreamContext context{artifact_, pool_, options_.progress};
    std::vector<std::vector<std::size_t>> groups;
    auto by_path = [&](std::size_t i) { return std::tuple(entries[i].path, entries[i].root); };
    for (auto& [size, list] : large) {
        std::ranges::sort(list, {}, by_path);
        groups.push_back(std::move(list));
    }
    std::ranges::sort(groups, {}, [&](const auto& list) { return by_path(list.front()); });
    for (auto& list : groups) {
        const std::uint64_t weight = total(list);
        streams_.push_back(make_large_stream(context, std::move(list)));
        streams_.back()->weight = weight;
    }
}

// The heaviest stream first, each to the lane that has least: all lanes end at about the same time.
void Packer::deal() {
    lanes_.resize(std::min(lane_count, std::max<std::size_t>(1, streams_.size())));
    std::vector<std::size_t> order(streams_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return streams_[i]->weight; });
    std::vector<std::uint64_t> load(lanes_.size(), 0);
    for (std::size_t i : order) {
        const auto lane = static_cast<std::size_t>(std::ranges::min_element(load) - load.begin());
        lanes_[lane].streams.push_back(i);
        load[lane] += streams_[i]->weight + 1;
    }
    for (Lane& lane : lanes_) lane.ended = lane.streams.empty();
    blocks_.resize(streams_.size());
}

void Packer::fail(Error error) {
    if (!error_) error_ = std::move(error);
    changed_.notify_all();
}

// Slots of a lane that has ended stay empty.
bool Packer::skip_empty_slots() {
    bool skipped = false;
    while (!finished()) {
        const Lane& lane = lanes_[next_slot_ % lanes_.size()];
        if (!lane.ended || lane.pieces > next_slot_ / lanes_.size()) break;
        ++next_slot_;
        skipped = true;
    }
    return skipped;
}

bool Packer::finished() const {
    return in_flight_ == 0 && std::ranges::all_of(lanes_, [](const Lane& lane) { return lane.ended; });
}

bool Packer::write_some(std::unique_lock<std::mutex>& lock, PayloadWriter& writer) {
    skip_empty_slots();
    auto at = packed_.find(next_slot_);
    if (writing_ || at == packed_.end()) return false;
    writing_ = true;
    Packed packed = std::move(at->second);
    packed_.erase(at);
    lock.unlock();
    packed.block.offset = writer.position();
    Status status = writer.append(packed.bytes());
    packed.buffer.reset();
    lock.lock();
    writing_ = false;
    auto stream = stream_of_slot_.find(next_slot_);
    blocks_[stream->second].push_back(packed.block);
    stream_of_slot_.erase(stream);
    ++next_slot_;
    in_flight_ -= packed.raw_budget;
    if (!status.ok()) fail(std::move(status).error());
    changed_.notify_all();
    return true;
}

bool Packer::compress_one(std::unique_lock<std::mutex>& lock, ZSTD_CCtx* context) {
    if (raw_.empty()) return false;
    auto node = raw_.extract(raw_.begin());
    lock.unlock();
    auto packed = compress(node.mapped().first, options_.level, pool_, context);
    node.mapped().first.buffer.reset();
    lock.lock();
    if (!packed.ok()) {
        fail(std::move(packed).error());
        return true;
    }
    packed->raw_budget = node.mapped().second;
    packed_.emplace(node.key(), std::move(packed).value());
    changed_.notify_all();
    return true;
}

// Advances the lane whose next slot is the earliest; slots too far ahead wait, but the earliest never does.
bool Packer::read_one(std::unique_lock<std::mutex>& lock) {
    Lane* lane = nullptr;
    bool earliest = true; // no other lane is working on an earlier slot
    for (Lane& candidate : lanes_) {
        if (candidate.ended) continue;
        if (!lane || slot_of(candidate) < slot_of(*lane)) lane = &candidate;
    }
    if (lane && lane->reading) {
        earliest = false;
        lane = nullptr;
        for (Lane& candidate : lanes_)
            if (!candidate.ended && !candidate.reading && (!lane || slot_of(candidate) < slot_of(*lane)))
                lane = &candidate;
    }
    if (!lane) return false;
    Stream& stream = *streams_[lane->streams[lane->stream]];
    const std::uint64_t budget = stream.next_size();
    if (in_flight_ + budget > flight_limit && !(earliest && in_flight_ <= flight_limit) && in_flight_ > 0) return false;
    lane->reading = true;
    in_flight_ += budget;
    lock.unlock();
    auto piece = stream.next();
    lock.lock();
    lane->reading = false;
    if (!piece.ok()) {
        fail(std::move(piece).error());
        return true;
    }
    if (*piece) {
        stream_of_slot_[slot_of(*lane)] = lane->streams[lane->stream];
        raw_.emplace(slot_of(*lane), std::pair(std::move(**piece), budget));
        ++lane->pieces;
    } else {
        in_flight_ -= budget;
        lane->ended = ++lane->stream == lane->streams.size();
    }
    changed_.notify_all();
    return true;
}

Status Packer::work(PayloadWriter& writer) {
    Compressor context(ZSTD_createCCtx());
    std::unique_lock lock(mutex_);
    if (!context) throw std::bad_alloc();
    while (!error_ && !finished()) {
        TRY(check_interrupted());
        if (!write_some(lock, writer) && !compress_one(lock, context.get()) && !read_one(lock)) changed_.wait(lock);
    }
    changed_.notify_all();
    return {};
}

Status Packer::compress_all(PayloadWriter& writer) {
    const unsigned threads = options_.threads > 0 ? options_.threads : available_cpus();
    // A thread that ends with an exception leaves its lane as it was: all others must stop.
    auto one = [&](const std::stop_token&) {
        Status status = guarded([&] { return work(writer); });
        if (!status.ok()) {
            std::lock_guard lock(mutex_);
            fail(std::move(status).error());
        }
        return Status();
    };
    Threads others;
    // Where the system gives fewer threads, those do all of the work.
    while (others.size() + 1 < threads && others.start(one).ok()) {
    }
    (void)one({});
    (void)others.join();
    if (error_) return std::move(*error_);
    return writer.finish();
}

// Streams one after another; a content that another stream has too is dropped from the list (its bytes stay).
format::Table Packer::build_table() {
    format::Table table;
    std::map<std::size_t, std::uint32_t> content_of_entry;
    std::map<std::pair<Sha256Digest, std::uint64_t>, std::vector<std::uint32_t>> known;
    for (std::size_t s = 0; s < streams_.size(); ++s) {
        const auto first_block = static_cast<std::uint32_t>(table.blocks.size());
        table.blocks.insert(table.blocks.end(), blocks_[s].begin(), blocks_[s].end());
        std::vector<std::uint32_t> global;
        for (PackedContent& packed : streams_[s]->result.contents) {
            format::Content& content = packed.content;
            if (content.size > 0) content.block += first_block;
            auto& same = known[{content.sha256, content.size}];
            auto at =
                std::ranges::find_if(same, [&](std::uint32_t i) { return table.contents[i].relocs == content.relocs; });
            if (at != same.end()) {
                global.push_back(*at);
                continue;
            }
            global.push_back(static_cast<std::uint32_t>(table.contents.size()));
            same.push_back(global.back());
            table.contents.push_back(content);
        }
        for (const auto& [entry, content] : streams_[s]->result.content_of_entry)
            content_of_entry[entry] = global[content];
    }
    add_destinations(table, content_of_entry);
    return table;
}

void Packer::add_destinations(format::Table& table,
                              const std::map<std::size_t, std::uint32_t>& content_of_entry) const {
    const auto entries = artifact_.entries();
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const Entry& e = entries[i];
        if (e.drop_bytecode) continue;
        format::Destination d;
        d.root = e.root;
        d.kind = e.kind;
        d.flags = e.flags;
        d.mode = format::installed_mode(e.kind, e.mode);
        d.mtime = e.mtime == -1 ? options_.source_mtime : e.mtime;
        d.path = e.path;
        d.link = e.link;
        if (e.kind == format::EntryKind::file) d.content = content_of_entry.at(i);
        table.destinations.push_back(std::move(d));
    }
    std::ranges::stable_sort(table.destinations, {},
                             [](const format::Destination& d) { return std::tie(d.root, d.path); });
}

void Packer::add_elf_facts(Parcel& parcel) const {
    for (const auto& stream : streams_)
        for (const auto& [index, content] : stream->result.content_of_entry) {
            const auto& elf = stream->result.contents[content].elf;
            if (!elf || elf->machine == elf::elf_machine_cuda || (elf->dynamic.empty() && !elf->has_interpreter))
                continue;
            const Entry& e = artifact_.entries()[index];
            Parcel::ElfFact fact;
            fact.path = e.path;
            fact.root = e.root;
            fact.glibc = elf->glibc;
            fact.soname = elf->soname.value;
            for (const elf::ElfString& needed : elf->needed) fact.needed.push_back(needed.value);
            for (const auto* list : {&elf->rpath, &elf->runpath})
                for (const elf::ElfString& string : *list) fact.runpath.push_back(string.value);
            fact.machine = elf::elf_machine_name(elf->machine);
            fact.device = stream->result.contents[content].device;
            parcel.elf.push_back(std::move(fact));
        }
    std::ranges::sort(parcel.elf, {}, [](const Parcel::ElfFact& fact) { return std::tie(fact.root, fact.path); });
}

Result<Parcel> Packer::run(const fs::path& directory) {
    TRY(check_entries());
    TRY(plan());
    deal();
    Parcel parcel;
    parcel.payload_path = directory / payload_name;
    TRY_ASSIGN(auto writer, PayloadWriter::create(parcel.payload_path));
    TRY(compress_all(*writer));
    parcel.payload_size = writer->position();
    parcel.metadata = artifact_.metadata();
    add_elf_facts(parcel);
    for (const auto& stream : streams_)
        parcel.mismatches.insert(parcel.mismatches.end(), stream->result.mismatches.begin(),
                                 stream->result.mismatches.end());
    std::ranges::sort(parcel.mismatches, {}, &FileMismatch::path);
    parcel.table = build_table();
    TRY_ASSIGN(const auto leaving, format::leaving_link(parcel.table).in(artifact_.display_name()));
    if (leaving)
        return make_error(ErrorKind::usage, "{}:{}: its link to '{}' leaves the prefix through another link",
                          artifact_.display_name(), parcel.table.destinations[*leaving].path,
                          parcel.table.destinations[*leaving].link);
    return parcel;
}

} // namespace

Result<Parcel> pack(const Artifact& artifact, std::string key, const PackOptions& options, const fs::path& directory) {
    std::error_code ec;
    if (!fs::create_directory(directory, ec))
        return errno_error(fmt::format("cannot create the directory '{}'", directory.string()),
                           ec ? ec.value() : EEXIST);
    TRY_ASSIGN(Parcel parcel, Packer(artifact, options).run(directory));
    parcel.key = std::move(key);
    TRY(write_index(parcel, directory));
    return parcel;
}

} // namespace tinderbox::parcel
