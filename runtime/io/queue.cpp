#include "runtime/io/queue.hpp"

#include <liburing.h>
#include <unistd.h>

#include <cerrno>
#include <deque>

namespace tinderbox::io {
namespace {

// Does the work at once.
Completion perform(const WriteRequest& request) {
    ssize_t n;
    do {
        n = request.write ? ::pwrite(request.fd, request.data, request.size, static_cast<off_t>(request.offset))
                          : ::pread(request.fd, request.data, request.size, static_cast<off_t>(request.offset));
    } while (n < 0 && errno == EINTR);
    return {request.tag, n < 0 ? -static_cast<std::int64_t>(errno) : n};
}

class PlainQueue : public Queue {
  public:
    Status submit(const WriteRequest& request) override {
        done_.push_back(perform(request));
        return {};
    }
    Result<Completion> wait() override {
        if (done_.empty()) return make_error(ErrorKind::bug, "waiting for I/O that was not asked for");
        Completion completion = done_.front();
        done_.pop_front();
        return completion;
    }
    bool empty() const { return done_.empty(); }

  private:
    std::deque<Completion> done_;
};

// The kernel may refuse a ring that it has given, for want of memory or by a filter that came later. The requests then
// go the plain way.
class UringQueue : public Queue {
  public:
    ~UringQueue() override {
        if (ready_) ::io_uring_queue_exit(&ring_);
    }
    bool open(unsigned depth) {
        ready_ = ::io_uring_queue_init(depth, &ring_, 0) == 0;
        return ready_;
    }
    Status submit(const WriteRequest& request) override {
        if (refused_) return plain_.submit(request);
        io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
        if (!sqe) return make_error(ErrorKind::bug, "the io_uring queue is full");
        auto size = static_cast<unsigned>(request.size);
        if (request.write) ::io_uring_prep_write(sqe, request.fd, request.data, size, request.offset);
        else ::io_uring_prep_read(sqe, request.fd, request.data, size, request.offset);
        ::io_uring_sqe_set_data64(sqe, request.tag);
        int taken;
        do taken = ::io_uring_submit(&ring_);
        while (taken == -EINTR);
        if (taken > 0) return {};
        // A later call must not submit it after all: its buffer is somebody else's by then.
        refused_ = true;
        return plain_.submit(request);
    }
    Result<Completion> wait() override {
        if (!plain_.empty()) return plain_.wait();
        io_uring_cqe* cqe = nullptr;
        for (;;) {
            const int rc = cannot_wait_ ? ::io_uring_peek_cqe(&ring_, &cqe) : ::io_uring_wait_cqe(&ring_, &cqe);
            if (rc == 0) break;
            if (rc == -EINTR) continue;
            // The kernel works with the buffers until it has said that it is done.
            cannot_wait_ = true;
            ::usleep(poll_interval_us);
        }
        Completion completion{::io_uring_cqe_get_data64(cqe), cqe->res};
        ::io_uring_cqe_seen(&ring_, cqe);
        return completion;
    }

  private:
    static constexpr unsigned poll_interval_us = 200;
    io_uring ring_{};
    bool ready_ = false, refused_ = false, cannot_wait_ = false;
    PlainQueue plain_;
};

} // namespace

std::unique_ptr<Queue> make_uring_queue(unsigned depth) {
    auto queue = std::make_unique<UringQueue>();
    if (!queue->open(depth)) return nullptr;
    return queue;
}

std::unique_ptr<Queue> make_plain_queue() { return std::make_unique<PlainQueue>(); }

} // namespace tinderbox::io
