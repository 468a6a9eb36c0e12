#include "runtime/io/extract.hpp"

#include "common/base/guarded.hpp"
#include "common/base/hash_file.hpp"
#include "common/base/parallel.hpp"
#include "common/base/progress.hpp"
#include "common/base/threads.hpp"
#include "runtime/io/epoch.hpp"
#include "runtime/io/files.hpp"
#include "runtime/io/queue.hpp"
#include "runtime/io/run_reader.hpp"

#include <algorithm>
#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <unordered_map>

namespace tinderbox::io {
namespace {

// All buffers of all threads. The rest of 128 MiB is the table, decompression contexts and the page tables.
constexpr std::size_t buffer_budget = 96u << 20;
constexpr unsigned most_threads = 8;
// Packed bytes of a block that does not shrink, and both its ends rounded to alignment.
constexpr std::size_t packed_buffer_size =
    format::block_raw_size + format::block_raw_size / 128 + 1024 + 2 * direct_alignment;
constexpr unsigned most_reads = 3, most_writes = 4; // blocks a thread has on their way
// Requests that a thread may have on their way. A block that goes to many destinations is one request for each.
constexpr unsigned queue_depth = 64;
static_assert(queue_depth > most_reads + most_writes);

struct Shape {
    bool uring = false;
    unsigned threads = 1, reads = 1, writes = 1; // buffers a thread; one more is scratch
};

Shape choose_shape(const ExtractOptions& options, std::size_t tasks) {
    Shape shape;
    shape.uring = !options.no_uring && make_uring_queue(2) != nullptr;
    unsigned cpus = options.jobs ? options.jobs : available_cpus();
    // Without io_uring a thread waits for its own I/O: twice as many keep the disk and the processor busy.
    shape.threads = std::min(shape.uring ? cpus : cpus * 2, most_threads);
    shape.threads =
        std::clamp<unsigned>(static_cast<unsigned>(std::min<std::size_t>(tasks, most_threads)), 1, shape.threads);
    if (!shape.uring) return shape;
    auto buffers = static_cast<unsigned>(buffer_budget / packed_buffer_size / shape.threads);
    shape.reads = std::clamp(buffers * 3 / 8, 1u, most_reads);
    shape.writes = std::clamp(buffers - shape.reads - 1, 1u, most_writes);
    return shape;
}

// Shared by all workers.
struct Shared {
    const format::RunFile& run;
    const format::Table& table;
    const WritePlan& plan;
    const ExtractOptions& options;
    Tree tree;
    RunReader reader;
    Shape shape;
    WritebackRing ring;
    std::vector<format::InstalledFile> installed;
    std::vector<std::uint8_t> known;                                           // by destination: `installed` holds it
    std::unordered_map<std::uint32_t, std::unique_ptr<LargeFile>> large_files; // by destination

    std::atomic<std::size_t> next_task = 0;
    std::atomic<bool> stop = false; // after an error
    std::mutex error_mutex;
    Status error;
    std::mutex huge_mutex; // one block of more than 4 MiB at a time

    ProgressCounter progress;

    Shared(const format::RunFile& r, const format::Table& t, const WritePlan& p, const Directories& directories,
           const ExtractOptions& o)
        : run(r), table(t), plan(p), options(o), tree{t, p, directories, o.mode_mask, o.resume, o.faults, nullptr},
          reader(r, o.no_direct, directories.root_fd()), shape(choose_shape(o, p.tasks.size())),
          installed(t.destinations.size()), known(t.destinations.size()),
          progress(o.progress, p.bytes + p.inherited_bytes) {
        tree.ring = &ring;
    }

    bool interrupted() const { return options.interrupted && options.interrupted->load(); }

    void fail(Error problem) {
        std::lock_guard lock(error_mutex);
        if (!stop.exchange(true)) error = std::move(problem);
    }

    void advance(std::uint64_t bytes) { progress.add(bytes); }

    Error damaged_block(std::uint32_t index) const {
        std::string holds = "?";
        for (const format::Destination& d : table.destinations) {
            if (d.kind != format::EntryKind::file || table.contents[d.content].size == 0) continue;
            const format::Content& content = table.contents[d.content];
            if (content.block <= index && index - content.block < format::block_count(table, content)) holds = d.path;
        }
        return make_error(ErrorKind::damaged,
                          "{}: block {} at byte {}, which holds '{}', is damaged; copy the file again",
                          run.path().string(), index, table.blocks[index].offset, holds);
    }

    Error other_file(std::uint32_t content) const {
        const std::span<const std::uint32_t> names = plan.destinations_of[content];
        return make_error(ErrorKind::damaged,
                          "{}: '{}' is not the file that the file table names: its SHA-256 does not match",
                          run.path().string(), names.empty() ? "?" : table.destinations[names.front()].path);
    }

    Status unpack(std::uint32_t block, ByteView packed, std::span<std::byte> out) const {
        if (!format::unpack_block(table.blocks[block], packed, out).ok()) return damaged_block(block);
        return {};
    }

    // Reads and unpacks in one go, for blocks that are not worth a pipeline.
    Result<Bytes> read_block(std::uint32_t index) const {
        const format::Block& block = table.blocks[index];
        Bytes packed(block.packed), raw(block.raw);
        TRY(run.read_at(packed, block.offset));
        TRY(unpack(index, packed, raw));
        return raw;
    }

    Status write_content(std::uint32_t index, ByteView raw);
    Status write_small_contents(std::uint32_t block, ByteView raw, bool only_relocated);
    Status write_empty_files(const Task& task);
    Status huge_block(std::uint32_t index);
    void prepare();
    Status repeat_relocated();
    Status write_digests();
    Status check_large_files() const;
};

Status Shared::write_content(std::uint32_t index, ByteView raw) {
    const format::Content& content = table.contents[index];
    ByteView original = raw.subspan(content.offset, content.size);
    auto lookup = [&](std::uint32_t destination) -> Result<format::InstalledFile> {
        if (!known[destination]) return make_error(ErrorKind::bug, "a digest is asked for before its file is written");
        return installed[destination];
    };
    if ((options.check_contents || !content.relocs.empty()) && sha256(original) != content.sha256)
        return other_file(index);
    const std::string* prefix = nullptr;
    Bytes relocated;
    format::InstalledFile facts;
    for (std::uint32_t d : plan.destinations_of[index]) {
        if (content.relocs.empty()) {
            TRY(write_small_file(tree, d, original));
            continue;
        }
        const std::string& wanted = options.prefixes[format::prefix_index(table.destinations[d].root)];
        if (!prefix || *prefix != wanted) {
            auto result = format::apply_relocations(original, content.relocs, wanted, lookup);
            if (!result.ok()) return std::move(result).error().in(table.destinations[d].path);
            relocated = *std::move(result);
            facts = {sha256(relocated), relocated.size()};
            prefix = &wanted;
        }
        TRY(write_small_file(tree, d, relocated));
        installed[d] = facts;
        known[d] = 1;
    }
    return {};
}

Status Shared::write_small_contents(std::uint32_t block, ByteView raw, bool only_relocated) {
    for (std::uint32_t c : plan.small_contents_of[block])
        if (!only_relocated || !table.contents[c].relocs.empty()) TRY(write_content(c, raw));
    return {};
}

Status Shared::write_empty_files(const Task& task) {
    for (std::uint32_t i = 0; i < task.empty_count; ++i)
        TRY(write_small_file(tree, plan.empty_files[task.first_empty + i], {}));
    return {};
}

// Only a relocated file makes a block larger than the buffers.
Status Shared::huge_block(std::uint32_t index) {
    std::lock_guard lock(huge_mutex);
    TRY_ASSIGN(Bytes raw, read_block(index));
    TRY(write_small_contents(index, raw, false));
    advance(raw.size());
    return {};
}

void Shared::prepare() {
    for (std::uint32_t d = 0; d < table.destinations.size(); ++d) {
        if (table.destinations[d].kind != format::EntryKind::file) continue;
        const format::Content& content = table.contents[table.destinations[d].content];
        if (!content.relocs.empty()) continue;
        installed[d] = {content.sha256, content.size};
        known[d] = 1;
    }
    for (std::uint32_t d : plan.inherited) {
        installed[d] = options.inheritance->files[d];
        known[d] = 1;
    }
    next_task = options.done_tasks;
    std::unordered_map<std::uint32_t, std::pair<std::uint32_t, bool>> open; // content → blocks to do, begun
    for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
        std::uint32_t block = plan.tasks[i].block;
        if (i < options.done_tasks && block != none) progress.add(table.blocks[block].raw);
        if (block == none || plan.large_content_of[block] == none) continue;
        auto& [blocks, begun] = open[plan.large_content_of[block]];
        if (i < options.done_tasks) begun = true;
        else ++blocks;
    }
    for (const auto& [content, state] : open)
        if (state.first > 0)
            for (std::uint32_t d : plan.destinations_of[content])
                large_files.emplace(d, std::make_unique<LargeFile>(d, state.first, state.second, !options.no_direct));
}

// Files that an earlier run relocated are written again: their hashes were only in that run's memory.
Status Shared::repeat_relocated() {
    std::vector<std::uint32_t> blocks;
    for (std::size_t i = 0; i < options.done_tasks; ++i) {
        std::uint32_t block = plan.tasks[i].block;
        if (block != none && std::ranges::any_of(plan.small_contents_of[block],
                                                 [&](std::uint32_t c) { return !table.contents[c].relocs.empty(); }))
            blocks.push_back(block);
    }
    return parallel_for(blocks.size(), shape.threads, [&](std::size_t i) -> Status {
        std::unique_lock<std::mutex> lock;
        if (table.blocks[blocks[i]].raw > format::block_raw_size) lock = std::unique_lock(huge_mutex);
        TRY_ASSIGN(Bytes raw, read_block(blocks[i]));
        return write_small_contents(blocks[i], raw, true);
    });
}

Status Shared::write_digests() {
    for (const auto& level : plan.digest_levels) {
        std::vector<std::pair<std::size_t, std::size_t>> groups; // of one block
        for (std::size_t i = 0; i < level.size(); ++i)
            if (i > 0 && table.contents[level[i]].block == table.contents[level[i - 1]].block)
                groups.back().second = i + 1;
            else groups.emplace_back(i, i + 1);
        TRY(parallel_for(groups.size(), shape.threads, [&](std::size_t g) -> Status {
            if (interrupted()) return make_error(ErrorKind::interrupted, "interrupted");
            std::uint32_t block = table.contents[level[groups[g].first]].block;
            std::unique_lock<std::mutex> lock;
            if (table.blocks[block].raw > format::block_raw_size) lock = std::unique_lock(huge_mutex);
            TRY_ASSIGN(Bytes raw, read_block(block));
            for (std::size_t i = groups[g].first; i < groups[g].second; ++i) TRY(write_content(level[i], raw));
            return {};
        }));
    }
    return {};
}

// Their blocks were written in no order, so they are read again.
Status Shared::check_large_files() const {
    for (const auto& [d, file] : large_files) {
        const format::Destination& destination = table.destinations[d];
        TRY_ASSIGN(Directories::Handle directory, tree.directories.open(plan.directory_of[d]));
        const char* name = destination.path.c_str() + (destination.path.rfind('/') + 1);
        Fd fd(::openat(directory.fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
        if (!fd) return errno_error(fmt::format("cannot read '{}'", tree.path(d)), errno);
        TRY_ASSIGN(const FileHash found, hash_file(fd.get(), tree.path(d)));
        if (found.sha256 != table.contents[destination.content].sha256) return other_file(destination.content);
    }
    return {};
}

// One thread: a few block reads ahead, a few large writes in flight, small files written in between.
class Worker {
  public:
    Worker(Shared& shared, EpochGate& gate) : shared_(shared), gate_(gate) {}
    void run();

  private:
    struct Read {
        AlignedBuffer buffer;
        std::uint32_t block = 0;
        RunReader::Where where;
        bool split = false; // read by RunFile, not by the queue
        bool ready = false;
        std::int64_t result = 0;
    };
    struct PendingWrite {
        LargeFile* file = nullptr;
        std::size_t size = 0; // of the file's bytes; what is written is rounded up
        std::uint64_t offset = 0;
    };
    struct Write {
        AlignedBuffer buffer;
        std::vector<PendingWrite> requests; // one a destination
        unsigned pending = 0;
    };
    static constexpr std::uint64_t write_tag = 1ull << 63;

    void make_buffers();
    Status loop();
    Status start_reads();
    Status start_read(std::uint32_t block);
    Status handle(Read& read);
    Result<ByteView> packed_bytes(Read& read);
    Result<Write*> free_write();
    Status write_large(std::uint32_t block, Write& write);
    Status one_completion();
    Status write_completed(const Completion& completion);
    Status drain_writes();
    void drain_quietly();

    Shared& shared_;
    EpochGate& gate_;
    std::unique_ptr<Queue> queue_;
    std::vector<Read> reads_;
    std::vector<Write> writes_;
    std::deque<std::size_t> order_; // reads in flight or waiting to be handled
    std::vector<std::size_t> idle_;
    AlignedBuffer scratch_;
    std::size_t in_flight_ = 0;
};

void Worker::run() {
    Status status = guarded([this] {
        make_buffers();
        return loop();
    });
    const bool failed = !status.ok();
    if (failed) shared_.fail(std::move(status).error());
    drain_quietly();
    Status left = gate_.leave(failed || shared_.stop);
    if (!left.ok()) shared_.fail(std::move(left).error());
}

void Worker::make_buffers() {
    const Shape& shape = shared_.shape;
    // The plain queue has no depth: it does the work at once.
    if (shape.uring) queue_ = make_uring_queue(queue_depth);
    if (!queue_) queue_ = make_plain_queue();
    reads_.resize(shape.reads);
    for (std::size_t i = 0; i < reads_.size(); ++i) {
        reads_[i].buffer = AlignedBuffer(packed_buffer_size);
        idle_.push_back(i);
    }
    writes_.resize(shape.writes);
    for (Write& write : writes_) write.buffer = AlignedBuffer(format::block_raw_size);
    scratch_ = AlignedBuffer(format::block_raw_size);
}

Status Worker::loop() {
    for (;;) {
        if (shared_.stop) return {};
        if (!gate_.due()) TRY(start_reads());
        if (order_.empty()) {
            TRY(drain_writes());
            bool more = shared_.next_task < shared_.plan.tasks.size() && !shared_.interrupted();
            if (!more) return {};
            if (gate_.due()) {
                TRY(gate_.meet());
                TRY(start_reads()); // some work between two records, however short an epoch is
            }
            continue;
        }
        Read& read = reads_[order_.front()];
        while (!read.ready) TRY(one_completion());
        TRY(handle(read));
    }
}

Status Worker::start_reads() {
    while (!idle_.empty() && !shared_.interrupted() && !shared_.stop) {
        std::size_t index = shared_.next_task++;
        if (index >= shared_.plan.tasks.size()) {
            shared_.next_task = shared_.plan.tasks.size();
            return {};
        }
        const Task& task = shared_.plan.tasks[index];
        if (task.block == none) TRY(shared_.write_empty_files(task));
        else if (shared_.table.blocks[task.block].raw > format::block_raw_size) TRY(shared_.huge_block(task.block));
        else TRY(start_read(task.block));
    }
    return {};
}

Status Worker::start_read(std::uint32_t index) {
    const format::Block& block = shared_.table.blocks[index];
    std::size_t slot = idle_.back();
    idle_.pop_back();
    order_.push_back(slot);
    Read& read = reads_[slot];
    read.block = index;
    read.ready = false;
    auto where = shared_.reader.where(block.offset, block.packed);
    read.split = !where || block.packed + 2 * direct_alignment > read.buffer.size();
    if (read.split) {
        read.ready = true;
        return {};
    }
    read.where = *where;
    TRY(queue_->submit({false, where->fd, read.buffer.data(), where->size, where->offset, slot}));
    ++in_flight_;
    return {};
}

Result<ByteView> Worker::packed_bytes(Read& read) {
    const format::Block& block = shared_.table.blocks[read.block];
    if (!read.split && read.result >= 0 && static_cast<std::size_t>(read.result) >= read.where.skip + block.packed) {
        shared_.reader.forget(read.where);
        return ByteView(read.buffer.data() + read.where.skip, block.packed);
    }
    // Two volumes, a file system that refuses O_DIRECT only now, or a short read: the plain way says what is wrong.
    if (!read.split && read.where.direct && read.result == -EINVAL) shared_.reader.refuse_direct();
    if (block.packed > read.buffer.size()) return shared_.damaged_block(read.block);
    std::span<std::byte> packed = read.buffer.span().first(block.packed);
    TRY(shared_.run.read_at(packed, block.offset));
    return ByteView(packed);
}

Status Worker::handle(Read& read) {
    TRY_ASSIGN(ByteView packed, packed_bytes(read));
    const std::uint32_t index = read.block;
    const std::uint32_t raw_size = shared_.table.blocks[index].raw;
    const bool large = shared_.plan.large_content_of[index] != none;
    Write* write = nullptr;
    if (large) {
        TRY_ASSIGN(write, free_write());
    }
    std::span<std::byte> out = (large ? write->buffer : scratch_).span();
    TRY(shared_.unpack(index, packed, out));
    idle_.push_back(order_.front());
    order_.pop_front();
    // The disk gets its next read before this thread turns to the files.
    if (!large && !gate_.due()) TRY(start_reads());
    TRY(shared_.write_small_contents(index, out.first(raw_size), false));
    if (large) TRY(write_large(index, *write));
    shared_.advance(raw_size);
    gate_.did(raw_size);
    return {};
}

Result<Worker::Write*> Worker::free_write() {
    for (;;) {
        for (Write& write : writes_)
            if (write.pending == 0) return &write;
        TRY(one_completion());
    }
}

Status Worker::write_large(std::uint32_t index, Write& write) {
    const std::uint32_t raw = shared_.table.blocks[index].raw;
    const std::uint32_t content = shared_.plan.large_content_of[index];
    const std::uint64_t offset = shared_.plan.large_offset_of[index];
    const bool last = offset + raw == shared_.table.contents[content].size;
    const bool aligned = offset % direct_alignment == 0 && (raw % direct_alignment == 0 || last);
    const auto padded = static_cast<std::size_t>(round_up(raw));
    std::memset(write.buffer.data() + raw, 0, padded - raw); // or old data would reach the disk
    write.requests.clear();
    for (std::uint32_t d : shared_.plan.destinations_of[content]) {
        LargeFile& file = *shared_.large_files.at(d);
        TRY(file.open(shared_.tree));
        ByteView data(write.buffer.data(), raw);
        // The queue keeps room for the reads that start before the next completion is taken.
        const bool full = in_flight_ + most_reads >= queue_depth;
        if (!file.direct() || !aligned || full) {
            TRY(file.direct() ? file.finish_buffered(shared_.tree, data, offset)
                              : file.write_now(shared_.tree, data, offset));
            TRY(file.block_done(shared_.tree));
            continue;
        }
        std::size_t size = padded;
        if (Faults* faults = shared_.options.faults) {
            if (int error = faults->before(Faults::Call::write, shared_.table.destinations[d].path))
                return errno_error(fmt::format("cannot write '{}'", shared_.tree.path(d)), error);
            size = std::clamp<std::size_t>(faults->shorten(size), 1, size);
        }
        std::uint64_t tag =
            write_tag | static_cast<std::uint64_t>(&write - writes_.data()) << 32 | write.requests.size();
        write.requests.push_back({&file, raw, offset});
        TRY(queue_->submit({true, file.fd(), write.buffer.data(), size, offset, tag}));
        ++write.pending;
        ++in_flight_;
    }
    return {};
}

Status Worker::one_completion() {
    TRY_ASSIGN(Completion completion, queue_->wait());
    --in_flight_;
    if (completion.tag & write_tag) return write_completed(completion);
    Read& read = reads_[completion.tag];
    read.result = completion.result;
    read.ready = true;
    return {};
}

Status Worker::write_completed(const Completion& completion) {
    Write& write = writes_[(completion.tag & ~write_tag) >> 32];
    const PendingWrite& request = write.requests[completion.tag & 0xffffffff];
    --write.pending;
    std::int64_t result = completion.result;
    // Refused only now, to be tried again, or taken in part: the rest goes the plain way.
    if (result == -EINVAL || result == -EAGAIN || result == -EINTR || result == -EOPNOTSUPP) result = 0;
    if (result < 0)
        return errno_error(fmt::format("cannot write '{}'", shared_.tree.path(request.file->destination())),
                           static_cast<int>(-result));
    auto done = static_cast<std::size_t>(result);
    if (done < request.size)
        TRY(request.file->finish_buffered(shared_.tree, ByteView(write.buffer.data() + done, request.size - done),
                                          request.offset + done));
    return request.file->block_done(shared_.tree);
}

Status Worker::drain_writes() {
    while (in_flight_ > 0) TRY(one_completion());
    return {};
}

// After an error the kernel may still be writing from our buffers: they must not be freed before it is done.
void Worker::drain_quietly() {
    while (in_flight_ > 0) {
        auto completion = queue_->wait();
        if (!completion.ok()) return;
        --in_flight_;
    }
}

Error interruption() { return make_error(ErrorKind::interrupted, "interrupted"); }

// Where the system gives fewer threads, those do all of the work.
void run_workers(Shared& shared, EpochGate& gate) {
    const unsigned wanted = shared.shape.threads;
    auto work = [&](const std::stop_token&) {
        Worker(shared, gate).run();
        return Status();
    };
    Threads others;
    while (others.size() + 1 < wanted && others.start(work).ok()) {
    }
    for (auto missing = others.size() + 1; missing < wanted; ++missing)
        if (Status left = gate.leave(false); !left.ok()) shared.fail(std::move(left).error());
    (void)work({});
    if (Status failed = others.join(); !failed.ok()) shared.fail(std::move(failed).error());
}

Status phase_one(Shared& shared) {
    const ExtractOptions& options = shared.options;
    auto started = std::chrono::steady_clock::now();
    auto record = [&]() -> Status {
        shared.ring.drain();
        return options.record(std::min<std::uint64_t>(shared.next_task, shared.plan.tasks.size()));
    };
    EpochGate gate(shared.shape.threads, options.epoch_seconds, options.epoch_bytes, options.journal_after,
                   options.record ? std::function<Status()>(record) : nullptr);
    run_workers(shared, gate);
    shared.ring.drain();
    if (!shared.error.ok()) return shared.error;
    if (!shared.interrupted()) return {};
    std::chrono::duration<double> spent = std::chrono::steady_clock::now() - started;
    if (options.record && spent.count() >= options.journal_after) TRY(record());
    return interruption();
}

} // namespace

Result<Extracted> extract(const format::RunFile& run, const format::Table& table, const WritePlan& plan,
                          const Directories& directories, const ExtractOptions& options) {
    if (!plan.inherited.empty() && !options.inheritance)
        return make_error(ErrorKind::storage,
                          "{} is an update and does not hold '{}'; the installer of the whole environment does",
                          run.path().string(), table.destinations[plan.inherited.front()].path);
    Shared shared(run, table, plan, directories, options);
    shared.prepare();
    if (options.done_tasks > 0) TRY(shared.repeat_relocated());
    TRY(phase_one(shared));
    if (options.check_contents) TRY(shared.check_large_files());
    TRY(shared.write_digests());
    if (!plan.inherited.empty())
        TRY(inherit_files(shared.tree, *options.inheritance, shared.shape.threads, options.interrupted,
                          shared.progress));
    for (const HardLink& link : plan.hard_links) {
        if (shared.interrupted()) return interruption();
        TRY(make_hard_link(shared.tree, link.destination, link.source));
    }
    for (std::uint32_t d : plan.symlinks) {
        std::string target = table.destinations[d].link;
        if (target.starts_with('\x01'))
            target = options.prefixes[format::prefix_index(table.destinations[d].root)] + target.substr(1);
        TRY(make_symlink(shared.tree, d, target));
    }
    TRY(directories.finish(table, options.mode_mask));
    Extracted out;
    out.installed = std::move(shared.installed);
    bool direct = !options.no_direct &&
                  std::ranges::all_of(shared.large_files, [](const auto& entry) { return entry.second->direct(); });
    out.description = fmt::format("{} + {}, {} threads", shared.shape.uring ? "io_uring" : "pread/pwrite",
                                  direct ? "O_DIRECT" : "write-back ring", shared.shape.threads);
    return out;
}

} // namespace tinderbox::io
