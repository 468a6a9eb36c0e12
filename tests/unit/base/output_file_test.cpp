// What a name stands for stays what it is when it is written.
#include "common/base/output_file.hpp"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <csignal>

using namespace tinderbox;

namespace {

struct OutputBench {
    TemporaryDirectory directory = *TemporaryDirectory::make();
    fs::path at(const char* name) const { return directory.path() / name; }
    void put(const char* name, mode_t mode) const {
        REQUIRE(write_atomically(at(name), std::string_view("old"), mode).ok());
    }
    struct stat of(const char* name) const {
        struct stat st {};
        REQUIRE(::lstat(at(name).c_str(), &st) == 0);
        return st;
    }
    mode_t mode_of(const char* name) const { return of(name).st_mode & 07777; }
    std::string text_of(const char* name) const { return *read_text(at(name)); }
    std::ptrdiff_t count() const {
        return std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator());
    }
};

constexpr std::string_view text = "the new text";

} // namespace

TEST_CASE("a new output file gets its mode from the umask", "[output]") {
    OutputBench bench;
    const mode_t before = ::umask(027);
    CHECK(write_output_file(bench.at("a"), text).ok());
    CHECK(write_output_file(bench.at("key"), text, 0600).ok());
    CHECK(open_for_appending(bench.at("log")).ok());
    ::umask(before);
    CHECK(bench.mode_of("a") == 0640);
    CHECK(bench.mode_of("key") == 0600);
    CHECK(bench.mode_of("log") == 0640);
    CHECK(bench.text_of("a") == text);
    const std::string longest(255, 'n');
    CHECK(write_output_file(bench.at(longest.c_str()), text).ok());
    CHECK(bench.count() == 4);
    CHECK(!write_output_file(bench.at("no/such/directory"), text).ok());
    CHECK(!write_output_file(bench.directory.path(), text).ok());
}

TEST_CASE("a file that must be new is never another one, and never a part of itself", "[output]") {
    OutputBench bench;
    REQUIRE(create_output_file(bench.at("key"), text, 0600).ok());
    CHECK(bench.mode_of("key") == 0600);
    fs::create_symlink("nowhere", bench.at("link"));
    for (const char* name : {"key", "link"}) {
        const Status status = create_output_file(bench.at(name), "another");
        REQUIRE_FALSE(status.ok());
        CHECK(status.error().kind == ErrorKind::usage);
    }
    CHECK(bench.text_of("key") == text);
    CHECK_FALSE(fs::exists(bench.at("nowhere")));

    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const rlimit four_bytes{4, before.rlim_max};
    const auto handler = ::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &four_bytes) == 0);
    const Status status = create_output_file(bench.at("part"), text);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    ::signal(SIGXFSZ, handler);
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().kind == ErrorKind::storage);
    CHECK_FALSE(fs::exists(bench.at("part")));
}

TEST_CASE("an existing file keeps mode and owner, and is replaced at once", "[output]") {
    OutputBench bench;
    bench.put("a", 0606);
    const bool root = ::geteuid() == 0;
    if (root) REQUIRE(::chown(bench.at("a").c_str(), 12345, 54321) == 0);
    const struct stat before = bench.of("a");
    const Fd reader = *open_file(bench.at("a"), O_RDONLY);
    CHECK(write_output_file(bench.at("a"), text).ok());
    CHECK(bench.text_of("a") == text);
    CHECK(bench.mode_of("a") == 0606);
    CHECK(bench.of("a").st_uid == before.st_uid);
    CHECK(bench.of("a").st_gid == before.st_gid);
    char old[3];
    CHECK(::pread(reader.get(), old, 3, 0) == 3);
    CHECK(std::string_view(old, 3) == "old");
    CHECK(bench.count() == 1);
}

TEST_CASE("links are followed and stay", "[output]") {
    OutputBench bench;
    fs::create_directory(bench.at("far"));
    bench.put("far/file", 0600);
    fs::create_symlink("far/file", bench.at("link"));
    fs::create_symlink("link", bench.at("second"));
    fs::create_symlink("far/new", bench.at("dangling"));
    fs::create_symlink("no/new", bench.at("lost"));
    fs::create_symlink("loop", bench.at("loop"));
    CHECK(write_output_file(bench.at("second"), text).ok());
    CHECK(write_output_file(bench.at("dangling"), text).ok());
    CHECK(!write_output_file(bench.at("lost"), text).ok());
    CHECK(!write_output_file(bench.at("loop"), text).ok());
    for (const char* link : {"link", "second", "dangling", "lost", "loop"}) CHECK(fs::is_symlink(bench.at(link)));
    CHECK(bench.text_of("far/file") == text);
    CHECK(bench.mode_of("far/file") == 0600);
    CHECK(bench.text_of("far/new") == text);
    CHECK(bench.count() == 6);
    CHECK(std::distance(fs::directory_iterator(bench.at("far")), fs::directory_iterator()) == 2);
}

TEST_CASE("names and attributes that a rename would lose are kept", "[output]") {
    OutputBench bench;
    bench.put("a", 0644);
    fs::create_hard_link(bench.at("a"), bench.at("b"));
    CHECK(write_output_file(bench.at("a"), text).ok());
    CHECK(bench.text_of("b") == text);
    CHECK(write_output_file(bench.at("b"), std::string_view("x")).ok());
    CHECK(bench.text_of("a") == "x");
    CHECK(bench.of("a").st_ino == bench.of("b").st_ino);
    bench.put("c", 0644);
    if (::setxattr(bench.at("c").c_str(), "user.note", "mine", 4, 0) != 0) SKIP("no attributes on this file system");
    CHECK(write_output_file(bench.at("c"), text).ok());
    char value[8];
    CHECK(::getxattr(bench.at("c").c_str(), "user.note", value, sizeof value) == 4);
    CHECK(bench.text_of("c") == text);
}

TEST_CASE("a pipe is written into, and nobody waits for its reader", "[output]") {
    OutputBench bench;
    REQUIRE(::mkfifo(bench.at("fifo").c_str(), 0600) == 0);
    CHECK(!write_output_file(bench.at("fifo"), text).ok());
    CHECK(!open_for_appending(bench.at("fifo")).ok());
    const Fd reader(::open(bench.at("fifo").c_str(), O_RDONLY | O_NONBLOCK));
    CHECK(write_output_file(bench.at("fifo"), text).ok());
    char buffer[64];
    CHECK(::read(reader.get(), buffer, sizeof buffer) == static_cast<ssize_t>(text.size()));
    CHECK(S_ISFIFO(bench.of("fifo").st_mode));
}

TEST_CASE("a device is written into", "[output]") {
    OutputBench bench;
    if (::mknod(bench.at("null").c_str(), S_IFCHR | 0666, makedev(1, 3)) != 0 ||
        ::mknod(bench.at("full").c_str(), S_IFCHR | 0666, makedev(1, 7)) != 0)
        SKIP("device nodes cannot be made here");
    if (!open_for_appending(bench.at("null")).ok()) SKIP("devices cannot be opened on this file system");
    CHECK(write_output_file(bench.at("null"), text).ok());
    CHECK(write_output_file(bench.at("full"), text).error().kind == ErrorKind::storage);
    fs::create_symlink("null", bench.at("link"));
    CHECK(write_output_file(bench.at("link"), text).ok());
    CHECK(OutputFile::create(bench.at("null"), 0777).error().kind == ErrorKind::usage);
    CHECK(check_output_file(bench.at("link")).error().kind == ErrorKind::usage);
    for (const char* name : {"null", "full"}) CHECK(S_ISCHR(bench.of(name).st_mode));
    CHECK(bench.count() == 3);
}

TEST_CASE("a large file: nothing changes before it is published", "[output]") {
    OutputBench bench;
    bench.put("file", 0604);
    fs::create_symlink("file", bench.at("link"));
    fs::create_symlink("made", bench.at("dangling"));
    for (const char* name : {"link", "dangling", "new"}) {
        (void)*OutputFile::create(bench.at(name), 0777);
        CHECK(bench.count() == 3);
    }
    CHECK(bench.text_of("file") == "old");
    const mode_t before = ::umask(077);
    for (const char* name : {"link", "dangling", "new"}) {
        OutputFile out = *OutputFile::create(bench.at(name), 0777);
        const Fd fd = out.release();
        REQUIRE(write_exact(fd.get(), as_bytes(text), name).ok());
        CHECK(out.publish().ok());
        CHECK(bench.text_of(name) == text);
    }
    ::umask(before);
    CHECK(bench.mode_of("file") == 0604);
    CHECK(bench.mode_of("made") == 0700);
    CHECK(bench.mode_of("new") == 0700);
    CHECK(fs::is_symlink(bench.at("link")));
    CHECK(bench.count() == 5);
    CHECK(!check_output_file(bench.at("no/such")).ok());
    CHECK(check_output_file("relative.run").ok());
}
