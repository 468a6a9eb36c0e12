#include "common/base/guarded.hpp"
#include "common/base/parallel.hpp"
#include "common/base/threads.hpp"
#include "common/base/ticker.hpp"

#include <catch2/catch_test_macros.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <system_error>

using namespace tinderbox;

namespace {

ErrorKind kind_of(const std::function<void()>& body) {
    Status status = guarded([&]() -> Status {
        body();
        return {};
    });
    REQUIRE(!status.ok());
    CHECK(!status.error().message.empty());
    return status.error().kind;
}

// The exit code of `body` as a program.
int run(const std::function<Result<int>()>& body) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(run_program(body, [](const Error&) {}));
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

} // namespace

TEST_CASE("an exception becomes an error", "[guarded]") {
    CHECK(kind_of([] { throw std::bad_alloc(); }) == ErrorKind::storage);
    CHECK(kind_of([] { throw std::system_error(EAGAIN, std::generic_category()); }) == ErrorKind::storage);
    CHECK(kind_of([] { throw std::runtime_error("x"); }) == ErrorKind::bug);
    CHECK(kind_of([] { throw 1; }) == ErrorKind::bug);
    CHECK(guarded([]() -> Result<int> { return 7; }).value() == 7);
}

TEST_CASE("a program ends with a documented exit code, whatever happens", "[guarded]") {
    CHECK(run([] { return 0; }) == 0);
    CHECK(run([]() -> Result<int> { return make_error(ErrorKind::network, "no network"); }) == 8);
    CHECK(run([]() -> Result<int> { throw std::bad_alloc(); }) == 5);
    CHECK(run([]() -> Result<int> {
              auto promises_none = [](const std::function<void()>& f) noexcept { f(); };
              promises_none([] { throw std::bad_alloc(); });
              return 0;
          }) == 5);
    CHECK(run([]() -> Result<int> {
              int pipe[2];
              if (::pipe(pipe) != 0) return 1;
              ::close(pipe[0]);
              return ::write(pipe[1], "x", 1) < 0 && errno == EPIPE ? 0 : 1;
          }) == 0);
    CHECK(run([]() -> Result<int> {
              rlimit none{0, 0};
              ::setrlimit(RLIMIT_FSIZE, &none);
              std::FILE* file = std::tmpfile();
              return ::write(::fileno(file), "x", 1) < 0 && errno == EFBIG ? 0 : 1;
          }) == 0);
}

TEST_CASE("the first failure of a thread reaches the caller, and the others stop", "[threads]") {
    std::atomic<int> told = 0;
    Threads threads([&] { ++told; });
    for (int i = 0; i < 3; ++i)
        REQUIRE(threads
                    .start([](const std::stop_token& stop) -> Status {
                        while (!stop.stop_requested()) ::usleep(1000);
                        return {};
                    })
                    .ok());
    REQUIRE(threads.start([](const std::stop_token&) -> Status { throw std::bad_alloc(); }).ok());
    Status status = threads.join();
    REQUIRE(!status.ok());
    CHECK(status.error().kind == ErrorKind::storage);
    CHECK(told == 1);
    CHECK(threads.join().ok());
}

TEST_CASE("parallel_for returns what an index throws", "[threads]") {
    for (unsigned threads : {1u, 4u}) {
        std::atomic<int> done = 0;
        Status status = parallel_for(1000, threads, [&](std::size_t i) -> Status {
            if (i == 10) throw std::bad_alloc();
            ++done;
            return {};
        });
        CAPTURE(threads);
        REQUIRE(!status.ok());
        CHECK(status.error().kind == ErrorKind::storage);
        CHECK(done < 1000);
    }
}

TEST_CASE("a tick that throws ends the ticking only", "[threads]") {
    std::atomic<int> ticks = 0;
    Ticker ticker(
        [&] {
            ++ticks;
            throw std::bad_alloc();
        },
        std::chrono::milliseconds(1), std::chrono::milliseconds(1));
    while (ticks == 0) ::usleep(1000);
    ::usleep(20'000);
    CHECK(ticks == 1);
}
