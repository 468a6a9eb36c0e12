// The passes of a build that need no network.
#include "generator/build/capture.hpp"
#include "generator/build/fetch.hpp"
#include "generator/build/includes.hpp"
#include "generator/build/write.hpp"
#include "tests/unit/check_contains.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::build;

namespace {

// Keeps the messages, one a line.
class RecordingReporter final : public Reporter {
  public:
    void note(std::string_view label, std::string_view text) override {
        said.append(label).append(": ").append(text).append("\n");
    }
    void warning(std::string_view text) override { said.append("warning: ").append(text).append("\n"); }
    void progress(std::string_view, std::uint64_t, std::uint64_t, std::string_view) override {}
    void end_progress() override {}
    std::string said;
};

struct Directory {
    TemporaryDirectory held = std::move(TemporaryDirectory::make()).value();
    std::string write(const std::string& name, std::string_view text) const {
        const fs::path path = held.path() / name;
        REQUIRE(write_atomically(path, text).ok());
        return path.string();
    }
};

std::string lock_with(const std::string& members) {
    return R"({"tinderbox_lock": 1, "name": "lab", "platform": "linux-64", "artifacts": [{"kind": "wheel", "name": "six",
        "version": "1.17.0", "url": "https://h.example/six-1.17.0-py2.py3-none-any.whl",
        "file_name": "six-1.17.0-py2.py3-none-any.whl"}])" +
           members + "}";
}

} // namespace

TEST_CASE("a request without a Python gets conda's", "[build][request]") {
    SilentReporter silent;
    Options options;
    options.pip = {"six==1.17.0"};
    auto requested = read_request(options, silent);
    REQUIRE(requested.ok());
    CHECK(requested->python_is_default);
    REQUIRE(requested->request.conda.size() == 1);
    CHECK(requested->request.conda[0].name == "python");
    CHECK_FALSE(requested->names_gpu());

    options.python = "3.11";
    requested = read_request(options, silent);
    REQUIRE(requested.ok());
    CHECK_FALSE(requested->python_is_default);

    options.python.clear();
    options.python_from = "python3";
    requested = read_request(options, silent);
    REQUIRE(requested.ok());
    CHECK(requested->request.conda.empty());
}

TEST_CASE("lock --pip-only leaves conda's packages out", "[build][request]") {
    SilentReporter silent;
    Options options;
    options.pip = {"six"};
    options.conda = {"python=3.9", "zlib"};
    options.pip_only = true;
    auto requested = read_request(options, silent);
    REQUIRE(requested.ok());
    CHECK(requested->wheel_python == "3.9");
    CHECK(requested->request.conda.empty());
    CHECK(requested->request.ignored.size() == 2);

    options.conda = {"zlib"};
    requested = read_request(options, silent);
    REQUIRE_FALSE(requested.ok());
    CHECK(requested.error().kind == ErrorKind::usage);
}

TEST_CASE("a lock stands for its request", "[build][request]") {
    const Directory directory;
    Options options;
    CHECK(read_request(options, *std::make_unique<SilentReporter>()).error().kind == ErrorKind::usage);

    // A lock names the files that it was made from; a changed one is reported.
    const std::string source = directory.write("requirements.txt", "six\n");
    options.specs = {directory.write("lab.lock", lock_with(R"(, "sources": [{"path": "requirements.txt", "sha256": ")" +
                                                           std::string(64, '0') + "\"}]"))};
    RecordingReporter reporter;
    auto requested = read_request(options, reporter);
    REQUIRE(requested.ok());
    REQUIRE(requested->lock);
    CHECK(requested->lock->name == "lab");
    CHECK(requested->sources.empty());
    CHECK_CONTAINS(reporter.said, "requirements.txt has changed");

    options.specs[0] += "[cuda]";
    CHECK(read_request(options, reporter).error().kind == ErrorKind::usage);

    // A request is recorded with the digest of its text.
    options.specs = {source};
    requested = read_request(options, reporter);
    REQUIRE(requested.ok());
    CHECK_FALSE(requested->lock);
    REQUIRE(requested->sources.size() == 1);
    CHECK(requested->sources[0].path == source);
    CHECK(requested->sources[0].sha256.size() == 64);
}

TEST_CASE("a lock's capture is repeated unless the command line names another", "[build][capture]") {
    std::string python_from, from_prefix;
    capture_again({"python", "/opt/bin/python3", ""}, python_from, from_prefix);
    CHECK(python_from == "/opt/bin/python3");
    CHECK(from_prefix.empty());
    capture_again({"prefix", "/opt/env", ""}, python_from, from_prefix);
    CHECK(from_prefix.empty());

    Options options;
    options.python_from = "python3";
    options.from_prefix = "/opt/env";
    SilentReporter silent;
    CHECK(build::capture(options, {}, silent).error().kind == ErrorKind::usage);
    auto nothing = build::capture({}, {}, silent);
    REQUIRE(nothing.ok());
    CHECK_FALSE(nothing->any());
    CHECK(nothing->bytes() == 0);
}

TEST_CASE("included files are pinned, and checked when a lock names them", "[build][includes]") {
    const Directory directory;
    SilentReporter silent;
    Options options;
    options.specs = {"lab.lock"};
    options.include = {directory.write("notes.txt", "one")};
    Requested requested;
    lock::Lock lock;
    lock.name = "lab";
    REQUIRE(read_includes(options, requested, lock, silent).ok());
    REQUIRE(lock.includes.size() == 1);
    CHECK(lock.includes[0].sha256.size() == 64);
    CHECK(lock.includes[0].size == 3);
    CHECK(lock.request == std::vector<std::string>{"--include " + options.include[0]});

    requested.lock = lock;
    Status again = read_includes(options, requested, lock, silent);
    REQUIRE_FALSE(again.ok()); // a lock names its included files itself
    options.include.clear();
    CHECK(read_includes(options, requested, lock, silent).ok());
    directory.write("notes.txt", "two");
    again = read_includes(options, requested, lock, silent);
    REQUIRE_FALSE(again.ok());
    CHECK(again.error().kind == ErrorKind::usage);
}

TEST_CASE("only installers of the stub's own processor can be made", "[build][write]") {
    lock::Lock lock;
    lock.platform = "linux-64";
    auto own = run_parts(lock);
    lock.platform = "linux-aarch64";
    auto other = run_parts(lock);
    REQUIRE(own.ok() != other.ok());
    CHECK((own.ok() ? other : own).error().kind == ErrorKind::usage);
}

TEST_CASE("the output is named by -o, else by the environment", "[build][link]") {
    lock::Lock lock;
    lock.name = "lab";
    Options options;
    CHECK(output_path(options, lock) == "lab.run");
    options.output = "/tmp/other.run";
    CHECK(output_path(options, lock) == "/tmp/other.run");
}
