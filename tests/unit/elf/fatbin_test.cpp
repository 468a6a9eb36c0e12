#include "common/base/file.hpp"
#include "generator/elf/fatbin.hpp"
#include "source_dir.hpp"

#include <catch2/catch_test_macros.hpp>

#include <functional>

using namespace tinderbox;
using namespace tinderbox::elf;

namespace {

struct Image {
    std::uint16_t kind = 2;
    std::uint32_t architecture = 80;
    std::uint64_t flags = 0x11;
    std::uint16_t isa_major = 1, isa_minor = 7;
    std::uint64_t payload = 16;
    std::uint32_t header = 64;
};

Bytes entry(const Image& image) {
    ByteWriter out;
    out.u16(image.kind);
    out.u16(0x0101);
    out.u32(image.header);
    out.u64(image.payload);
    out.u32(0);
    out.u32(0);
    out.u16(image.isa_minor);
    out.u16(image.isa_major);
    out.u32(image.architecture);
    out.u64(0);
    out.u64(image.flags);
    out.u64(0);
    out.u64(0);
    Bytes bytes = out.take();
    // Sizes above 1 MiB are only claimed, not built: several copies of 4 GiB may exceed the machine's memory.
    if (image.header < 1u << 20) bytes.resize(std::max<std::size_t>(image.header, 64));
    if (image.payload < 1u << 20) bytes.resize(bytes.size() + image.payload, std::byte{0x50});
    return bytes;
}

Bytes container(const std::vector<Image>& images, std::optional<std::uint64_t> size = {}, std::uint16_t version = 1) {
    ByteWriter body, out;
    for (const Image& image : images) body.bytes(entry(image));
    out.u32(0xBA55ED50);
    out.u16(version);
    out.u16(16);
    out.u64(size.value_or(body.size()));
    out.bytes(body.data());
    return out.take();
}

// An ELF file that consists only of these sections.
Bytes elf_file(const std::vector<std::pair<std::string, Bytes>>& sections) {
    std::string names("\0", 1);
    ByteWriter body, headers;
    body.bytes(as_bytes(std::string(64, '\0')));
    auto header = [&](std::string_view name, std::uint32_t type, std::uint64_t offset, std::uint64_t size) {
        headers.u32(static_cast<std::uint32_t>(names.size()));
        names += std::string(name) + '\0';
        headers.u32(type);
        headers.u64(0);
        headers.u64(0);
        headers.u64(offset);
        headers.u64(size);
        headers.u64(0);
        headers.u64(0);
        headers.u64(0);
    };
    header("", 0, 0, 0);
    for (const auto& [name, bytes] : sections) {
        while (body.size() % 8) body.u8(0);
        header(name, 1, body.size(), bytes.size());
        body.bytes(bytes);
    }
    const std::uint64_t names_at = body.size();
    header(".shstrtab", 3, names_at, names.size() + 10);
    body.bytes(as_bytes(names));
    while (body.size() % 8) body.u8(0);
    ByteWriter head;
    head.bytes(as_bytes(std::string_view("\x7f"
                                         "ELF\2\1\1\0\0\0\0\0\0\0\0\0",
                                         16)));
    head.u16(3);
    head.u16(62);
    head.u32(1);
    head.u64(0);
    head.u64(0);
    head.u64(body.size()); // section headers
    head.u32(0);
    head.u16(64);
    head.u16(56);
    head.u16(0);
    head.u16(64);
    head.u16(static_cast<std::uint16_t>(sections.size() + 2));
    head.u16(static_cast<std::uint16_t>(sections.size() + 1));
    Bytes out = body.take();
    std::ranges::copy(head.data(), out.begin());
    out.insert(out.end(), headers.data().begin(), headers.data().end());
    return out;
}

std::vector<std::string> names(const std::optional<FatbinInfo>& info) {
    std::vector<std::string> out;
    if (info)
        for (const auto& [code, count] : info->code) out.push_back(code.name());
    return out;
}

std::string problem_of(const Bytes& section) {
    auto info = read_fatbins(elf_file({{".nv_fatbin", section}}));
    REQUIRE(info);
    return info->problem;
}

Bytes operator+(Bytes a, const Bytes& b) {
    a.resize((a.size() + 7) / 8 * 8);
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Bytes bytes_of(std::string_view text) { return {as_bytes(text).begin(), as_bytes(text).end()}; }

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("architectures, variants and PTX are read from entries") {
    auto info = read_fatbins(elf_file(
        {{".nv_fatbin",
          container({{2, 80}, {2, 90, 0x100011}, {2, 100, 0x1208011}, {1, 90, 0x2011, 8, 4}, {8, 90, 0x18011}}) +
              container({{2, 80, 0x8011, 1, 8}, {99, 80}})}}));
    REQUIRE(info);
    CHECK(names(info) == Names{"compute_90", "sm_80", "sm_90a", "sm_100f", "lto_90"});
    CHECK(info->containers == 2);
    CHECK(info->entries == 7);
    CHECK(info->problem.empty());
    CHECK_FALSE(info->relocatable);
    CHECK(info->code.begin()->first.isa_major == 8);
    CHECK(info->code.begin()->first.isa_minor == 4);
    CHECK(info->code.at({DeviceCode::Kind::cubin, 80}) == 2);
}

TEST_CASE("what device linking left behind counts only where nothing is loaded") {
    const Bytes left = container({{1, 90, 0x2011, 8, 1}, {2, 60}}), loaded = container({{2, 60}});
    CHECK(names(read_fatbins(elf_file({{"__nv_relfatbin", left}, {".nv_fatbin", loaded}}))) == Names{"sm_60"});
    auto alone = read_fatbins(elf_file({{"__nv_relfatbin", left}}));
    CHECK(names(alone) == Names{"compute_90", "sm_60"});
    CHECK(alone->relocatable);
    // A container in another section is loaded by the library itself, or is no fatbin. Without section headers all
    // count.
    auto data = read_fatbins(elf_file({{".nv_fatbin", loaded}, {".data", container({{2, 75}})}}));
    CHECK(names(data) == Names{"sm_60"});
    REQUIRE(data->data.size() == 1);
    CHECK(data->data.begin()->first.name() == "sm_75");
    CHECK(data->containers == 2);
    CHECK(read_fatbins(elf_file({{".data", container({{2, 75}})}}))->code.empty());
    CHECK_FALSE(read_fatbins(elf_file({{".rodata", container({{2, 75}}, ~0ull)}})));
    Bytes stripped = elf_file({{".nv_fatbin", left}});
    std::fill_n(stripped.begin() + 40, 8, std::byte{});
    CHECK(names(read_fatbins(stripped)) == Names{"compute_90", "sm_60"});
    CHECK_FALSE(read_fatbins(container({{2, 80}}))); // no ELF file
    CHECK_FALSE(read_fatbins(elf_file({{".text", Bytes(100)}})));
}

TEST_CASE("an entry's header may be as long as its container") {
    // torch 1.6.0 has one of 11,616 bytes, behind which the compiler keeps its options.
    auto info = read_fatbins(elf_file({{".nv_fatbin", container({{2, 70, 0x11, 1, 7, 16, 11616}, {2, 75}})}}));
    CHECK(names(info) == Names{"sm_70", "sm_75"});
    CHECK(info->problem.empty());
}

TEST_CASE("a fatbin section in which nothing is known is no library without GPU code") {
    Bytes unknown = container({{2, 80}});
    unknown[0] = std::byte{0x01}; // another magic
    auto info = read_fatbins(elf_file({{".nv_fatbin", unknown}}));
    REQUIRE(info);
    CHECK(info->code.empty());
    CHECK_FALSE(info->problem.empty());
    CHECK_FALSE(read_fatbins(elf_file({{".nv_fatbin", Bytes()}, {".text", Bytes(64)}})));
}

TEST_CASE("a hostile or cut fatbin ends in a sentence") {
    CHECK(problem_of(container({{2, 80}}, ~0ull - 8)) ==
          "its fatbin at byte 64 cannot be read: its 18446744073709551607 bytes reach over the end of the file");
    CHECK(problem_of(container({{2, 80, 0x11, 1, 7, ~0ull - 63}})) ==
          "its fatbin at byte 64 cannot be read: entry 1 says that it has 64 + 18446744073709551552 bytes, and only 64 "
          "are left");
    CHECK(problem_of(container({{2, 80, 0x11, 1, 7, 16, 0xffffffff}}, 80))
              .find("entry 1 says that it has 4294967295 + 16 bytes") != std::string::npos);
    CHECK(problem_of(container({{2, 80, 0x11, 1, 7, 16, 0}})).find("the header of entry 1 has 0 bytes") !=
          std::string::npos);
    CHECK(problem_of(container({{2, 80}}, {}, 2)) ==
          "its fatbin at byte 64 cannot be read: its version is 2, and only version 1 is known");
    CHECK(problem_of(container({{2, 80}}, 30)).find("its 30 bytes hold no entry") != std::string::npos);
    CHECK(problem_of(container({{2, 80}}, 100)).find("20 bytes follow its last entry") != std::string::npos);
    // This container ends at the end of the section, not only of the file.
    CHECK(read_fatbins(elf_file({{".nv_fatbin", container({{2, 80}, {2, 90}}, 80)}, {".data", Bytes(4096)}}))
              ->problem.empty());
    Bytes cut = container({{2, 80}, {2, 90}});
    cut.resize(100);
    CHECK(read_fatbins(elf_file({{".nv_fatbin", cut}, {".data", Bytes(4096)}}))
              ->problem.find("the header of entry 2 has 0 bytes") != std::string::npos);
    // Containers after a damaged one are still read.
    auto info =
        read_fatbins(elf_file({{".nv_fatbin", container({{2, 80, 0x11, 1, 7, 16, 8}}) + container({{2, 90}})}}));
    CHECK(names(info) == Names{"sm_90"});
    CHECK(info->problem.find("entry 1") != std::string::npos);
    // Damage in a section without fatbins is ignored.
    CHECK(read_fatbins(elf_file({{".nv_fatbin", container({{2, 80}})}, {".rodata", container({{2, 80}}, ~0ull)}}))
              ->problem.empty());
}

TEST_CASE("a foreign or hostile ELF file: its fatbins count, or nothing does") {
    const Bytes good = elf_file({{".nv_fatbin", container({{2, 80}})}, {".data", Bytes(64)}});
    REQUIRE(names(read_fatbins(good)) == Names{"sm_80"});
    const std::size_t table = good.size() - 4 * 64; // of sections: none, .nv_fatbin, .data, .shstrtab
    auto with = [&](std::size_t at, std::uint64_t value, std::size_t bytes) {
        Bytes file = good;
        for (std::size_t i = 0; i < bytes; ++i) file[at + i] = static_cast<std::byte>(value >> (8 * i));
        return names(read_fatbins(file));
    };
    // Other class, byte order and magic number.
    CHECK(with(4, 1, 1).size() <= 1);
    CHECK(with(5, 2, 1).size() <= 1);
    CHECK(with(1, 'F', 1).empty());
    // Section tables that are absent, that lie on the header or on themselves, that have no rows, rows of size 0 or too
    // many rows; section names from a section without names. A container that no longer lies in .nv_fatbin may count or
    // not.
    const auto plausible = [](const Names& found) { return found.empty() || found == Names{"sm_80"}; };
    for (std::uint64_t offset :
         {std::uint64_t{0}, std::uint64_t{40}, std::uint64_t{good.size()}, ~std::uint64_t{0}, ~std::uint64_t{0} - 63})
        CHECK(plausible(with(40, offset, 8)));
    for (std::uint64_t size : {0, 1, 63, 65535}) CHECK(plausible(with(58, size, 2)));
    for (std::uint64_t count : {0, 1, 10000, 65535}) CHECK(plausible(with(60, count, 2)));
    for (std::uint64_t index : {0, 1, 4, 65535}) CHECK(plausible(with(62, index, 2)));
    // A section whose end overflows, and one that overlaps another.
    CHECK(plausible(with(table + 64 + 24, ~std::uint64_t{0} - 8, 8)));
    CHECK(plausible(with(table + 64 + 32, ~std::uint64_t{0}, 8)));
    CHECK(plausible(with(table + 128 + 24, 64, 8)));
    CHECK(plausible(with(table + 192 + 24, ~std::uint64_t{0}, 8)));
}

TEST_CASE("10,000 entries, 10,000 containers and too many architectures") {
    auto many = read_fatbins(elf_file({{".nv_fatbin", container(std::vector<Image>(10000))}}));
    CHECK(many->entries == 10000);
    CHECK(names(many) == Names{"sm_80"});
    Bytes containers;
    for (int i = 0; i < 10000; ++i)
        containers = std::move(containers) + container({{2, static_cast<std::uint32_t>(50 + i % 70)}});
    auto info = read_fatbins(elf_file({{".nv_fatbin", containers}}));
    CHECK(info->containers == 10000);
    CHECK(info->code.size() == 70);
    std::vector<Image> all;
    for (std::uint32_t i = 0; i < 10000; ++i) all.push_back({2, i});
    CHECK(problem_of(container(all)).find("more architectures than there are") != std::string::npos);
    Bytes different;
    for (std::uint32_t i = 0; i < 5000; ++i) different = std::move(different) + container({{2, i}});
    CHECK(problem_of(different).find("no library has so many different ones") != std::string::npos);
}

TEST_CASE("pieces of any size give the same, and every truncation an answer") {
    const Bytes file =
        elf_file({{".text", Bytes(13)},
                  {".nv_fatbin", container({{2, 80}, {1, 90, 0x2011, 8, 4, 40, 80}}) + container({{2, 90}})}});
    const auto whole = read_fatbins(file);
    REQUIRE(names(whole) == Names{"compute_90", "sm_80", "sm_90"});
    for (std::size_t piece = 1; piece < 200; ++piece) {
        FatbinScanner scanner(file.size());
        for (ByteView rest = file; !rest.empty(); rest = rest.subspan(std::min(piece, rest.size())))
            scanner.feed(rest.first(std::min(piece, rest.size())));
        CHECK(names(scanner.result({})) == names(whole));
    }
    for (std::size_t length = 0; length < file.size(); ++length) (void)read_fatbins(ByteView(file).first(length));
}

TEST_CASE("a framework's own word is read beside its fatbins, and not out of them") {
    const std::string list = "-gencode;arch=compute_37,code=sm_37;-gencode;arch=compute_60,code=sm_60";
    const auto text = [&](const std::string& said) {
        const Bytes file = elf_file({{".rodata", Bytes(3) + container({{2, 35}}, ~0ull)}, // not a whole fatbin
                                     {".nv_fatbin", container({{2, 35}})},
                                     {".data", bytes_of("x" + std::string(1, '\0') + said + '\0')}});
        return read_fatbins(file)->compiled_for;
    };
    CHECK(text(list) == std::vector<DeviceCode>{{DeviceCode::Kind::cubin, 37}, {DeviceCode::Kind::cubin, 60}});
    CHECK(text("sm_37 sm_60").empty());
    // In the payload of a fatbin it is somebody else's.
    Bytes inside = container({{2, 35, 0x11, 1, 7, 200}});
    std::ranges::copy(as_bytes('\0' + list + '\0'), inside.end() - 200);
    CHECK(read_fatbins(elf_file({{".nv_fatbin", inside}}))->compiled_for.empty());
    // Words that look like the begin of a container do not interrupt it, wherever the file is cut.
    for (std::size_t before = 0; before < 8; ++before) {
        Bytes file = elf_file({{".nv_fatbin", container({{2, 35}})}});
        const Bytes end = bytes_of(std::string(before + 1, '\0') + list + '\0'); // is the end of the file, too
        file.insert(file.end(), end.begin(), end.end());
        for (std::size_t piece = 1; piece < 200; ++piece) {
            FatbinScanner scanner(file.size());
            for (ByteView rest = file; !rest.empty(); rest = rest.subspan(std::min(piece, rest.size())))
                scanner.feed(rest.first(std::min(piece, rest.size())));
            CHECK(scanner.result({})->compiled_for.size() == 2);
        }
    }
}

TEST_CASE("what nvcc made") {
    const std::string corpus = TINDERBOX_SOURCE_DIR "/tests/fuzz/corpus/fatbin/";
    auto read = [&](const char* name) { return read_fatbins(read_bytes(corpus + name).value()); };
    CHECK(names(read("zstd.elf")) == Names{"compute_120", "sm_75", "sm_90a", "sm_100f", "sm_120"});
    CHECK(names(read("lz4.elf")) == Names{"compute_80", "sm_80"});
    CHECK(names(read("plain.elf")) == Names{"compute_75", "sm_75"});
    CHECK(read("relocatable.elf")->relocatable);
    CHECK(names(read("both.elf")) == Names{"compute_75", "compute_120", "sm_75", "sm_90a", "sm_100f", "sm_120"});
}
