#include "common/base/process.hpp"
#include "generator/archive/file_source.hpp"
#include "generator/archive/tar.hpp"
#include "tests/unit/check_contains.hpp"

#include <catch2/catch_test_macros.hpp>

#include <zstd.h>

#include <map>

using namespace tinderbox;
using namespace tinderbox::archive;

namespace {

struct Seen {
    TarMember member;
    std::string content;
};

struct TarFixture {
    TemporaryDirectory directory = TemporaryDirectory::make().value();
    fs::path path = directory.path() / "x.tar";
    std::vector<std::string> warnings;
    std::map<std::string, Seen> seen;
    TarOptions options;

    Status read(ByteSource& source) {
        seen.clear();
        warnings.clear();
        options.name = "x.tar";
        options.warnings = &warnings;
        return read_tar(source, options, [&](const TarMember& member, ByteSource& content) -> Status {
            TRY_ASSIGN(Bytes bytes, read_all(content, 1u << 30, member.path));
            seen[member.path] = {member, std::string(as_text(bytes))};
            return {};
        });
    }
    Status read() { return read(*open_file_range(path, "x.tar").value()); }
    Status read(const Bytes& bytes) { return read(*make_memory_source(bytes)); }
    std::string error() {
        Status status = read();
        if (status.ok()) return "";
        CHECK(status.error().kind == ErrorKind::usage);
        CHECK(status.error().message.starts_with("x.tar"));
        return status.error().message;
    }
    // `lines`: Python that adds members by add(name, content='', **TarInfo attributes).
    bool tar(const std::string& lines, const std::string& open_arguments = "'w', format=tarfile.PAX_FORMAT") {
        ProcessSpec spec;
        spec.argv = {"python3", "-c",
                     "import sys, tarfile, io\n"
                     "t = tarfile.open(sys.argv[1], " +
                         open_arguments +
                         ")\n"
                         "def add(name, content=b'', **kw):\n"
                         "    i = tarfile.TarInfo(name); i.size = len(content); i.mtime = 1700000000\n"
                         "    for k, v in kw.items(): setattr(i, k, v)\n"
                         "    t.addfile(i, io.BytesIO(content))\n" +
                         lines + "\nt.close()\n",
                     path.string()};
        auto result = run_process(spec);
        if (!result.ok()) return false;
        INFO(result->error_output);
        REQUIRE(result->succeeded());
        return true;
    }
};

const std::string ordinary = R"(
add('./', type=tarfile.DIRTYPE, mode=0o755)
add('./a//b.txt', b'hello', mode=0o755)
add('d', type=tarfile.DIRTYPE, mode=0o750)
add('d', type=tarfile.DIRTYPE, mode=0o750)
add('l', type=tarfile.SYMTYPE, linkname='a/b.txt')
add('h', type=tarfile.LNKTYPE, linkname='./a/b.txt')
add('caf\u00e9/' + 'long' * 40 + '/x', b'z' * 100000)
add('s', b'x', mode=0o4755)
add('a/b.txt', b'hello', mode=0o755)
)";

} // namespace

TEST_CASE_METHOD(TarFixture, "tar: PAX, GNU and ustar, plain and compressed") {
    for (std::string arguments :
         {"'w', format=tarfile.PAX_FORMAT", "'w', format=tarfile.GNU_FORMAT", "'w:bz2'", "'w:gz'"}) {
        INFO(arguments);
        if (!tar(ordinary, arguments)) SKIP("python3 is not here");
        Status status = read();
        if (!status.ok()) FAIL(status.error().message);
        CHECK(seen.size() == 6);
        CHECK(seen["a/b.txt"].content == "hello");
        CHECK(seen["a/b.txt"].member.mode == 0755);
        CHECK(seen["a/b.txt"].member.mtime == 1700000000);
        CHECK(seen["d"].member.kind == format::EntryKind::directory);
        CHECK(seen["d"].member.mode == 0750);
        CHECK(seen["l"].member.kind == format::EntryKind::symlink);
        CHECK(seen["l"].member.link == "a/b.txt");
        CHECK(seen["h"].member.hard_link == "a/b.txt");
        std::string name = "caf\xc3\xa9/";
        for (int i = 0; i < 40; ++i) name += "long";
        CHECK(seen[name + "/x"].content == std::string(100000, 'z'));
        CHECK(seen["s"].member.mode == 0755);
        REQUIRE(warnings.size() == 1);
        CHECK_CONTAINS(warnings[0], "x.tar:s: its setuid");
    }
}

TEST_CASE_METHOD(TarFixture, "tar: zstd, and every truncation is an error") {
    if (!tar(ordinary)) SKIP("python3 is not here");
    Bytes plain = read_bytes(path).value();
    Bytes packed(ZSTD_compressBound(plain.size()));
    packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 3));
    CHECK(read(packed).ok());
    CHECK(seen.size() == 6);
    for (std::size_t n = 0; n < packed.size(); n += 7) {
        INFO(n);
        CHECK(!read(Bytes(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(n))).ok());
    }
    // A plain tar without its end marker is accepted after any member (tarfile accepts it, too), but not within one.
    for (std::size_t n = 1; n < 108000; n += 131) {
        INFO(n);
        if (n % 512 == 0) continue;
        CHECK(!read(Bytes(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(n))).ok());
    }
    for (std::size_t i = 0; i < packed.size(); i += 3) {
        Bytes bad = packed;
        bad[i] ^= std::byte{0x40};
        (void)read(bad);
    }
    for (std::size_t i = 0; i < 5000; i += 3) {
        Bytes bad = plain;
        bad[i] ^= std::byte{0x11};
        (void)read(bad);
    }
}

TEST_CASE_METHOD(TarFixture, "tar: hostile members") {
    struct Case {
        const char *lines, *expected;
    };
    for (const Case& c : {
             Case{"add('/etc/passwd', b'x')", "absolute"},
             Case{"add('a/../../b', b'x')", ".."},
             Case{"add('..', b'x')", ".."},
             Case{"add('a\\nb', b'x')", "control"},
             Case{"add('l', type=tarfile.SYMTYPE, linkname='/etc')", "leaves"},
             Case{"add('l', type=tarfile.SYMTYPE, linkname='../x')", "leaves"},
             Case{"add('d/l', type=tarfile.SYMTYPE, linkname='../x')\nadd('d/l/m', b'1')", "symbolic link"},
             Case{"add('f', b'1')\nadd('f/g', b'1')", "is a file"},
             Case{"add('d/g', b'1')\nadd('d', b'1')", "twice"},
             Case{"add('h', type=tarfile.LNKTYPE, linkname='/etc/passwd')", "absolute"},
             Case{"add('h', type=tarfile.LNKTYPE, linkname='later')\nadd('later', b'1')", "no earlier file"},
             Case{"add('n', type=tarfile.CHRTYPE)", "device"},
             Case{"add('n', type=tarfile.FIFOTYPE)", "device"},
             Case{"add('f', b'one')\nadd('f', b'two')", "twice"},
             Case{"add('f', b'one')\nadd('f', type=tarfile.SYMTYPE, linkname='g')", "twice"},
         }) {
        INFO(c.lines);
        if (!tar(c.lines)) SKIP("python3 is not here");
        CHECK_CONTAINS(error(), c.expected);
    }
}

TEST_CASE_METHOD(TarFixture, "tar: paths cost their components") {
    if (!tar("add('a/b/c/d', b'x')")) SKIP("python3 is not here");
    options.budget.depth = 3;
    CHECK_CONTAINS(error(), "budget (depth)");
    options.budget.depth = 4;
    options.budget.nodes = 3; // the directories count
    CHECK_CONTAINS(error(), "budget (entries)");
    options.budget.nodes = 4;
    CHECK(error().empty());
    CHECK(for_packed(tar_budget, 420).bytes < 300u << 20);
    CHECK(for_packed(tar_budget, 5ull << 30).bytes == tar_budget.bytes);
}

TEST_CASE_METHOD(TarFixture, "tar: absurd sizes and counts, errors of the visitor and of the source") {
    if (!tar("add('a', b'x' * 1000)\nadd('b', b'x' * 1000)")) SKIP("python3 is not here");
    options.budget.bytes = 1999;
    CHECK_CONTAINS(error(), "budget (size)");
    options.budget.bytes = 2000;
    options.budget.nodes = 1;
    CHECK_CONTAINS(error(), "budget (entries)");
    options.budget.nodes = 2;
    CHECK(error().empty());
    auto source = open_file_range(path, "x").value();
    Status status = read_tar(*source, options, [](const TarMember&, ByteSource&) -> Status {
        return make_error(ErrorKind::script, "mine");
    });
    REQUIRE(!status.ok());
    CHECK(status.error().message == "mine");
    struct Failing : ByteSource {
        Result<std::size_t> read(std::span<std::byte>) override { return make_error(ErrorKind::network, "broken"); }
    } failing;
    status = read(failing);
    REQUIRE(!status.ok());
    CHECK(status.error().message == "broken");
    CHECK(!read(Bytes()).ok());
    CHECK(!read(Bytes(2000, std::byte{'<'})).ok());
    CHECK(read(Bytes(10240)).ok()); // a tar without members
    CHECK(seen.empty());
}
