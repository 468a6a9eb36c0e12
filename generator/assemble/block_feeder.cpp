#include "generator/assemble/block_feeder.hpp"

#include "common/base/aligned_buffer.hpp"
#include "common/base/guarded.hpp"
#include "common/base/interruption.hpp"
#include "common/base/threads.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>

namespace tinderbox::assemble {
namespace {

struct Slot {
    AlignedBuffer buffer;
    ByteView view;
    Status status;
    bool ready = false;
};

} // namespace

struct BlockFeeder::State {
    std::vector<fs::path> paths;
    std::vector<BlockRead> reads;
    std::vector<Fd> payloads; // opened past the page cache where the file system allows that
    std::vector<Slot> slots;
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t started = 0, consumed = 0;
    bool held = false, stopping = false; // held: the caller looks at slot consumed - 1
    Status without_threads;              // why there are none
    Threads threads;                     // the last member: they end before the others

    Result<int> open(std::uint32_t index) {
        std::lock_guard lock(mutex);
        Fd& payload = payloads[index];
        if (!payload) payload.reset(::open(paths[index].c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
        if (!payload) payload.reset(::open(paths[index].c_str(), O_RDONLY | O_CLOEXEC));
        if (!payload) return errno_error("cannot open '" + paths[index].string() + "'", errno);
        return payload.get();
    }

    Status read(const BlockRead& block, Slot& slot) {
        TRY_ASSIGN(const int fd, open(block.file));
        std::uint64_t begin = block.offset / direct_alignment * direct_alignment;
        std::size_t lead = block.offset - begin;
        std::size_t want = (lead + block.size + direct_alignment - 1) / direct_alignment * direct_alignment;
        if (slot.buffer.size() < want) slot.buffer = AlignedBuffer(want);
        std::byte* data = slot.buffer.data();
        std::size_t got = 0;
        bool plain = false; // of this block: other threads read the same file
        while (got < lead + block.size) {
            ssize_t n = ::pread(fd, data + got, want - got, static_cast<off_t>(begin + got));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno == EINVAL && !plain) { // opened with O_DIRECT, but does not read with it
                ::fcntl(fd, F_SETFL, 0);
                plain = true;
                continue;
            }
            if (n < 0) return errno_error("cannot read '" + paths[block.file].string() + "'", errno);
            if (n == 0) break;
            got += static_cast<std::size_t>(n);
        }
        slot.view = ByteView(data + lead, block.size);
        // A damaged cache must not become a damaged installer.
        if (got < lead + block.size || sha256(slot.view) != block.sha256)
            return make_error(ErrorKind::storage,
                              "'{}' in the parcel cache is damaged; run 'tinderbox cache clean' and build again",
                              paths[block.file].string());
        return {};
    }

    Status work() {
        std::unique_lock lock(mutex);
        for (;;) {
            // The slot of a block that the caller still looks at is not free.
            changed.wait(lock, [&] {
                return stopping || started == reads.size() || started < consumed + slots.size() - (held ? 1 : 0);
            });
            if (stopping || started == reads.size()) return {};
            std::size_t index = started++;
            Slot& slot = slots[index % slots.size()];
            lock.unlock();
            Status status = guarded([&] { return read(reads[index], slot); });
            lock.lock();
            slot.status = std::move(status);
            slot.ready = true;
            changed.notify_all();
        }
    }
};

BlockFeeder::BlockFeeder(std::vector<fs::path> paths, std::vector<BlockRead> reads, unsigned threads, std::size_t ahead)
    : state_(std::make_unique<State>()) {
    state_->payloads.resize(paths.size());
    state_->paths = std::move(paths);
    state_->reads = std::move(reads);
    state_->slots.resize(ahead);
    for (unsigned i = 0; i < threads; ++i) {
        Status started = state_->threads.start([this](const std::stop_token&) { return state_->work(); });
        if (!started.ok() && i == 0) state_->without_threads = std::move(started);
    }
}

BlockFeeder::~BlockFeeder() {
    {
        std::lock_guard lock(state_->mutex);
        state_->stopping = true;
    }
    state_->changed.notify_all();
    (void)state_->threads.join();
}

Result<ByteView> BlockFeeder::next() {
    State& s = *state_;
    TRY(check_interrupted());
    if (!s.without_threads.ok()) return s.without_threads.error();
    std::unique_lock lock(s.mutex);
    if (s.consumed == s.reads.size())
        return make_error(ErrorKind::bug, "more blocks are asked for than were announced");
    if (s.held) s.slots[(s.consumed - 1) % s.slots.size()].ready = false;
    s.held = false;
    s.changed.notify_all();
    Slot& slot = s.slots[s.consumed % s.slots.size()];
    s.changed.wait(lock, [&] { return slot.ready; });
    ++s.consumed;
    s.held = true;
    if (!slot.status.ok()) return std::move(slot.status).error();
    return slot.view;
}

} // namespace tinderbox::assemble
