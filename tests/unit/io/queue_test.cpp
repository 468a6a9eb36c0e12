#include "common/base/file.hpp"
#include "runtime/io/queue.hpp"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <thread>

using namespace tinderbox;
using namespace tinderbox::io;

namespace {

// From now on io_uring_enter fails in this thread, and in no other.
bool refuse_enter(std::uint32_t error) {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_enter, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{sizeof filter / sizeof *filter, filter};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

struct Outcome {
    bool possible = false;
    std::vector<Completion> completions;
    std::string written;
};

// Two writes before and two after the kernel begins to refuse; all completions are waited for.
Outcome writes(std::uint32_t error) {
    auto directory = *TemporaryDirectory::make();
    const fs::path path = directory.path() / "file";
    Fd fd = *open_file(path, O_RDWR | O_CREAT, 0600);
    std::string data = "abcd";
    Outcome out;
    auto put = [&](Queue& queue, std::uint64_t i) {
        auto* bytes = reinterpret_cast<std::byte*>(data.data() + i);
        REQUIRE(queue.submit({true, fd.get(), bytes, 1, i, i}).ok());
    };
    std::thread([&] {
        auto queue = make_uring_queue(8);
        if (!queue) return;
        put(*queue, 0);
        put(*queue, 1);
        if (!refuse_enter(error)) return;
        put(*queue, 2);
        put(*queue, 3);
        for (int i = 0; i < 4; ++i) out.completions.push_back(*queue->wait());
        out.possible = true;
    }).join();
    out.written = *read_text(path);
    return out;
}

} // namespace

TEST_CASE("a ring that the kernel refuses later loses no request", "[queue]") {
    for (std::uint32_t error : {EIO, EAGAIN, ENOMEM, EBUSY, ENOSYS}) {
        CAPTURE(error);
        Outcome out = writes(error);
        if (!out.possible) SKIP("no io_uring or no seccomp here");
        CHECK(out.written == "abcd");
        std::uint64_t tags = 0;
        for (const Completion& completion : out.completions) {
            CHECK(completion.result == 1);
            tags |= 1u << completion.tag;
        }
        CHECK(tags == 0b1111);
    }
}
