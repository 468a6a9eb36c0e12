#include "common/base/progress.hpp"
#include "common/base/progress_text.hpp"
#include "common/base/stopwatch.hpp"
#include "common/base/wrap.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

using namespace tinderbox;

namespace {

bool near(double a, double b) { return std::abs(a - b) < 0.02 * b; }

// Ten samples a second of `rate` units a second.
void run(Pace& pace, double& seconds, double& done, double length, double rate) {
    for (int i = 0; i < static_cast<int>(length * 10 + 0.5); ++i) {
        seconds += 0.1;
        done += rate / 10;
        pace.sample(seconds, static_cast<std::uint64_t>(done));
    }
}

Pace steady(double rate, double length = 10) {
    Pace pace;
    double seconds = 0, done = 0;
    pace.sample(0, 0);
    run(pace, seconds, done, length, rate);
    return pace;
}

} // namespace

TEST_CASE("the pace is a moving average", "[progress]") {
    Pace pace;
    CHECK(pace.rate() == 0);
    CHECK_FALSE(pace.seconds_left(100));
    double seconds = 0, done = 0;
    pace.sample(0, 0);
    run(pace, seconds, done, 1, 1e6);
    CHECK(near(pace.rate(), 1e6));
    CHECK(near(*pace.seconds_left(11'000'000), 10));
    // A minute and a half later the first ten seconds tell nothing.
    run(pace, seconds, done, 9, 1e6);
    run(pace, seconds, done, 90, 1e5);
    CHECK(near(pace.rate(), 1e5));
    // A moment without a byte does not double the time left, and a long one ends the guess.
    const double before = pace.rate();
    run(pace, seconds, done, 0.5, 0);
    CHECK(pace.rate() > 0.85 * before);
    run(pace, seconds, done, 200, 0);
    CHECK_FALSE(pace.seconds_left(static_cast<std::uint64_t>(done) + 1'000'000'000'000));
}

TEST_CASE("what was done before the first sample is no speed", "[progress]") {
    Pace pace;
    double seconds = 5, done = 1e9; // an installation that goes on
    pace.sample(seconds, 1'000'000'000);
    run(pace, seconds, done, 2, 1000);
    CHECK(near(pace.rate(), 1000));
    // Threads may tell their numbers in another order.
    const double before = pace.rate();
    pace.sample(seconds + 0.001, 5);
    CHECK(near(pace.rate(), before));
    CHECK(pace.seconds_left(10) == std::nullopt);
}

TEST_CASE("a progress line fits into its terminal", "[progress]") {
    const Pace pace = steady(210'000'000);
    const ProgressState half{"comparing", 2'100'000'000, 5'600'000'000, "B"};
    CHECK(progress_text(half, pace, 199) ==
          "   comparing [=========               ]  37 %  2.10 GB of 5.60 GB   210 MB/s  ETA 17 s");
    CHECK(progress_text(half, pace, 79) == "   comparing [===      ]  37 %  2.10 GB of 5.60 GB   210 MB/s  ETA 17 s");
    CHECK(progress_text(half, pace, 39) == "   comparing  37 %  ETA 17 s");
    // A file: no bar, and no limit.
    CHECK(progress_text(half, pace, 0) == "   comparing  37 %  2.10 GB of 5.60 GB   210 MB/s  ETA 17 s");
    for (std::size_t width = 1; width < 200; ++width)
        for (std::uint64_t done : {0ull, 1ull, 2'100'000'000ull, 5'600'000'000ull, 9'000'000'000ull})
            CHECK(display_width(progress_text({"comparing", done, 5'600'000'000, "B"}, pace, width)) <= width);
}

TEST_CASE("columns stand still while numbers grow", "[progress]") {
    const Pace pace = steady(1000);
    const std::string early = progress_text({"removing", 7, 28'000, "file"}, pace, 79),
                      late = progress_text({"removing", 27'000, 28'000, "file"}, pace, 79);
    CHECK(early == "    removing   0 %      7 of 28000 files   1000 files/s  ETA 18 s");
    CHECK(late == "    removing  96 %  27000 of 28000 files   1000 files/s  ETA 18 s");
    CHECK(early.find(" of ") == late.find(" of "));
    CHECK(early.find("/s") == late.find("/s"));
}

TEST_CASE("one file, two files", "[progress]") {
    CHECK(amount_of(1, "file") == "1 file");
    CHECK(amount_of(2, "file") == "2 files");
    CHECK(amount_of(0, "file") == "0 files");
    CHECK(amount_of(1, "s") == "1 s");
    CHECK(amount_of(1, "B") == "1 B");
    CHECK(progress_text({"bytecode", 0, 1, "file"}, Pace(), 0) == "    bytecode   0 %  0 of 1 file");
    CHECK(progress_text({"solving", 12, 0, "s"}, Pace(), 79) == "     solving 12 s");
    CHECK(progress_text({"reading packages", 1, 0, "package"}, Pace(), 79) == "reading packages 1 package");
}

TEST_CASE("a label of somebody's is shown and cut between characters", "[progress]") {
    const std::string text = progress_text({"building \x1b[31m\xc3\xa4\xc3\xa4\xc3\xa4.tar", 0, 10, "B"}, Pace(), 20);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(display_width(text) <= 20);
    CHECK((text.empty() || static_cast<unsigned char>(text.back()) != 0xc3));
}

TEST_CASE("a counter of several threads ends at its total", "[progress]") {
    std::atomic<int> calls = 0, inside = 0, at_once = 0;
    std::uint64_t last = 0;
    ProgressCounter counter(
        [&](std::uint64_t done, std::uint64_t total) {
            if (++inside > 1) ++at_once;
            ++calls;
            last = done;
            CHECK(done <= total);
            --inside;
        },
        4000);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 999; ++i) counter.add(1);
        });
    for (std::thread& thread : threads) thread.join();
    counter.add(4);
    CHECK(counter.done() == 4000);
    CHECK(last == 4000);
    CHECK(calls >= 2);
    CHECK(at_once == 0);
}

TEST_CASE("laps of one stage are one row", "[progress]") {
    StageTimes times;
    Stopwatch watch(times);
    watch.lap("compare");
    watch.lap("remove");
    watch.skip();
    watch.lap("compare");
    REQUIRE(times.size() == 2);
    CHECK(times[0].first == "compare");
    CHECK(times[1].first == "remove");
    CHECK(total_of(times) >= 0);
}
