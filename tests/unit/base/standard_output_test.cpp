// Each case runs in a child, because a failure of standard output lasts as long as its process.
#include "common/base/file.hpp"
#include "common/base/standard_output.hpp"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

using namespace tinderbox;

namespace {

// The exit code of `work` in a child whose standard output is `fd`; -1: closed. Its messages go nowhere.
int exit_code_with(int fd, const std::function<int()>& work) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::signal(SIGPIPE, SIG_IGN);
        if (fd >= 0) ::dup2(fd, STDOUT_FILENO);
        else ::close(STDOUT_FILENO);
        ::dup2(Fd(::open("/dev/null", O_WRONLY)).get(), STDERR_FILENO);
        reserve_standard_descriptors();
        ::_exit(work());
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int say(std::size_t size, int code) {
    for (std::size_t i = 0; i < size; ++i) print("{}", 'x');
    return finish_output(code);
}

} // namespace

TEST_CASE("standard output arrives, or the exit code says that it did not", "[stdout]") {
    auto directory = *TemporaryDirectory::make();
    const fs::path path = directory.path() / "out";
    const Fd file = *open_file(path, O_RDWR | O_CREAT);
    const Fd full = *open_file("/dev/full", O_WRONLY);
    int pipe[2];
    REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
    ::close(pipe[0]);
    const Fd broken(pipe[1]);
    for (std::size_t size : {1u, 1000u, 200000u}) {
        CAPTURE(size);
        REQUIRE(::ftruncate(file.get(), 0) == 0);
        ::lseek(file.get(), 0, SEEK_SET);
        CHECK(exit_code_with(file.get(), [&] { return say(size, 0); }) == 0);
        CHECK(*read_text(path) == std::string(size, 'x'));
        for (int fd : {full.get(), broken.get(), -1}) {
            CAPTURE(fd);
            CHECK(exit_code_with(fd, [&] { return say(size, 0); }) == 5);
            CHECK(exit_code_with(fd, [&] { return say(size, 1); }) == 5);
            CHECK(exit_code_with(fd, [&] { return say(size, 3); }) == 3); // what went wrong first
        }
    }
    CHECK(exit_code_with(full.get(), [] { return say(0, 0); }) == 0);
}

TEST_CASE("a reader that has ended is no reason to complain", "[stdout]") {
    int pipe[2];
    REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
    ::close(pipe[0]);
    const Fd broken(pipe[1]), full = *open_file("/dev/full", O_WRONLY);
    auto complains = [] {
        print("x");
        const Status written = flush_output();
        return written.ok() ? 2 : written.error().message.empty() ? 0 : 1;
    };
    CHECK(exit_code_with(broken.get(), complains) == 0);
    CHECK(exit_code_with(full.get(), complains) == 1);
}

TEST_CASE("no file is opened as standard output", "[stdout]") {
    auto directory = *TemporaryDirectory::make();
    CHECK(exit_code_with(-1, [&] {
              const auto file = open_file(directory.path() / "file", O_RDWR | O_CREAT);
              return file.ok() && file->get() > STDERR_FILENO ? 0 : 1;
          }) == 0);
}
