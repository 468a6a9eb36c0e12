#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "common/base/version_order.hpp"
#include "generator/archive/file_source.hpp"
#include "generator/elf/elf.hpp"
#include "generator/parcel/file_class.hpp"
#include "generator/parcel/index.hpp"
#include "generator/parcel/key.hpp"
#include "generator/parcel/scan.hpp"
#include "generator/parcel/stream.hpp"
#include "source_dir.hpp"
#include "tests/unit/parcel/memory_artifact.hpp"
#include "tests/unit/parcel/unpack.hpp"

#include <catch2/catch_test_macros.hpp>

#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>

using namespace tinderbox;
using namespace tinderbox::parcel;
using namespace tinderbox::test;

namespace {

std::string noise(std::size_t size, unsigned seed, unsigned mask = 255) {
    std::mt19937 random(seed);
    std::string out(size, 0);
    for (char& c : out) c = static_cast<char>(random() & mask);
    return out;
}

MemoryArtifact variety() {
    MemoryArtifact a;
    for (int i = 0; i < 300; ++i)
        a.add(fmt::format("lib/m{}.py", i), fmt::format("x = {}\n", i % 50) + std::string(i * 37, 'y'));
    a.add("big.bin", noise(9'500'000, 1, 15));
    a.add("exact.bin", noise(8u << 20, 2, 15));
    a.add("copy-of-exact", a.contents.back());
    a.add("same-size", noise(8u << 20, 3, 15));
    a.add("incompressible.so", noise(5'000'000, 4));
    a.add("picture.png", noise(50000, 5));
    a.add("empty", "");
    a.add("also/empty.txt", "");
    a.add("binary", std::string("\0\1\2", 3));
    Entry& link = a.add("link", "");
    link.kind = format::EntryKind::symlink;
    link.link = "lib/m1.py";
    a.add("dir/empty", "").kind = format::EntryKind::directory;
    Entry& script = a.add("bin/run", "#!python\nprint()\n", format::Root::scripts);
    script.shebang = "#!\x01/bin/python";
    script.mode = 0755;
    return a;
}

struct Fixture {
    TemporaryDirectory directory = TemporaryDirectory::make().value();
    int count = 0;
    Result<Parcel> pack_with(const Artifact& a, unsigned threads = 2, Level level = Level::fast) {
        PackOptions options;
        options.threads = threads;
        options.level = level;
        options.source_mtime = 1700000000;
        return pack(a, "key", options, directory.path() / std::to_string(count++));
    }
    Parcel packed(const Artifact& a, unsigned threads = 2, Level level = Level::fast) {
        auto parcel = pack_with(a, threads, level);
        if (!parcel.ok()) FAIL(parcel.error().message);
        return std::move(parcel).value();
    }
    const format::Content& content(const Parcel& parcel, std::string_view path) {
        for (const format::Destination& d : parcel.table.destinations)
            if (d.path == path) return parcel.table.contents.at(d.content);
        FAIL("no " << path);
        std::abort();
    }
    std::string bytes(const Parcel& parcel, std::string_view path) {
        auto out = test::content_bytes(parcel, content(parcel, path));
        if (!out.ok()) FAIL(out.error().message);
        return std::string(as_text(*out));
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "pack: everything comes back, and the index too") {
    const MemoryArtifact a = variety();
    const Parcel parcel = packed(a);
    for (std::size_t i = 0; i < a.list.size(); ++i)
        if (a.list[i].kind == format::EntryKind::file) CHECK((bytes(parcel, a.list[i].path) == a.contents[i]));
    CHECK(parcel.table.destinations.size() == a.list.size());
    CHECK(std::ranges::all_of(parcel.table.destinations, [](const auto& d) { return d.mtime == 1700000000; }));
    CHECK(&content(parcel, "exact.bin") == &content(parcel, "copy-of-exact"));
    CHECK(&content(parcel, "empty") == &content(parcel, "also/empty.txt"));
    CHECK(content(parcel, "empty").size == 0);
    CHECK(format::block_count(parcel.table, content(parcel, "big.bin")) == 3);
    CHECK(format::block_count(parcel.table, content(parcel, "exact.bin")) == 2);
    for (std::uint32_t i = 0; i < 2; ++i)
        CHECK(parcel.table.blocks[content(parcel, "incompressible.so").block + i].stored);
    CHECK(content(parcel, "bin/run").relocs ==
          std::vector<format::Reloc>{{format::RelocKind::shebang, 0, 8, "#!\x01/bin/python", 0}});
    std::uint64_t total = 0;
    for (const format::Block& block : parcel.table.blocks) total += block.packed;
    CHECK(total == parcel.payload_size);
    CHECK(fs::file_size(parcel.payload_path) == total);
    auto opened = open_parcel(parcel.payload_path.parent_path());
    REQUIRE(opened.ok());
    CHECK(opened->table == parcel.table);
    CHECK(opened->metadata == a.meta);
    CHECK(opened->key == "key");
    CHECK(opened->payload_size == total);
}

TEST_CASE_METHOD(Fixture, "pack: the result does not depend on the number of threads") {
    const MemoryArtifact a = variety();
    const Parcel one = packed(a, 1);
    const Bytes payload = read_bytes(one.payload_path).value();
    for (unsigned threads : {2u, 3u, 8u})
        for (int round = 0; round < 3; ++round) {
            const Parcel other = packed(a, threads);
            CHECK(other.table == one.table);
            CHECK((read_bytes(other.payload_path).value() == payload));
        }
}

TEST_CASE_METHOD(Fixture, "pack: nothing, and one empty file") {
    MemoryArtifact a;
    CHECK(packed(a).payload_size == 0);
    a.add("x", "");
    CHECK(packed(a).payload_size == 0);
}

TEST_CASE_METHOD(Fixture, "pack: what the artifact says wrongly") {
    MemoryArtifact a;
    a.add("a.py", "hello").sha256 = std::string(64, '0');
    a.add("b.py", "hello").sha256 = to_hex(sha256(as_bytes("hello")));
    a.add("c.so", noise(2u << 20, 1)).sha256 = std::string(64, 'F');
    const Parcel parcel = packed(a);
    REQUIRE(parcel.mismatches.size() == 2);
    CHECK(parcel.mismatches[0].path == "a.py");
    CHECK(parcel.mismatches[0].found == to_hex(sha256(as_bytes("hello"))));
    CHECK(parcel.mismatches[1].declared == std::string(64, 'f'));
    CHECK(open_parcel(parcel.payload_path.parent_path())->mismatches.size() == 2);
    for (std::size_t size : {3u, 7u}) {
        MemoryArtifact bad;
        bad.add("a.py", "hello").size = size;
        auto result = pack_with(bad);
        REQUIRE(!result.ok());
        CHECK(result.error().message.starts_with("memory:a.py:"));
    }
    MemoryArtifact bad;
    bad.add("a.so", noise(2u << 20, 1)).size += 1;
    CHECK(!pack_with(bad).ok());
    MemoryArtifact failing = variety();
    failing.add("z.py", "FAIL");
    auto result = pack_with(failing);
    REQUIRE(!result.ok());
    CHECK(result.error().message == "the source fails");
}

TEST_CASE("scan: relocations of text, of scripts and of binaries") {
    const std::string prefix = "/old/prefix";
    auto scan = [&](std::string_view text, PrefixMode mode, std::string_view shebang = "") {
        return find_relocations(as_bytes(text), mode, prefix, shebang);
    };
    CHECK(scan("a /old/prefix/x /old/prefix", PrefixMode::none).empty());
    CHECK(
        scan("a /old/prefix/x /old/prefix", PrefixMode::text) ==
        std::vector<format::Reloc>{{format::RelocKind::text, 2, 11, "", 0}, {format::RelocKind::text, 16, 11, "", 0}});
    CHECK(scan("#!/old/prefix/bin/python -E\nx=/old/prefix", PrefixMode::text) ==
          std::vector<format::Reloc>{{format::RelocKind::shebang, 0, 27, "#!\x01/bin/python -E", 0},
                                     {format::RelocKind::text, 30, 11, "", 0}});
    CHECK(scan("#!/old/prefix/bin/python\r\n", PrefixMode::text)[0].text == "#!\x01/bin/python\r");
    CHECK(scan("#!/bin/sh /old/prefix\x01\n", PrefixMode::text)[0].kind == format::RelocKind::text);
    CHECK(scan("#!/bin/sh\n/old/prefix\n", PrefixMode::text)[0].offset == 10);
    CHECK(scan("#!python\n/old/prefix\n", PrefixMode::text, "#!\x01/bin/python").size() == 2);
    const std::string binary = std::string("x/old/prefix/a:/old/prefix/b\0y\0/old/prefix\0end/old/prefix", 57);
    CHECK(scan(binary, PrefixMode::binary) ==
          std::vector<format::Reloc>{{format::RelocKind::cstring, 1, 27, prefix, 0},
                                     {format::RelocKind::cstring, 31, 11, prefix, 0},
                                     {format::RelocKind::cstring, 46, 11, prefix, 0}});
    CHECK(find_relocations({}, PrefixMode::text, prefix, "#!\x01/x").empty());
}

TEST_CASE_METHOD(Fixture, "pack: an old prefix at every byte around a block's edge is found and replaced") {
    const std::string prefix = "/opt/long/placeholder/prefix", target = "/new";
    for (std::size_t edge : {std::size_t{format::block_raw_size}, std::size_t{format::large_content_size}})
        for (std::size_t shift = 0; shift <= prefix.size() + 1;
             shift += shift < 2 || shift + 3 > prefix.size() ? 1 : 9) {
            MemoryArtifact a;
            for (PrefixMode mode : {PrefixMode::text, PrefixMode::binary}) {
                std::string text(edge - shift, 'x');
                text +=
                    prefix + "/lib" + std::string(mode == PrefixMode::binary ? 1 : 0, '\0') + std::string(5000, 'y');
                Entry& e = a.add(mode == PrefixMode::text ? "t" : "b.so", text);
                e.prefix_mode = mode;
                e.placeholder = prefix;
            }
            const Parcel parcel = packed(a);
            for (const char* path : {"t", "b.so"}) {
                const format::Content& c = content(parcel, path);
                REQUIRE(c.relocs.size() == 1);
                CHECK(c.relocs[0].offset == edge - shift);
                CHECK(format::block_count(parcel.table, c) == 1);
                auto relocated = format::apply_relocations(as_bytes(bytes(parcel, path)), c.relocs, target);
                REQUIRE(relocated.ok());
                const std::string_view text = as_text(*relocated);
                CHECK(text.find(prefix) == std::string_view::npos);
                CHECK(text.find("/new/lib") == edge - shift);
            }
        }
}

TEST_CASE_METHOD(Fixture, "pack: a large file that is marked but does not hold the prefix is cut as usual") {
    MemoryArtifact a;
    Entry& e = a.add("lib.so", noise(9u << 20, 1));
    e.prefix_mode = PrefixMode::binary;
    e.placeholder = "/opt/long/placeholder";
    const Parcel parcel = packed(a);
    CHECK(content(parcel, "lib.so").relocs.empty());
    CHECK(format::block_count(parcel.table, content(parcel, "lib.so")) == 3);
    CHECK((bytes(parcel, "lib.so") == a.contents[0]));
}

TEST_CASE("elf: this machine's libraries, as readelf sees them") {
    std::size_t seen = 0;
    for (const char* path : {"/usr/bin/python3", "/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libm.so.6",
                             "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "/bin/ls", "/usr/bin/cmake"}) {
        auto file = read_bytes(path);
        if (!file.ok()) continue;
        ProcessSpec spec;
        spec.argv = {"readelf", "-dVW", path};
        auto readelf = run_process(spec);
        if (!readelf.ok() || !readelf->succeeded()) SKIP("readelf is not here");
        std::vector<std::string> needed;
        std::string soname, glibc;
        for (std::string_view line : split_lines(readelf->output)) {
            auto bracket = [&] {
                return std::string(line.substr(line.find('[') + 1, line.find(']') - line.find('[') - 1));
            };
            if (line.find("(NEEDED)") != std::string_view::npos) needed.push_back(bracket());
            if (line.find("(SONAME)") != std::string_view::npos) soname = bracket();
            auto name = line.find("Name: GLIBC_");
            if (name == std::string_view::npos || line.find("Flags:") == std::string_view::npos ||
                line.find("Version:") == std::string_view::npos)
                continue;
            auto version = std::string(line.substr(name + 12, line.find(' ', name + 12) - name - 12));
            if (version[0] >= '0' && version[0] <= '9' && (glibc.empty() || compare_versions(version, glibc) > 0))
                glibc = version;
        }
        // Definitions have "Rev: … Flags: … Index: … Name:", which the filter on "Version:" leaves out.
        INFO(path);
        auto elf = elf::read_elf(*file);
        REQUIRE(elf);
        ++seen;
        std::vector<std::string> found;
        for (const auto& string : elf->needed) found.push_back(string.value);
        CHECK(found == needed);
        CHECK(elf->soname.value == soname);
        if (!glibc.empty()) CHECK(elf->glibc == glibc);
        for (const auto& string : elf->needed)
            CHECK(as_text(ByteView(*file).subspan(string.offset, string.value.size())) == string.value);
    }
    CHECK(seen > 0);
    CHECK(compare_versions("2.9", "2.17") < 0);
    CHECK(compare_versions("2.17", "2.17") == 0);
    CHECK(compare_versions("2.2.5", "2.2") > 0);
}

TEST_CASE("elf: cut and flipped files never crash it") {
    auto file = read_bytes("/bin/ls");
    if (!file.ok()) SKIP("no /bin/ls");
    for (std::size_t n = 0; n < 5000; n += 13) (void)elf::read_elf(ByteView(*file).first(n));
    for (std::size_t n = 5000; n < file->size(); n += 4999) (void)elf::read_elf(ByteView(*file).first(n));
    std::mt19937 random(1);
    for (int i = 0; i < 3000; ++i) {
        Bytes bad = *file;
        const std::size_t at = i < 1500 ? static_cast<std::size_t>(i) % 700 : random() % bad.size();
        bad[at] = static_cast<std::byte>(random());
        (void)elf::read_elf(bad);
    }
}

TEST_CASE_METHOD(Fixture, "pack: facts of ELF files, small, large, and with tables behind the first block") {
    auto file = read_bytes("/bin/ls");
    if (!file.ok()) SKIP("no /bin/ls");
    const std::string small(as_text(*file));
    std::string large = small + noise(3u << 20, 1);
    // All parts but the header lie 9 MiB later: the offsets of segments are moved.
    std::string late = small.substr(0, 64) + std::string(9u << 20, 'z') + small.substr(64);
    auto u64_at = [&](std::size_t at) -> std::uint64_t {
        return ByteReader(as_bytes(std::string_view(late).substr(at, 8))).u64();
    };
    auto put = [&](std::size_t at, std::uint64_t value) {
        for (int i = 0; i < 8; ++i) late[at + static_cast<std::size_t>(i)] = static_cast<char>(value >> (8 * i));
    };
    const std::uint64_t moved = 9u << 20;
    put(32, u64_at(32) + moved);
    for (std::uint64_t i = 0, at = u64_at(32); i < 13; ++i, at += 56) {
        const bool load0 = u64_at(at + 8) == 0; // the first PT_LOAD begins at the file's start
        put(at + 8, u64_at(at + 8) + moved);
        (void)load0;
    }
    MemoryArtifact a;
    a.add("bin/small", small);
    a.add("bin/large", large);
    a.add("bin/late", late);
    a.add("x.py", "text");
    const Parcel parcel = packed(a);
    REQUIRE(parcel.elf.size() == 3);
    for (const auto& fact : parcel.elf) {
        INFO(fact.path);
        CHECK(fact.needed == parcel.elf[0].needed);
        CHECK(!fact.needed.empty());
        CHECK(fact.glibc == parcel.elf[0].glibc);
        CHECK(!fact.glibc.empty());
        CHECK(fact.machine == parcel.elf[0].machine);
    }
    CHECK(open_parcel(parcel.payload_path.parent_path())->elf.size() == 3);
}

TEST_CASE_METHOD(Fixture, "pack: code for GPUs, small and cut into blocks, is what the opened parcel says") {
    std::string small(as_text(read_bytes(TINDERBOX_SOURCE_DIR "/tests/fuzz/corpus/fatbin/plain.elf").value()));
    const std::string word = "-gencode;arch=compute_75,code=sm_75;-gencode;arch=compute_75,code=compute_75";
    std::string large = small + std::string((8u << 20) - small.size() - 20, '\0') + word + noise(3u << 20, 1);
    large[(8u << 20) - 20 + word.size()] = '\0'; // a block ends within the word
    small += '\0' + word + '\0';
    MemoryArtifact a;
    a.add("bin/small", small);
    a.add("bin/large", large);
    const Parcel parcel = packed(a);
    for (const Parcel& one : {parcel, open_parcel(parcel.payload_path.parent_path()).value()}) {
        REQUIRE(one.elf.size() == 2);
        for (const auto& fact : one.elf) {
            INFO(fact.path);
            REQUIRE(fact.device);
            std::vector<std::string> code, compiled_for;
            for (const auto& [device_code, containers] : fact.device->code) code.push_back(device_code.name());
            for (const elf::DeviceCode& told : fact.device->compiled_for) compiled_for.push_back(told.name());
            CHECK(code == std::vector<std::string>{"compute_75", "sm_75"});
            CHECK(compiled_for == std::vector<std::string>{"compute_75", "sm_75"});
        }
    }
}

TEST_CASE("classes: by name and by content") {
    CHECK(class_by_name("a/b.py") == FileClass::text);
    CHECK(class_by_name("a/__pycache__/b.cpython-311.pyc") == FileClass::bytecode);
    CHECK(class_by_name("lib/libcublasLt.so.12") == FileClass::elf);
    CHECK(class_by_name("x.PNG") == FileClass::compressed);
    CHECK(class_by_name("x-1.dist-info/METADATA") == FileClass::text);
    CHECK(!class_by_name("bin/nvcc"));
    CHECK(!class_by_name("weights.bin"));
    CHECK(class_by_content(as_bytes("#!/bin/sh\n")) == FileClass::text);
    CHECK(class_by_content(as_bytes(std::string_view("\x7f"
                                                     "ELF\0",
                                                     5))) == FileClass::elf);
    CHECK(class_by_content(as_bytes(std::string_view("a\0b", 3))) == FileClass::other);
    CHECK(class_by_content(as_bytes("PK\3\4")) == FileClass::compressed);
}

TEST_CASE("index: every truncation and flipped byte is damage") {
    TemporaryDirectory directory = TemporaryDirectory::make().value();
    MemoryArtifact a;
    a.add("a.py", "hello");
    const fs::path path = directory.path() / "p";
    REQUIRE(pack(a, "key", {}, path).ok());
    CHECK(!pack(a, "key", {}, path).ok()); // exists
    const Bytes good = read_bytes(path / index_name).value();
    auto damaged = [&](const Bytes& bytes) {
        REQUIRE(write_atomically(path / index_name, bytes).ok());
        auto parcel = open_parcel(path);
        return !parcel.ok() && parcel.error().kind == ErrorKind::damaged;
    };
    for (std::size_t n = 0; n < good.size(); n += 5)
        CHECK(damaged(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n))));
    for (std::size_t i = 0; i < good.size(); i += 3) {
        Bytes bad = good;
        bad[i] ^= std::byte{4};
        CHECK(damaged(bad));
    }
    CHECK(!damaged(good));
    REQUIRE(write_atomically(path / payload_name, "shorter or longer").ok());
    CHECK(damaged(good));
}

TEST_CASE("cache: packs once, finds, repairs") {
    TemporaryDirectory directory = TemporaryDirectory::make().value();
    ParcelCache cache(directory.path() / "parcels");
    const std::string key = ParcelKeys(PackOptions()).artifact(ArtifactKind::wheel, std::string(64, 'a'));
    int opened = 0;
    auto open = [&]() -> Result<std::unique_ptr<Artifact>> {
        ++opened;
        auto a = std::make_unique<MemoryArtifact>();
        a->add("a.py", "hello");
        return std::unique_ptr<Artifact>(std::move(a));
    };
    REQUIRE(!cache.find(key)->has_value());
    REQUIRE(cache.get(key, {}, open).ok());
    auto again = cache.get(key, {}, open);
    REQUIRE(again.ok());
    CHECK(opened == 1);
    CHECK(fs::exists(again->payload_path));
    const fs::path entry = again->payload_path.parent_path();
    REQUIRE(write_atomically(entry / index_name, "damaged").ok());
    CHECK(!cache.find(key)->has_value());
    CHECK(!fs::exists(entry));
    REQUIRE(cache.get(key, {}, open).ok());
    CHECK(opened == 2);
    fs::remove(entry / payload_name);
    REQUIRE(cache.get(key, {}, open).ok());
    CHECK(opened == 3);
    // Files that a killed process left behind are ignored.
    fs::remove_all(entry);
    fs::create_directories(fs::path(entry.string() + ".partial"));
    REQUIRE(write_atomically(fs::path(entry.string() + ".partial") / payload_name, "half").ok());
    REQUIRE(cache.get(key, {}, open).ok());
    CHECK(opened == 4);
    // A failed pack leaves no entry.
    auto failing = [&]() -> Result<std::unique_ptr<Artifact>> {
        auto a = std::make_unique<MemoryArtifact>();
        a->add("a.py", "FAIL");
        return std::unique_ptr<Artifact>(std::move(a));
    };
    const std::string other = ParcelKeys(PackOptions()).artifact(ArtifactKind::wheel, "b");
    CHECK(!cache.get(other, {}, failing).ok());
    CHECK(!cache.find(other)->has_value());
}

TEST_CASE("cache: of two processes one packs, both get it") {
    TemporaryDirectory directory = TemporaryDirectory::make().value();
    const std::string key = ParcelKeys(Level::fast, 0).artifact(ArtifactKind::wheel, "a");
    auto files_called = [&](std::string_view name) {
        std::size_t count = 0;
        for (const auto& file : fs::directory_iterator(directory.path()))
            count += file.path().filename().string().starts_with(name) ? 1 : 0;
        return count;
    };
    std::vector<pid_t> children;
    for (int i = 0; i < 3; ++i) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ParcelCache cache(directory.path() / "parcels");
            PackOptions options;
            options.level = Level::fast;
            std::ignore = write_atomically(directory.path() / fmt::format("started-{}", ::getpid()), "");
            auto parcel = cache.get(key, options, [&]() -> Result<std::unique_ptr<Artifact>> {
                // The packing process waits until the others have started.
                while (files_called("started-") < 3) std::this_thread::yield();
                std::ignore = write_atomically(directory.path() / fmt::format("opened-{}", ::getpid()), "");
                auto a = std::make_unique<MemoryArtifact>();
                a->add("a.so", noise(3u << 20, 1));
                return std::unique_ptr<Artifact>(std::move(a));
            });
            ::_exit(parcel.ok() && test::content_bytes(*parcel, parcel->table.contents.at(0)).ok() ? 0 : 1);
        }
        children.push_back(child);
    }
    for (pid_t child : children) {
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    }
    CHECK(files_called("opened-") == 1);
}
