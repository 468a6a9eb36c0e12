#include "common/base/parallel.hpp"
#include "common/base/process.hpp"
#include "generator/archive/file_source.hpp"
#include "generator/archive/inflate.hpp"
#include "generator/archive/zip.hpp"
#include "tests/unit/archive/zip_builder.hpp"
#include "tests/unit/check_contains.hpp"

#include <catch2/catch_test_macros.hpp>

#include <nlohmann/json.hpp>

using namespace tinderbox;
using namespace tinderbox::archive;
using namespace tinderbox::test;

namespace {

struct ZipFixture {
    TemporaryDirectory directory = TemporaryDirectory::make().value();
    fs::path path(std::string_view name = "x.zip") const { return directory.path() / name; }
    Result<std::shared_ptr<const ZipReader>> open(ByteView bytes) const {
        REQUIRE(write_atomically(path(), bytes).ok());
        return ZipReader::open(path());
    }
    Result<std::shared_ptr<const ZipReader>> open(const std::vector<test::ZipItem>& items) const {
        return open(test::build_zip(items));
    }
    // The error of opening, or of reading every member in both ways; "" without one.
    std::string error(ByteView bytes) const {
        auto zip = open(bytes);
        if (!zip.ok()) return check(zip.error());
        for (const ZipMember& member : (*zip)->members()) {
            auto whole = (*zip)->read(member);
            auto source = (*zip)->open_member(member);
            if (source.ok()) (void)read_all(**source, 1 << 20, "x");
            if (!whole.ok()) return check(whole.error());
        }
        return "";
    }
    std::string error(const std::vector<test::ZipItem>& items) const { return error(test::build_zip(items)); }
    static std::string check(const Error& error) {
        CHECK(error.kind == ErrorKind::usage);
        CHECK(error.message.starts_with("x.zip:"));
        return error.message;
    }
    std::optional<std::string> python(const std::string& code) const {
        ProcessSpec spec;
        spec.argv = {"python3", "-c", code, path().string()};
        auto result = run_process(spec);
        if (!result.ok()) return std::nullopt;
        INFO(result->error_output);
        REQUIRE(result->succeeded());
        return result->output;
    }
};

std::string content(const ZipReader& zip, std::string_view path) {
    const ZipMember* member = zip.find(path);
    REQUIRE(member);
    auto whole = zip.read(*member);
    REQUIRE(whole.ok());
    auto source = zip.open_member(*member);
    REQUIRE(source.ok());
    auto streamed = read_all(**source, 1u << 30, "x");
    REQUIRE(streamed.ok());
    CHECK(*streamed == *whole);
    return std::string(as_text(*whole));
}

} // namespace

TEST_CASE_METHOD(ZipFixture, "zip: members with kinds, modes and times") {
    auto zip = open({{"./a/b.txt", "hello", 0100755},
                     {"c/", "", 040755},
                     {"d", std::string(100000, 'x'), 0100644, true},
                     {"link", "a/b.txt", 0120777},
                     {"empty", "", 0100644, true}});
    REQUIRE(zip.ok());
    REQUIRE((*zip)->members().size() == 5);
    const ZipMember& first = (*zip)->members()[0];
    CHECK(first.path == "a/b.txt");
    CHECK(first.mode == 0755);
    CHECK(first.regular);
    CHECK(first.mtime == 1770091506); // 2026-02-03 04:05:06 UTC
    CHECK((*zip)->find("c")->kind == format::EntryKind::directory);
    CHECK((*zip)->find("link")->kind == format::EntryKind::symlink);
    CHECK((*zip)->find("nothing") == nullptr);
    CHECK(content(**zip, "a/b.txt") == "hello");
    CHECK(content(**zip, "d") == std::string(100000, 'x'));
    CHECK(content(**zip, "empty").empty());
    auto raw = (*zip)->open_raw(*(*zip)->find("d"));
    REQUIRE(raw.ok());
    CHECK(read_all(**raw, 1 << 20, "x")->size() == (*zip)->find("d")->compressed);
}

TEST_CASE_METHOD(ZipFixture, "zip: the archive without members") {
    auto zip = open(std::vector<test::ZipItem>{});
    REQUIRE(zip.ok());
    CHECK((*zip)->members().empty());
}

TEST_CASE_METHOD(ZipFixture, "zip: names in code page 437 and UTF-8") {
    auto zip = open({{"caf\x82", "1", 0100644, false, 0},
                     {"stra\xc3\x9f"
                      "e",
                      "2"}});
    REQUIRE(zip.ok());
    CHECK((*zip)->find("caf\xc3\xa9"));
    CHECK((*zip)->find("stra\xc3\x9f"
                       "e"));
    CHECK_CONTAINS(error({{"bad\xff", "1"}}), "UTF-8");
}

TEST_CASE_METHOD(ZipFixture, "zip: hostile names") {
    CHECK_CONTAINS(error({{"../x", "1"}}), "..");
    CHECK_CONTAINS(error({{"/etc/passwd", "1"}}), "absolute");
    CHECK_CONTAINS(error({{"a/../../b", "1"}}), "..");
    CHECK_CONTAINS(error({{std::string("a\0b", 3), "1"}}), "control");
    CHECK_CONTAINS(error({{"a\nb", "1"}}), "control");
    CHECK_CONTAINS(error({{std::string(300, 'a'), "1"}}), "255");
    CHECK_CONTAINS(error({{"dev", "", 020644}}), "device");
    CHECK_CONTAINS(error({{"a", "1"}, {"a/b", "1"}}), "both a file and a directory");
    CHECK_CONTAINS(error({{"dir/", "content", 040755}}), "directory cannot have content");
}

TEST_CASE_METHOD(ZipFixture, "zip: one name twice") {
    auto zip = open({{"a", "same"}, {"b", "x"}, {"./a", "same", 0100644, true}});
    REQUIRE(zip.ok());
    CHECK((*zip)->members().size() == 2);
    CHECK_CONTAINS(error({{"a", "one"}, {"a", "two"}}), "twice");
    CHECK_CONTAINS(error({{"a", ""}, {"a/", "", 040755}}), "twice");
}

TEST_CASE_METHOD(ZipFixture, "zip: what is not supported says so") {
    CHECK_CONTAINS(error({{"a", "1", 0100644, false, 1}}), "encrypted");
    CHECK_CONTAINS(error({{"a", "1", 0100644, false, 1 << 6}}), "encrypted");
    test::ZipItem bzip2{"a", "1"};
    bzip2.method = 12;
    CHECK_CONTAINS(error({bzip2}), "method 12 (bzip2)");
}

TEST_CASE_METHOD(ZipFixture, "zip: headers that contradict each other") {
    test::ZipItem item{"a", "hello"};
    item.local_name = "b";
    CHECK_CONTAINS(error({item}), "local header");
    item = {"a", "hello"};
    item.local_crc = 1;
    CHECK_CONTAINS(error({item}), "contradict");
    item.local_crc = 0;
    CHECK_CONTAINS(error({item}), "contradict");
    item.flags |= 1 << 3; // with a data descriptor the local header may have zeros
    CHECK(error({item}).empty());
    item = {"b", "hello"};
    item.local_offset = 0;
    CHECK(!error({{"a", "hello"}, item}).empty());
    item = {"a", "hello"};
    item.local_offset = 0;
    CHECK_CONTAINS(error({{"a", "hello"}, item}), "overlap");
    item.local_offset = 1u << 30;
    CHECK_CONTAINS(error({item}), "outside");
}

TEST_CASE_METHOD(ZipFixture, "zip: damaged contents") {
    test::ZipItem item{"a", "hello"};
    item.crc = 1;
    CHECK_CONTAINS(error({item}), "x.zip:a: its CRC-32 does not match");
    item.deflate = true;
    CHECK_CONTAINS(error({item}), "CRC-32");
    item = {"a", "hello", 0100644, true};
    item.size = 6;
    CHECK_CONTAINS(error({item}), "too early");
    item.size = 4;
    CHECK_CONTAINS(error({item}), "longer");
    item.size = 4000000000u;
    CHECK_CONTAINS(error({item}), "impossible");
    item = {"a", "hello"};
    item.method = 8;
    CHECK_CONTAINS(error({item}), "damaged");
    item = {"a", "hello"};
    item.size = 6;
    CHECK_CONTAINS(error({item}), "two sizes");
}

TEST_CASE_METHOD(ZipFixture, "zip: bytes in front, behind and between") {
    const Bytes good = test::build_zip({{"a", "hello"}});
    Bytes behind = good;
    behind.push_back(std::byte{1});
    CHECK_CONTAINS(error(behind), "bytes follow");
    Bytes front = good;
    front.insert(front.begin(), 10, std::byte{7});
    CHECK_CONTAINS(error(front), "10 bytes lie in front");
    auto zip = open(test::build_zip({{"a", "hello"}}, "a comment"));
    CHECK(zip.ok());
    CHECK_CONTAINS(error(test::build_zip({{"a", "hello"}}, std::string("PK\5\6") + std::string(18, '\0'))), "two ends");
    const std::string_view page = "<!DOCTYPE html><p>";
    CHECK_CONTAINS(error(Bytes(as_bytes(page).begin(), as_bytes(page).end())), "HTML");
    CHECK_CONTAINS(error(Bytes()), "empty");
    CHECK_CONTAINS(error(Bytes(4, std::byte{0x1f})), "not a zip");
}

TEST_CASE_METHOD(ZipFixture, "zip: every truncation and every flipped byte is survived, truncations are errors") {
    const Bytes good =
        test::build_zip({{"a/b", "hello", 0100644, true}, {"c", std::string(300, 'z'), 0100755, true}, {"d", "1"}});
    for (std::size_t n = 0; n < good.size(); ++n) {
        INFO(n);
        CHECK(!error(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n))).empty());
    }
    for (std::size_t i = 0; i < good.size(); ++i)
        for (unsigned flip : {0x01u, 0x80u, 0xffu}) {
            Bytes bad = good;
            bad[i] ^= static_cast<std::byte>(flip);
            auto zip = open(bad);
            if (zip.ok())
                for (const ZipMember& member : (*zip)->members()) (void)(*zip)->read(member);
        }
}

TEST_CASE_METHOD(ZipFixture, "zip: what zipfile writes, it reads: zip64, streams, large members, many members") {
    auto listing = python(R"(
import sys, zipfile, json, io, random, calendar
path = sys.argv[1]
class Pipe(io.RawIOBase):
    def __init__(self, f): self.f = f
    def writable(self): return True
    def write(self, b): return self.f.write(b)
    def seekable(self): return False
random.seed(1)
big = random.randbytes(4096) * 10240   # 40 MiB: over the limit of whole inflating
out = []
with open(path, 'wb') as f:
    with zipfile.ZipFile(Pipe(f), 'w') as z:
        for i in range(70000 if len(sys.argv) > 2 else 700):
            z.writestr('m/%05d' % i, 'x%d' % i)
        with z.open('forced64', 'w', force_zip64=True) as m: m.write(b'forced')
        info = zipfile.ZipInfo('caf\u00e9/big', (2026, 2, 3, 4, 5, 6)); info.compress_type = zipfile.ZIP_DEFLATED
        z.writestr(info, big)
        info = zipfile.ZipInfo('bigstored'); z.writestr(info, big)
with zipfile.ZipFile(path) as z:
    for i in z.infolist():
        out.append([i.filename, i.file_size, i.CRC, calendar.timegm(i.date_time + (0, 0, 0))])
print(json.dumps(out))
)");
    if (!listing) SKIP("python3 is not here");
    auto zip = ZipReader::open(path());
    if (!zip.ok()) FAIL(zip.error().message);
    auto rows = nlohmann::json::parse(*listing);
    REQUIRE(rows.size() == (*zip)->members().size());
    CHECK(parallel_for(rows.size(), 2, [&](std::size_t i) -> Status {
              const ZipMember& member = (*zip)->members()[i];
              if (member.path != rows[i][0] || member.size != rows[i][1] || member.crc32 != rows[i][2] ||
                  member.mtime != rows[i][3])
                  return make_error(ErrorKind::bug, "{} differs", member.path);
              TRY_ASSIGN(auto source, (*zip)->open_member(member));
              Bytes piece(100000);
              for (std::uint64_t total = 0;;) {
                  TRY_ASSIGN(std::size_t n, source->read(piece));
                  total += n;
                  if (n < piece.size()) return total == member.size ? Status() : make_error(ErrorKind::bug, "size");
              }
          }).ok());
}

TEST_CASE_METHOD(ZipFixture, "zip: a member that the central directory does not list") {
    // The header and data of b lie between the last listed member and the central directory.
    const Bytes two = test::build_zip({{"a", "hello"}, {"b", "hello"}}), one = test::build_zip({{"a", "hello"}});
    const std::size_t hidden = two.size() - 22 - 2 * 47, visible = one.size() - 22 - 47;
    ByteWriter out;
    out.bytes(ByteView(two).first(hidden));
    out.bytes(ByteView(one).subspan(visible, 47));
    ByteWriter end;
    end.bytes(ByteView(one).subspan(one.size() - 22, 16));
    end.u32(static_cast<std::uint32_t>(hidden)), end.u16(0);
    out.bytes(end.data());
    CHECK_CONTAINS(error(out.take()), "does not list");
}

TEST_CASE("zip: streamed inflating is as strict as inflating at once, for every cut") {
    std::string text;
    for (int i = 0; i < 200; ++i) text += "line " + std::to_string(i * 7919) + "\n";
    const Bytes packed = test::deflated(text);
    const std::uint32_t crc = libdeflate_crc32(0, text.data(), text.size());
    for (std::size_t n = 0; n <= packed.size() + 1; ++n) {
        INFO(n);
        Bytes cut = packed;
        cut.resize(n);
        auto source = make_checked_source(make_memory_source(cut), ZipMethod::deflate, text.size(), crc, "x");
        const bool streamed = read_all(*source, 1 << 20, "x").ok();
        CHECK(streamed == (n == packed.size()));
        CHECK(streamed == inflate_whole(cut, text.size(), crc, "x").ok());
    }
}
