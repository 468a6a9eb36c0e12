#include "generator/assemble/output_stream.hpp"

#include "common/base/direct_file.hpp"
#include "common/base/guarded.hpp"
#include "common/base/threads.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>

namespace tinderbox::assemble {
namespace {

constexpr std::size_t piece = 4u << 20; // one write
constexpr std::size_t piece_count = 6;  // one is filled, the others are hashed and written behind it

} // namespace

struct OutputStream::State {
    OutputFile output;
    DirectFile file;
    std::uint64_t position = 0, size = 0;

    // A ring of pieces: the caller fills one, one thread writes and another hashes those behind it.
    AlignedBuffer pieces[piece_count];
    std::size_t filled = 0; // bytes in the current piece
    std::uint64_t produced = 0, written = 0, hashed = 0;
    std::size_t last_size = piece;
    bool closing = false;
    Status failure;
    Sha256 hash;
    std::mutex mutex;
    std::condition_variable changed;
    Threads threads; // a writer and a hasher

    ~State() {
        {
            std::lock_guard lock(mutex);
            closing = true;
        }
        changed.notify_all();
        (void)threads.join();
    }

    ByteView filled_piece(std::uint64_t index, std::size_t bytes) {
        return ByteView(pieces[index % piece_count].data(), bytes);
    }

    // Takes the pieces in order; `done` counts those that `use` has finished.
    template <class Use> Status follow(std::uint64_t& done, Use use) {
        std::unique_lock lock(mutex);
        for (;;) {
            changed.wait(lock, [&] { return closing || done < produced; });
            if (done == produced) return {};
            std::uint64_t index = done;
            bool last = closing && index + 1 == produced;
            std::size_t bytes = last ? last_size : piece;
            lock.unlock();
            Status status = guarded([&] { return use(index, bytes); });
            lock.lock();
            ++done;
            if (!status.ok() && failure.ok()) failure = std::move(status);
            changed.notify_all();
        }
    }

    Status start() {
        TRY(threads.start([this](const std::stop_token&) {
            return follow(written, [this](std::uint64_t i, std::size_t n) {
                return file.write_at(filled_piece(i, n), i * piece);
            });
        }));
        return threads.start([this](const std::stop_token&) {
            return follow(hashed, [this](std::uint64_t i, std::size_t n) {
                hash.update(filled_piece(i, n));
                return Status();
            });
        });
    }

    Status advance(std::size_t bytes) {
        std::unique_lock lock(mutex);
        last_size = bytes;
        ++produced;
        filled = 0;
        changed.notify_all();
        changed.wait(lock, [&] { return produced - std::min(written, hashed) < piece_count; });
        return failure;
    }
};

OutputStream::OutputStream() : state_(std::make_unique<State>()) {}
OutputStream::~OutputStream() = default;

Result<std::unique_ptr<OutputStream>> OutputStream::create(const fs::path& path, std::uint64_t size, mode_t mode) {
    std::unique_ptr<OutputStream> out(new OutputStream());
    State& s = *out->state_;
    s.size = size;
    TRY_ASSIGN(s.output, OutputFile::create(path, mode));
    Fd fd = s.output.release();
    if (::fallocate(fd.get(), 0, 0, static_cast<off_t>(size)) != 0 && errno == ENOSPC)
        return errno_error("cannot write '" + path.string() + "', which needs " + std::to_string(size) + " bytes",
                           errno);
    s.file = DirectFile(std::move(fd), path);
    for (AlignedBuffer& buffer : s.pieces) buffer = AlignedBuffer(piece);
    TRY(s.start());
    return out;
}

std::uint64_t OutputStream::position() const { return state_->position; }

Status OutputStream::append(ByteView bytes) {
    State& s = *state_;
    while (!bytes.empty()) {
        std::size_t take = std::min(bytes.size(), piece - s.filled);
        std::memcpy(s.pieces[s.produced % piece_count].data() + s.filled, bytes.data(), take);
        s.filled += take;
        s.position += take;
        bytes = bytes.subspan(take);
        if (s.filled == piece) TRY(s.advance(piece));
    }
    return {};
}

Status OutputStream::append_zeros(std::uint64_t count) {
    static constexpr std::array<std::byte, direct_alignment> zeros{};
    while (count > 0) {
        std::size_t take = std::min<std::uint64_t>(count, direct_alignment);
        TRY(append(ByteView(zeros).first(take)));
        count -= take;
    }
    return {};
}

Result<Sha256Digest> OutputStream::finish() {
    State& s = *state_;
    {
        std::unique_lock lock(s.mutex);
        if (s.filled > 0) {
            s.last_size = s.filled;
            ++s.produced;
        } else {
            s.last_size = piece;
        }
        s.closing = true;
        s.changed.notify_all();
    }
    (void)s.threads.join(); // their failures are in `failure`
    if (!s.failure.ok()) return std::move(s.failure).error();
    if (s.position != s.size)
        return make_error(ErrorKind::bug, "the installer has {} bytes, {} were planned", s.position, s.size);
    TRY(s.file.finish(s.size));
    for (AlignedBuffer& buffer : s.pieces) buffer = {};
    return s.hash.finish();
}

Status OutputStream::publish() { return state_->output.publish(); }

} // namespace tinderbox::assemble
