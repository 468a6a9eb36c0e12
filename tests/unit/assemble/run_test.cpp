#include "common/format/run_file.hpp"
#include "generator/assemble/run_writer.hpp"
#include "source_dir.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>
#include <zstd.h>

#include <fstream>

using namespace tinderbox;
using namespace tinderbox::assemble;

namespace {

// An image without artifacts: a small block, and a large content in two blocks.
void add_block(Image& image, const Bytes& raw, bool stored) {
    Bytes packed = raw;
    if (!stored) {
        packed.resize(ZSTD_compressBound(raw.size()));
        packed.resize(ZSTD_compress(packed.data(), packed.size(), raw.data(), raw.size(), 3));
    }
    format::Block block;
    block.packed = static_cast<std::uint32_t>(packed.size());
    block.raw = static_cast<std::uint32_t>(raw.size());
    block.stored = stored;
    block.sha256 = sha256(packed);
    image.sources.push_back({memory_input, image.memory.size()});
    image.memory.insert(image.memory.end(), packed.begin(), packed.end());
    image.table.blocks.push_back(block);
}

Image sample_image() {
    Image image;
    Bytes small(1000, std::byte{'a'});
    Bytes large(format::block_raw_size + 5000);
    std::uint32_t random = 1;
    for (auto& b : large) b = static_cast<std::byte>((random = random * 1664525 + 1013904223) >> 24);
    add_block(image, small, false);
    add_block(image, Bytes(large.begin(), large.begin() + format::block_raw_size), false);
    add_block(image, Bytes(large.begin() + format::block_raw_size, large.end()), true);
    image.table.contents = {{.block = 0, .offset = 0, .size = 1000, .sha256 = sha256(small)},
                            {.block = 1, .offset = 0, .size = large.size(), .sha256 = sha256(large)}};
    image.table.destinations = {{.kind = format::EntryKind::directory, .mode = 0755, .path = "lib"},
                                {.path = "lib/large.bin", .content = 1},
                                {.path = "lib/small.txt", .content = 0}};
    image.manifest.name = "sample";
    image.manifest.env_name = "sample";
    image.manifest.platform = "linux-64";
    format::PackageInfo package;
    package.kind = "generated";
    package.name = "sample";
    image.manifest.packages.push_back(package);
    image.licenses = "licence text\n";
    return image;
}

RunParts sample_parts(const Bytes& stub, const Bytes& probe) {
    RunParts parts;
    parts.header_template = *read_text(std::string(TINDERBOX_SOURCE_DIR) + "/templates/header.sh");
    parts.stub = stub;
    parts.probes = {{"cuda_probe_12", ByteView(probe)}};
    return parts;
}

struct Sample {
    TemporaryDirectory directory = *TemporaryDirectory::make();
    fs::path path = directory.path() / "sample.run";
    Sample() {
        Bytes stub(10000, std::byte{'s'}), probe(5000, std::byte{'p'});
        auto written = write_run(sample_image(), {}, sample_parts(stub, probe), path, {});
        INFO((written.ok() ? "" : written.error().message));
        REQUIRE(written.ok());
        REQUIRE(written->size == fs::file_size(path));
        REQUIRE(written->volumes.at(0).sha256 == sha256(*read_bytes(path)));
    }
};

void patch(const fs::path& path, std::uint64_t offset, char xor_with) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    char c = static_cast<char>(file.get() ^ xor_with);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(c);
}

// The error that readers find in the file; "" without one.
std::string problem(const fs::path& path) {
    auto run = format::RunFile::open(path);
    if (!run.ok()) {
        CHECK(run.error().kind == ErrorKind::damaged);
        return run.error().message;
    }
    auto status = run->verify_all(2, {});
    if (!status.ok()) {
        CHECK(status.error().kind == ErrorKind::damaged);
        return status.error().message;
    }
    return "";
}

} // namespace

TEST_CASE("every length of the manifest finds a layout", "[run]") {
    // The manifest holds the size of the padding before it: at 100 and at 1000 bytes that number grows by a digit.
    auto directory = TemporaryDirectory::make();
    REQUIRE(directory.ok());
    const fs::path path = directory->path() / "small.run";
    const Bytes stub(100, std::byte{'s'}), probe(100, std::byte{'p'}), text(100, std::byte{'t'});
    for (std::size_t length = 1; length <= 1300; ++length) {
        CAPTURE(length);
        Image image;
        add_block(image, text, false);
        image.table.contents = {{.block = 0, .offset = 0, .size = text.size(), .sha256 = sha256(text)}};
        image.table.destinations = {{.path = "text", .content = 0}};
        image.manifest.name = std::string(length, 'n');
        image.manifest.env_name = "small";
        image.manifest.platform = "linux-64";
        auto written = write_run(std::move(image), {}, sample_parts(stub, probe), path, {});
        INFO((written.ok() ? "" : written.error().message));
        REQUIRE(written.ok());
        auto run = format::RunFile::open(path);
        INFO((run.ok() ? "" : run.error().message));
        REQUIRE(run.ok());
        REQUIRE(run->manifest().at("name").get<std::string>().size() == length);
    }
}

TEST_CASE("an installer that no target would read is not written", "[run]") {
    auto directory = TemporaryDirectory::make();
    REQUIRE(directory.ok());
    const fs::path path = directory->path() / "deep.run";
    const Bytes stub(100, std::byte{'s'}), probe(100, std::byte{'p'});
    Image image = sample_image();
    std::string deep = "d";
    for (int level = 0; level < 600; ++level) deep += "/d";
    image.table.destinations.push_back({.kind = format::EntryKind::directory, .mode = 0755, .path = deep});
    auto written = write_run(std::move(image), {}, sample_parts(stub, probe), path, {});
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().kind == ErrorKind::usage);
    CHECK_FALSE(fs::exists(path));
}

TEST_CASE("an installer is read as it was written", "[run]") {
    Sample sample;
    auto run = format::RunFile::open(sample.path);
    INFO((run.ok() ? "" : run.error().message));
    REQUIRE(run.ok());
    CHECK(problem(sample.path) == "");
    auto table = run->table();
    REQUIRE(table.ok());
    REQUIRE(table->destinations.size() == 3);
    for (std::size_t i = 1; i < 3; ++i) CHECK(table->blocks[i].offset % format::block_alignment == 0);
    Bytes packed(table->blocks[0].packed), raw(table->blocks[0].raw);
    REQUIRE(run->read_at(packed, table->blocks[0].offset).ok());
    REQUIRE(format::unpack_block(table->blocks[0], packed, raw).ok());
    CHECK(raw == Bytes(1000, std::byte{'a'}));
    auto manifest = format::manifest_from_json(run->manifest());
    REQUIRE(manifest.ok());
    CHECK(manifest->name == "sample");
    // The section list covers the file.
    CHECK(run->sections().front().name == "header");
    CHECK(run->sections().back().name == "footer");
    CHECK(run->section("probe:cuda_probe_12")->size == 5000);
    CHECK(as_text(*run->read_section(*run->section("stub"))).starts_with("sss"));
}

TEST_CASE("two writings of one image give the same bytes", "[run]") {
    Sample a, b;
    CHECK(*read_bytes(a.path) == *read_bytes(b.path));
}

TEST_CASE("a byte flipped anywhere is found and the section named", "[run]") {
    Sample sample;
    auto run = format::RunFile::open(sample.path);
    REQUIRE(run.ok());
    const auto sections = run->sections();
    for (const format::Section& section : sections) {
        if (section.size == 0) continue;
        for (std::uint64_t at :
             {section.offset, section.offset + section.size / 2, section.offset + section.size - 1}) {
            patch(sample.path, at, 1);
            INFO(section.name << " at " << at);
            std::string found = problem(sample.path);
            CHECK(found != "");
            if (section.name == "table") CHECK(found.find("file table") != std::string::npos);
            if (section.name == "stub") CHECK(found.find("stub") != std::string::npos);
            patch(sample.path, at, 1);
        }
    }
    CHECK(problem(sample.path) == "");
}

TEST_CASE("a file that is not the one of the table is found, within one block and over several", "[run]") {
    for (std::size_t content : {0, 1}) {
        auto directory = TemporaryDirectory::make();
        REQUIRE(directory.ok());
        const fs::path path = directory->path() / "other.run";
        const Bytes stub(100, std::byte{'s'}), probe(100, std::byte{'p'});
        Image image = sample_image();
        image.table.contents[content].sha256[0] ^= std::byte{1};
        REQUIRE(write_run(std::move(image), {}, sample_parts(stub, probe), path, {}).ok());
        CHECK(problem(path).find(content == 0 ? "small.txt" : "large.bin") != std::string::npos);
    }
}

TEST_CASE("files share all of their bytes or none", "[run]") {
    auto directory = TemporaryDirectory::make();
    REQUIRE(directory.ok());
    const fs::path path = directory->path() / "overlap.run";
    const Bytes stub(100, std::byte{'s'}), probe(100, std::byte{'p'});
    auto written = [&](format::Content further) {
        Image image = sample_image();
        image.table.contents.push_back(std::move(further));
        REQUIRE(write_run(std::move(image), {}, sample_parts(stub, probe), path, {}).ok());
        return problem(path);
    };
    const Image image = sample_image();
    CHECK(written(image.table.contents[0]) == "");
    CHECK(written(image.table.contents[1]) == "");
    CHECK(written({.block = 0, .offset = 500, .size = 100, .sha256 = sha256(Bytes(100, std::byte{'a'}))}) != "");
    CHECK(written({.block = 2, .offset = 0, .size = 10}) != "");
}

TEST_CASE("a cut copy says how much of it is there", "[run]") {
    Sample sample;
    const std::uint64_t size = fs::file_size(sample.path);
    for (std::uint64_t left = size - 1; left > format::run_header_size; left = left * 9 / 10) {
        fs::resize_file(sample.path, left);
        auto run = format::RunFile::open(sample.path);
        REQUIRE_FALSE(run.ok());
        CHECK(run.error().kind == ErrorKind::damaged);
        CHECK(run.error().message.find(fmt::format("incomplete: {} of {} bytes", left, size)) != std::string::npos);
    }
    for (std::uint64_t left : {16000, 4096, 100, 1, 0}) {
        fs::resize_file(sample.path, left);
        CHECK_FALSE(format::RunFile::open(sample.path).ok());
    }
}

TEST_CASE("a longer file, another file and a newer format are refused", "[run]") {
    Sample sample;
    {
        std::ofstream(sample.path, std::ios::app) << "trailing";
        CHECK(problem(sample.path).find("8 bytes after its end") != std::string::npos);
    }
    std::ofstream(sample.path) << std::string(100000, 'x');
    CHECK(problem(sample.path).find("not a Tinderbox installer") != std::string::npos);

    format::Footer footer;
    footer.version = 7;
    auto read = format::decode_footer(format::encode(footer));
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().message.find("format version 7") != std::string::npos);
}

TEST_CASE("a damaged parcel does not become an installer", "[run]") {
    Image image = sample_image();
    image.table.blocks[1].sha256[0] ^= std::byte{1};
    image.sources[1].input = 0;
    auto directory = *TemporaryDirectory::make();
    REQUIRE(write_atomically(directory.path() / "payload", ByteView(image.memory)).ok());
    std::vector<LinkInput> inputs(1);
    inputs[0].parcel.payload_path = directory.path() / "payload";
    Bytes stub(10, std::byte{'s'}), probe(10, std::byte{'p'});
    auto written = write_run(std::move(image), inputs, sample_parts(stub, probe), directory.path() / "x.run", {});
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().message.find("parcel cache") != std::string::npos);
    // No file remains.
    CHECK_FALSE(fs::exists(directory.path() / "x.run"));
    CHECK(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("every logical byte lies in one volume", "[run][volumes]") {
    for (std::uint64_t total : {1ull, 8191ull, 8192ull, 8193ull, 12288ull, 12289ull, 100000ull}) {
        const format::VolumeLayout layout{total, 8192};
        std::uint64_t sum = 0;
        for (unsigned n = 1; n <= layout.count(); ++n) {
            INFO(total << " volume " << n);
            CHECK(layout.first_byte(n) == sum);
            CHECK(layout.payload(n) > 0);
            CHECK(layout.file_size(n) <= 8192);
            if (n < layout.count()) CHECK(layout.file_size(n) == 8192);
            CHECK(layout.volume_of(layout.first_byte(n)) == n);
            CHECK(layout.volume_of(layout.first_byte(n) + layout.payload(n) - 1) == n);
            sum += layout.payload(n);
        }
        CHECK(sum == total);
    }
    CHECK(format::VolumeLayout{5ull << 30, 0}.count() == 1);
    CHECK(format::VolumeLayout{5ull << 30, 0}.file_size(1) == 5ull << 30);
}

TEST_CASE("a set of volumes reads as the one file", "[run][volumes]") {
    Sample whole;
    Bytes stub(10000, std::byte{'s'}), probe(5000, std::byte{'p'});
    RunParts parts = sample_parts(stub, probe);
    parts.volume_size = 64 << 10;
    const fs::path path = whole.directory.path() / "set.run";
    auto written = write_run(sample_image(), {}, parts, path, {});
    INFO((written.ok() ? "" : written.error().message));
    REQUIRE(written.ok());
    REQUIRE(written->volumes.size() > 50);
    for (const WrittenVolume& volume : written->volumes) {
        CHECK(fs::file_size(volume.path) == volume.size);
        CHECK(volume.size <= parts.volume_size);
        CHECK(sha256(*read_bytes(volume.path)) == volume.sha256);
    }
    CHECK(problem(path) == "");
    auto run = format::RunFile::open(path), one = format::RunFile::open(whole.path);
    REQUIRE((run.ok() && one.ok()));
    CHECK(run->volumes().size() == written->volumes.size());
    // Blocks cross volumes; their contents equal those of the single file.
    auto table = run->table(), table_of_one = one->table();
    REQUIRE((table.ok() && table_of_one.ok()));
    for (std::size_t i = 0; i < table->blocks.size(); ++i) {
        Bytes a(table->blocks[i].packed), b(a.size());
        REQUIRE(run->read_at(a, table->blocks[i].offset).ok());
        REQUIRE(one->read_at(b, table_of_one->blocks[i].offset).ok());
        CHECK(a == b);
    }
    // extent_at() agrees with read_at() at every edge.
    for (std::uint64_t at :
         {std::uint64_t{0}, parts.volume_size - 1, parts.volume_size, parts.volume_size + 1, run->total_size() - 1}) {
        Bytes a(1), b(1);
        REQUIRE(run->read_at(a, at).ok());
        const format::RunFile::Extent extent = run->extent_at(at);
        REQUIRE(extent.contiguous > 0);
        REQUIRE(read_exact_at(extent.fd, b, extent.offset, "volume").ok());
        CHECK(a == b);
    }
    Bytes past(10);
    CHECK_FALSE(run->read_at(past, run->total_size() - 5).ok());

    // Cut each kind of volume at many lengths: the sentence names the volume.
    for (unsigned n : {2u, 30u, static_cast<unsigned>(written->volumes.size())}) {
        const WrittenVolume& volume = written->volumes[n - 1];
        const Bytes bytes = *read_bytes(volume.path);
        for (std::uint64_t left = volume.size - 1;; left = left * 3 / 4) {
            fs::resize_file(volume.path, left);
            CHECK(problem(path).find(volume.path.filename().string() + "' is incomplete") != std::string::npos);
            if (left == 0) break;
        }
        REQUIRE(write_atomically(volume.path, ByteView(bytes)).ok());
    }
    // Every byte of a volume's header is checked, its text as well.
    for (std::uint64_t at = 0; at < format::volume_header_size; at += 97) {
        patch(written->volumes[4].path, at, 1);
        CHECK(problem(path) != "");
        patch(written->volumes[4].path, at, 1);
    }
    CHECK(problem(path) == "");
    // The same installer, built again as one file, replaces the volumes.
    REQUIRE(write_run(sample_image(), {}, sample_parts(stub, probe), path, {}).ok());
    CHECK_FALSE(fs::exists(written->volumes[1].path));
    CHECK(problem(path) == "");
}

TEST_CASE("a volume that is elsewhere is asked for", "[run][volumes]") {
    auto directory = *TemporaryDirectory::make();
    const fs::path path = directory.path() / "set.run", other = directory.path() / "elsewhere";
    Bytes stub(10000, std::byte{'s'}), probe(5000, std::byte{'p'});
    RunParts parts = sample_parts(stub, probe);
    parts.volume_size = 2 << 20;
    auto written = write_run(sample_image(), {}, parts, path, {});
    REQUIRE(written.ok());
    REQUIRE(written->volumes.size() == 3);
    fs::create_directory(other);
    for (unsigned n : {2u, 3u}) fs::rename(written->volumes[n - 1].path, other / format::volume_name("set.run", n));
    CHECK(problem(path).find("set.run.002' is not there") != std::string::npos);
    std::vector<std::string> asked;
    std::vector<fs::path> answers = {directory.path(), "", other};
    auto run = format::RunFile::open(path, [&](const std::string& name, const std::string&) -> std::optional<fs::path> {
        asked.push_back(name);
        return answers.at(asked.size() - 1);
    });
    REQUIRE(run.ok());
    // The third one lies beside the second.
    CHECK(asked == std::vector<std::string>{"set.run.002", "set.run.002", "set.run.002"});
    CHECK(run->verify_all(1, {}).ok());
}
