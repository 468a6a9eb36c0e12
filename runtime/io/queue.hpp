// Reads and writes in flight: io_uring where the kernel allows it, pread and pwrite where it does not.
// One queue belongs to one thread.
#pragma once

#include "common/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace tinderbox::io {

struct WriteRequest {
    bool write = false;
    int fd = -1;
    std::byte* data = nullptr; // stays valid until the completion
    std::size_t size = 0;
    std::uint64_t offset = 0;
    std::uint64_t tag = 0; // comes back with the completion
};

struct Completion {
    std::uint64_t tag = 0;
    std::int64_t result = 0; // bytes, possibly fewer than asked for, or -errno
};

class Queue {
  public:
    virtual ~Queue() = default;
    // Must not be called with more requests in flight than the queue's depth. The plain queue does the work here.
    virtual Status submit(const WriteRequest& request) = 0;
    // Waits for any completion. Only with something in flight.
    virtual Result<Completion> wait() = 0;
};

// nullptr when the kernel or a container's filter refuses io_uring (ENOSYS, EPERM, kernel.io_uring_disabled).
std::unique_ptr<Queue> make_uring_queue(unsigned depth);
std::unique_ptr<Queue> make_plain_queue();

} // namespace tinderbox::io
