#include "common/base/bytes.hpp"
#include "common/base/file.hpp"
#include "common/base/hash_file.hpp"
#include "common/base/member_path.hpp"
#include "common/base/parallel.hpp"
#include "common/base/process.hpp"
#include "common/base/shell_quote.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/base/url.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <cmath>

using namespace tinderbox;

TEST_CASE("integers are little-endian and reading past the end fails once and for all", "[bytes]") {
    ByteWriter out;
    out.u8(1);
    out.u16(0x0203);
    out.u32(0x04050607);
    out.u64(0x08090a0b0c0d0e0f);
    out.i64(-2);
    out.varint(0);
    out.varint(300);
    out.varint(UINT64_MAX);
    out.string("hello");
    CHECK(std::to_integer<int>(out.data()[1]) == 3);
    for (std::size_t size = 0; size <= out.size(); ++size) {
        ByteReader in(ByteView(out.data()).first(size));
        bool right = in.u8() == 1 && in.u16() == 0x0203 && in.u32() == 0x04050607 && in.u64() == 0x08090a0b0c0d0e0f &&
                     in.i64() == -2 && in.varint() == 0 && in.varint() == 300 && in.varint() == UINT64_MAX &&
                     in.string() == "hello";
        CHECK(in.ok() == (size == out.size()));
        CHECK((right && in.ok()) == (size == out.size()));
    }
    ByteReader overlong(as_bytes("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
    overlong.varint();
    CHECK_FALSE(overlong.ok());
}

TEST_CASE("a member's path stays in the prefix or is refused", "[text]") {
    CHECK(*safe_relative_path("./a//b/") == "a/b");
    CHECK(*safe_relative_path("a b/ü") == "a b/ü");
    for (std::string_view bad : {"", ".", "/", "/etc/passwd", "..", "a/../b", "../a", "a/..", "a\nb", "a\x7f"})
        CHECK_FALSE(safe_relative_path(bad).ok());
    CHECK_FALSE(safe_relative_path(std::string_view("a\0b", 3)).ok());
    CHECK_FALSE(safe_relative_path(std::string(256, 'x')).ok());

    CHECK(symlink_stays_inside("bin/python", "python3.11"));
    CHECK(symlink_stays_inside("lib/a/b", "../../bin/x"));
    CHECK_FALSE(symlink_stays_inside("lib/a/b", "../../../x"));
    CHECK_FALSE(symlink_stays_inside("lib/a", "x/../../../y"));
    CHECK_FALSE(symlink_stays_inside("a", "/etc"));
    CHECK_FALSE(symlink_stays_inside("a", ""));
}

TEST_CASE("sizes as people write them", "[text]") {
    CHECK(parse_bytes("4G") == 4ull << 30);
    CHECK(parse_bytes("4 GiB") == 4ull << 30);
    CHECK(parse_bytes("650MB") == 650'000'000);
    CHECK(parse_bytes("700m") == 700ull << 20);
    CHECK(parse_bytes("0") == 0);
    CHECK(parse_bytes("4294967295") == 4294967295);
    CHECK(parse_bytes("12 B") == 12);
    for (const char* bad : {"", "G", "-1", "1.5G", "4 Gb it", "4X", "4Gx", "99999999999999999999", "99999999999T"})
        CHECK_FALSE(parse_bytes(bad));
}

TEST_CASE("text helpers", "[text]") {
    CHECK(split_lines("\xef\xbb\xbf"
                      "a\r\nb\n\nc")
              .size() == 4);
    CHECK(split_lines("\xef\xbb\xbf"
                      "a\r\nb")[0] == "a");
    CHECK(counted(0, "package") == "0 packages");
    CHECK(counted(1, "entry") == "1 entry");
    CHECK(counted(2, "entry") == "2 entries");
    CHECK(format_bytes(999) == "999 B");
    CHECK(format_bytes(1000) == "1.00 kB");
    CHECK(format_bytes(5562000000) == "5.56 GB");
    CHECK(format_bytes(999999) == "1.00 MB");
    CHECK(shell_quote("a b'c") == "'a b'\\''c'");
    CHECK(shell_quote("") == "''");
}

TEST_CASE("paths of URLs are coded and decoded", "[url]") {
    CHECK(percent_decode("a%20b%2") == "a b%2");
    CHECK(percent_encode_path("/a b/ü+c%") == "/a%20b/%C3%BC+c%25");
    CHECK(file_url_to_path("file:///a%20b") == "/a b");
    CHECK(file_url_to_path("FILE://localhost/a?b#c") == "/a");
    CHECK(file_url_to_path("/a%20b") == "/a b");
    CHECK(is_url("HTTPS://h"));
    CHECK_FALSE(is_url("git+https://h"));
    CHECK_FALSE(is_url("a.html?x=http://y"));
}

TEST_CASE("credentials do not survive", "[url]") {
    CHECK(without_credentials("https://user:pw@h.example/x/y.whl#sha256=00") == "https://h.example/x/y.whl#sha256=00");
    CHECK(without_credentials("https://h.example/t/tk-123/chan/linux-64/a.conda") ==
          "https://h.example/chan/linux-64/a.conda");
    CHECK(without_credentials("https://h.example/a.whl?X-Amz-Signature=abc") == "https://h.example/a.whl");
    CHECK(without_credentials("/local/path?x") == "/local/path?x");
    // A URL within a reference does not make the reference a URL.
    CHECK(without_credentials("a.html?x=http://y") == "a.html?x=http://y");
    CHECK(without_credentials("HTTPS://u:p@Host.Example:8443/A?token=1#sha256=00") ==
          "https://host.example:8443/A#sha256=00");
    CHECK(without_credentials("git+ssh://git@h.example/x.git@main") == "git+ssh://h.example/x.git@main");
    CHECK(without_credentials("https://u:p@h.example") == "https://h.example");
    CHECK(without_credentials("https://u:p@h.example?token=1") == "https://h.example");
    CHECK(without_credentials("https://u:p@[::1]:80/t/tk") == "https://[::1]:80/");
}

TEST_CASE("a file is hashed in whole and in part", "[hash]") {
    auto dir = TemporaryDirectory::make().value();
    const fs::path path = dir.path() / "f";
    std::string text;
    for (int i = 0; i < 3'000'000; ++i) text += static_cast<char>(i * 31 + i / 997);
    REQUIRE(write_atomically(path, text).ok());
    std::uint64_t seen = 0;
    FileRead read;
    read.past_cache = true;
    read.progress = [&](std::uint64_t done) { seen = done; };
    auto whole = hash_file(path, read);
    REQUIRE(whole.ok());
    CHECK(whole->sha256 == sha256(as_bytes(text)));
    CHECK(whole->size == text.size());
    CHECK(seen == text.size());
    read.offset = 1000;
    read.size = 1'500'000;
    CHECK(hash_file(path, read)->sha256 == sha256(as_bytes(std::string_view(text).substr(1000, 1'500'000))));
    read.size = 0;
    CHECK(hash_file(path, read)->sha256 == sha256({}));
    read.size = text.size();
    auto beyond = hash_file(path, read);
    REQUIRE_FALSE(beyond.ok());
    CHECK(beyond.error().kind == ErrorKind::storage);
    CHECK_FALSE(hash_file(dir.path() / "missing").ok());
}

TEST_CASE("atomic writing leaves the old content or the new", "[file]") {
    auto dir = *TemporaryDirectory::make();
    auto path = dir.path() / "file";
    REQUIRE(write_atomically(path, std::string_view("one")).ok());
    REQUIRE(write_atomically(path, std::string_view("two"), 0600).ok());
    CHECK(*read_text(path) == "two");
    CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
    CHECK_FALSE(write_atomically(dir.path() / "no" / "file", std::string_view("x")).ok());
    CHECK_FALSE(read_text(dir.path()).ok());
    CHECK_FALSE(read_text(path, 2).ok());
}

TEST_CASE("a lock is held by one", "[file]") {
    auto dir = *TemporaryDirectory::make();
    auto first = FileLock::try_acquire(dir.path() / "lock");
    REQUIRE((first.ok() && first->has_value()));
    CHECK_FALSE(FileLock::try_acquire(dir.path() / "lock")->has_value());
    first->reset();
    CHECK(FileLock::try_acquire(dir.path() / "lock")->has_value());
}

TEST_CASE("a child's output, input, status, signal and time limit", "[process]") {
    ProcessSpec spec;
    spec.argv = {"sh", "-c", "read line; echo \"$line $X\"; echo e >&2; exit 3"};
    spec.input = "hi\n";
    spec.set["X"] = "y";
    auto result = run_process(spec);
    REQUIRE(result.ok());
    CHECK(result->output == "hi y\n");
    CHECK(result->error_output == "e\n");
    CHECK(result->exit_code == 3);

    spec = {};
    spec.argv = {"sh", "-c", "kill -BUS $$"};
    CHECK(run_process(spec)->describe() == "killed by SIGBUS");

    spec.argv = {"sh", "-c", "sleep 30 & sleep 30"};
    spec.timeout_seconds = 0.2;
    CHECK(run_process(spec)->timed_out);

    spec.argv = {"/nonexistent/program"};
    CHECK_FALSE(run_process(spec).ok());
}

TEST_CASE("a process that the child leaves behind is not waited for", "[process]") {
    auto directory = *TemporaryDirectory::make();
    const auto began = std::chrono::steady_clock::now();
    ProcessSpec spec;
    spec.set["OUT"] = (directory.path() / "alive").string();
    spec.argv = {"sh", "-c", "echo before; (sleep 0.5; echo x >\"$OUT\"; sleep 30) & echo after; exit 4"};
    for (const bool end_group : {true, false}) {
        spec.end_group = end_group;
        spec.timeout_seconds = end_group ? 20 : 0;
        auto result = run_process(spec);
        REQUIRE(result.ok());
        CHECK(result->output == "before\nafter\n");
        CHECK(result->exit_code == 4);
        ::usleep(1'000'000);
        CHECK(fs::exists(directory.path() / "alive") != end_group);
    }
    spec.argv = {"sh", "-c", "while :; do echo noise; done & exit 0"}; // it never stops writing
    spec.end_group = true;
    CHECK(run_process(spec)->succeeded());
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(15));
}

TEST_CASE("an answer has a descriptor of its own", "[process]") {
    ProcessSpec spec;
    spec.argv = {"bash", "-c", "printf noise; printf noise >&2; printf answer >&$TINDERBOX_ANSWERS"};
    spec.answers = true;
    auto result = run_process(spec);
    REQUIRE(result.ok());
    CHECK(result->answers == "answer");
    CHECK(result->output == "noise");
    CHECK(result->error_output == "noise");
    spec.argv = {"sh", "-c", "head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero"};
    result = run_process(spec);
    CHECK(result->answers.empty());
    CHECK(result->output.size() == 3000000);
    CHECK(result->error_output.size() == 3000000);
}

TEST_CASE("parallel work stops at the first error", "[parallel]") {
    std::atomic<int> sum = 0;
    CHECK(parallel_for(100, 4, [&](std::size_t i) -> Status {
              sum += static_cast<int>(i);
              return {};
          }).ok());
    CHECK(sum == 4950);
    auto status = parallel_for(100, 2, [&](std::size_t i) -> Status {
        if (i == 7) return make_error(ErrorKind::usage, "seven");
        return {};
    });
    CHECK(status.error().message == "seven");
}
