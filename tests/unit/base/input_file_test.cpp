// What may be opened for reading, and texts that are read once.
#include "common/base/input_file.hpp"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <thread>

using namespace tinderbox;

namespace {

struct InputBench {
    TemporaryDirectory directory = *TemporaryDirectory::make();
    fs::path at(const char* name) const { return directory.path() / name; }

    fs::path fifo() const {
        REQUIRE(::mkfifo(at("fifo").c_str(), 0600) == 0);
        return at("fifo");
    }
    fs::path socket() const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, at("socket").c_str(), sizeof address.sun_path - 1);
        Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
        REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        return at("socket");
    }
};

// A pipe that holds `text`, as <(…) hands it over.
struct Pipe {
    Fd read;
    explicit Pipe(std::string_view text) {
        int fds[2];
        REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
        read.reset(fds[0]);
        Fd write(fds[1]);
        REQUIRE(write_exact(write.get(), as_bytes(text), "pipe").ok());
    }
    std::string name(const char* directory = "/dev/fd/") const { return directory + std::to_string(read.get()); }
};

ErrorKind error_kind(const auto& result) {
    REQUIRE(!result.ok());
    return result.error().kind;
}

} // namespace

TEST_CASE("only a regular file is opened for reading, and nothing is waited for", "[input]") {
    InputBench bench;
    const fs::path fifo = bench.fifo();
    fs::create_symlink(fifo, bench.at("link"));
    for (const fs::path& path :
         {fifo, bench.at("link"), bench.socket(), bench.directory.path(), fs::path("/dev/zero")}) {
        CAPTURE(path.string());
        CHECK(error_kind(open_file(path, O_RDONLY)) == ErrorKind::usage);
        CHECK(error_kind(open_file(path, O_RDONLY | O_CLOEXEC)) == ErrorKind::usage);
        CHECK(error_kind(read_text(path)) == ErrorKind::usage);
    }
    CHECK(error_kind(open_file(bench.at("missing"), O_RDONLY)) == ErrorKind::storage);
    CHECK(open_file(bench.directory.path(), O_RDONLY | O_DIRECTORY).ok());
    REQUIRE(write_atomically(bench.at("file"), std::string_view("text")).ok());
    const Fd fd = *open_file(bench.at("file"), O_RDONLY);
    CHECK((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) == 0);
    CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    fs::create_symlink("file", bench.at("other"));
    CHECK(open_file(bench.at("other"), O_RDONLY).ok());
    CHECK(!open_file(bench.at("other"), O_RDONLY | O_NOFOLLOW).ok());
}

TEST_CASE("a size is asked before it is reserved", "[input]") {
    InputBench bench;
    REQUIRE(write_atomically(bench.at("sparse"), std::string_view("x")).ok());
    REQUIRE(::truncate(bench.at("sparse").c_str(), off_t{1} << 42) == 0);
    CHECK(error_kind(read_text(bench.at("sparse"), 100)) == ErrorKind::usage);
    CHECK(error_kind(read_input(bench.at("sparse"), 100)) == ErrorKind::usage);
    REQUIRE(::truncate(bench.at("sparse").c_str(), 100) == 0);
    CHECK(read_input(bench.at("sparse"), 100)->size() == 100);
    CHECK(error_kind(read_input(bench.at("sparse"), 99)) == ErrorKind::usage);
}

TEST_CASE("a pipe gives its bytes to everybody who asks", "[input]") {
    const std::string text(5000, 'a');
    const Pipe pipe(text);
    CHECK(*read_input(pipe.name(), 5000) == text);
    CHECK(*read_input(pipe.name(), 1 << 20) == text);
    CHECK(*read_input(pipe.name("/proc/self/fd/"), 1 << 20) == text);
    CHECK(error_kind(read_input(pipe.name(), 4999)) == ErrorKind::usage);
    const Pipe other("other");
    CHECK(*read_input(other.name(), 100) == "other");
    // Too much at the first time stays an error: the rest is never taken for the whole.
    const Pipe large(text);
    CHECK(error_kind(read_input(large.name(), 100)) == ErrorKind::usage);
    CHECK(error_kind(read_input(large.name(), 1 << 20)) == ErrorKind::usage);
    CHECK(*read_input(Pipe("").name(), 100) == "");
}

TEST_CASE("a FIFO is read like a pipe while somebody writes", "[input]") {
    InputBench bench;
    const fs::path fifo = bench.fifo();
    std::jthread writer([&] {
        const Fd fd(::open(fifo.c_str(), O_WRONLY));
        (void)write_exact(fd.get(), as_bytes("first "), "fifo");
        ::usleep(50'000);
        (void)write_exact(fd.get(), as_bytes("second"), "fifo");
    });
    CHECK(*read_input(fifo, 100) == "first second");
    CHECK(*read_input(fifo, 100) == "first second");
}

TEST_CASE("what is no text of a person's is refused", "[input]") {
    InputBench bench;
    CHECK(error_kind(read_input(bench.socket(), 100)) == ErrorKind::usage);
    CHECK(error_kind(read_input(bench.directory.path(), 100)) == ErrorKind::usage);
    CHECK(error_kind(read_input("/dev/zero", 100)) == ErrorKind::usage);
    CHECK(error_kind(read_input(bench.at("missing"), 100)) == ErrorKind::usage);
    CHECK(*read_input("/dev/null", 100) == "");
}

TEST_CASE("names of streams", "[input]") {
    for (const char* name : {"-", "/dev/stdin", "/dev/fd/0", "/dev/fd/63", "/proc/self/fd/3"}) CHECK(is_stream(name));
    for (const char* name : {"./-", "a-", "/dev/null", "/dev/fdx", "stdin", ""}) CHECK(!is_stream(name));
}
