#include "runtime/io/queue.hpp"

#include <liburing.h>
#include <unistd.h>

#include <cerrno>
#include <deque>

namespace tinderbox::io {
namespace {

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
        io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
        if (!sqe) return make_error(ErrorKind::bug, "the io_uring queue is full");
        auto size = static_cast<unsigned>(request.size);
        if (request.write) ::io_uring_prep_write(sqe, request.fd, request.data, size, request.offset);
        else ::io_uring_prep_read(sqe, request.fd, request.data, size, request.offset);
        ::io_uring_sqe_set_data64(sqe, request.tag);
        for (;;) {
            int rc = ::io_uring_submit(&ring_);
            if (rc >= 0) return {};
            if (rc != -EINTR && rc != -EAGAIN) return errno_error("cannot submit to io_uring", -rc);
        }
    }
    Result<Completion> wait() override {
        io_uring_cqe* cqe = nullptr;
        for (;;) {
            int rc = ::io_uring_wait_cqe(&ring_, &cqe);
            if (rc == 0) break;
            if (rc != -EINTR && rc != -EAGAIN) return errno_error("cannot wait for io_uring", -rc);
        }
        Completion completion{::io_uring_cqe_get_data64(cqe), cqe->res};
        ::io_uring_cqe_seen(&ring_, cqe);
        return completion;
    }

  private:
    io_uring ring_{};
    bool ready_ = false;
};

class PlainQueue : public Queue {
  public:
    Status submit(const WriteRequest& request) override {
        ssize_t n;
        do {
            n = request.write ? ::pwrite(request.fd, request.data, request.size, static_cast<off_t>(request.offset))
                              : ::pread(request.fd, request.data, request.size, static_cast<off_t>(request.offset));
        } while (n < 0 && errno == EINTR);
        done_.push_back({request.tag, n < 0 ? -static_cast<std::int64_t>(errno) : n});
        return {};
    }
    Result<Completion> wait() override {
        if (done_.empty()) return make_error(ErrorKind::bug, "waiting for I/O that was not asked for");
        Completion completion = done_.front();
        done_.pop_front();
        return completion;
    }

  private:
    std::deque<Completion> done_;
};

} // namespace

std::unique_ptr<Queue> make_uring_queue(unsigned depth) {
    auto queue = std::make_unique<UringQueue>();
    if (!queue->open(depth)) return nullptr;
    return queue;
}

std::unique_ptr<Queue> make_plain_queue() { return std::make_unique<PlainQueue>(); }

} // namespace tinderbox::io
