// Writes files from a table and its blocks, without the rest of an installation.
#include "tests/unit/make_run.hpp"

#include "runtime/io/extract.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

using namespace tinderbox;
using namespace tinderbox::io;
using namespace tinderbox::test;

namespace {

struct Bench {
    TemporaryDirectory directory = *TemporaryDirectory::make();
    RunBuilder builder;
    fs::path run_path = directory.path() / "sample.run", root = directory.path() / "tree";

    explicit Bench(std::size_t large_blocks = 2, std::size_t small_files = 100) {
        fill_sample(builder, large_blocks, small_files);
    }
    void write() {
        settle_digests(builder, root.string());
        builder.write(run_path);
    }
    // Exact modes need an umask of 0; in an installation runtime/install/install.cpp sets it.
    Result<Extracted> extract(ExtractOptions options = {}) const {
        const mode_t before = ::umask(0);
        auto extracted = extract_into_root(options);
        ::umask(before);
        return extracted;
    }
    std::string difference() const { return tree_difference(root, builder, root.string()); }

  private:
    Result<Extracted> extract_into_root(ExtractOptions& options) const {
        TRY_ASSIGN(format::RunFile run, format::RunFile::open(run_path));
        TRY_ASSIGN(format::Table table, run.table());
        TRY_ASSIGN(WritePlan plan, make_write_plan(table, {"", ""}));
        TRY(make_directories(root));
        TRY_ASSIGN(Fd fd, open_file(root, O_RDONLY | O_DIRECTORY));
        TRY_ASSIGN(Directories directories,
                   Directories::make(std::move(fd), root.string(), plan.directories, options.resume, options.faults));
        options.prefixes = {root.string(), root.string()};
        options.mode_mask = 0777;
        return io::extract(run, table, plan, directories, options);
    }
};

std::string problem(const Result<Extracted>& result) { return result.ok() ? "" : result.error().message; }

class ShortWrites : public Faults {
  public:
    int before(Call, std::string_view) override { return 0; }
    std::size_t shorten(std::size_t size) override { return ++count_ % 3 ? size / 2 + 1 : size; }

  private:
    std::atomic<unsigned> count_ = 0;
};

// From the 50th on: a file that cannot be opened past the page cache is tried again.
class FailOpen : public Faults {
  public:
    int before(Call call, std::string_view) override { return call == Call::open && ++count_ >= 50 ? ENOSPC : 0; }

  private:
    std::atomic<int> count_ = 0;
};

// The share of the file's pages that are in the page cache.
double cached_share(const fs::path& path) {
    const std::size_t size = fs::file_size(path);
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    void* memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    REQUIRE(memory != MAP_FAILED);
    std::vector<unsigned char> pages((size + 4095) / 4096);
    REQUIRE(::mincore(memory, size, pages.data()) == 0);
    ::munmap(memory, size);
    return static_cast<double>(std::ranges::count_if(pages, [](unsigned char p) { return (p & 1) != 0; })) /
           static_cast<double>(pages.size());
}

void drop_from_cache(const fs::path& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(::fsync(fd.get()) == 0);
    REQUIRE(::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED) == 0);
}

} // namespace

TEST_CASE("a file on another device stays in the page cache for who reads it next", "[extract]") {
    Bench bench(6, 10);
    bench.write();
    drop_from_cache(bench.run_path);
    if (cached_share(bench.run_path) > 0.1) SKIP("the temporary directory is memory");
    REQUIRE(bench.extract().ok());
    CHECK(cached_share(bench.run_path) < 0.5);
    REQUIRE(remove_tree(bench.root).ok());

    char memory[] = "/dev/shm/tinderbox-XXXXXX";
    if (!::mkdtemp(memory)) SKIP("there is no /dev/shm");
    bench.root = fs::path(memory) / "tree";
    bench.write();
    drop_from_cache(bench.run_path);
    const auto extracted = bench.extract();
    CHECK(problem(extracted) == "");
    CHECK(bench.difference() == "");
    CHECK(cached_share(bench.run_path) > 0.7);
    REQUIRE(remove_tree(memory).ok());
}

TEST_CASE("every way to the disk gives the same tree", "[extract]") {
    Bench bench(2, 150);
    bench.write();
    struct Way {
        bool no_uring, no_direct;
        unsigned jobs;
    };
    for (Way way : {Way{false, false, 0}, Way{true, false, 2}, Way{false, true, 2}, Way{true, true, 3},
                    Way{false, false, 1}, Way{true, true, 1}, Way{false, false, 16}}) {
        ExtractOptions options;
        options.no_uring = way.no_uring;
        options.no_direct = way.no_direct;
        options.jobs = way.jobs;
        auto result = bench.extract(options);
        INFO(way.no_uring << way.no_direct << way.jobs << " " << problem(result));
        REQUIRE(result.ok());
        CHECK(bench.difference() == "");
        CHECK(result->description.starts_with(way.no_uring ? "pread/pwrite" : result->description));
        REQUIRE(remove_tree(bench.root).ok());
    }
}

TEST_CASE("a file that is not the table's is found where files are compared", "[extract]") {
    auto wrong = [](auto is_wanted, bool check) {
        Bench bench(2, 150);
        auto content = std::ranges::find_if(bench.builder.table.contents, is_wanted);
        REQUIRE(content != bench.builder.table.contents.end());
        content->sha256[0] ^= std::byte{1};
        bench.write();
        ExtractOptions options;
        options.check_contents = check;
        auto result = bench.extract(options);
        return !result.ok() && result.error().kind == ErrorKind::damaged;
    };
    auto small = [](const format::Content& c) { return c.size > 0 && c.size < 1000 && c.relocs.empty(); };
    auto large = [](const format::Content& c) { return c.size > format::block_raw_size && c.relocs.empty(); };
    auto relocated = [](const format::Content& c) { return !c.relocs.empty(); };
    CHECK(wrong(small, true));
    CHECK(wrong(large, true));
    CHECK(wrong(relocated, true));
    CHECK(wrong(relocated, false)); // hashed anyway
    CHECK_FALSE(wrong(small, false));
    Bench bench(2, 150);
    bench.write();
    ExtractOptions options;
    options.check_contents = true;
    CHECK(problem(bench.extract(options)) == "");
}

TEST_CASE("short writes are finished", "[extract]") {
    Bench bench;
    bench.write();
    for (bool no_uring : {false, true}) {
        ShortWrites faults;
        ExtractOptions options;
        options.faults = &faults;
        options.no_uring = no_uring;
        auto result = bench.extract(options);
        INFO(problem(result));
        REQUIRE(result.ok());
        CHECK(bench.difference() == "");
        REQUIRE(remove_tree(bench.root).ok());
    }
}

TEST_CASE("few descriptors are enough", "[extract]") {
    Bench bench;
    bench.write();
    pid_t child = ::fork(); // the hard limit cannot be raised again
    if (child == 0) {
        rlimit limit{64, 64};
        ::setrlimit(RLIMIT_NOFILE, &limit);
        ::_exit(bench.extract().ok() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(bench.difference() == "");
}

TEST_CASE("one content at more destinations than requests fit into the queue", "[extract]") {
    Bench bench(2, 10);
    const Bytes large = noise(format::block_raw_size + 4096, 9);
    const auto shared = bench.builder.content(large);
    for (int i = 0; i < 80; ++i) bench.builder.file(fmt::format("many/{}.bin", i), shared, std::string(as_text(large)));
    bench.write();
    ExtractOptions options;
    options.jobs = 1;
    auto result = bench.extract(options);
    INFO(problem(result));
    REQUIRE(result.ok());
    CHECK(bench.difference() == "");
}

TEST_CASE("a relocated file of more than a block", "[extract]") {
    Bench bench(2, 10);
    std::string body = std::string(9 << 20, 'b'), old = "/old/prefix";
    bench.builder.file("share/big.js",
                       bench.builder.content(text_bytes(body + old + body), {text_reloc(body.size(), old.size())}),
                       body + "\x01" + body);
    bench.write();
    auto result = bench.extract();
    INFO(problem(result));
    REQUIRE(result.ok());
    CHECK(bench.difference() == "");
}

TEST_CASE("a damaged block names its file, a refused file its path", "[extract]") {
    Bench bench;
    bench.write();
    FailOpen faults;
    ExtractOptions options;
    options.faults = &faults;
    auto refused = bench.extract(options);
    REQUIRE(!refused.ok());
    CHECK(refused.error().kind == ErrorKind::storage);
    CHECK(refused.error().message.find(bench.root.string() + "/") != std::string::npos);
    REQUIRE(remove_tree(bench.root).ok());

    const auto table = *format::RunFile::open(bench.run_path)->table();
    {
        std::fstream file(bench.run_path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(table.blocks[0].offset + table.blocks[0].packed / 2));
        file.write("damaged!", 8);
    }
    auto damaged = bench.extract();
    REQUIRE(!damaged.ok());
    CHECK(damaged.error().kind == ErrorKind::damaged);
    CHECK(damaged.error().message.find("block 0 ") != std::string::npos);
}

TEST_CASE("tasks that an earlier run made durable are not read again", "[extract]") {
    Bench bench(3, 100);
    bench.write();
    std::atomic<bool> interrupted = false;
    std::uint64_t recorded = 0;
    ExtractOptions options;
    options.jobs = 2;
    options.journal_after = options.epoch_seconds = 0;
    options.record = [&](std::uint64_t tasks) -> Status {
        CHECK(tasks >= recorded);
        recorded = tasks;
        interrupted = tasks > 0; // the first record comes before the first task
        return {};
    };
    options.interrupted = &interrupted;
    auto first = bench.extract(options);
    REQUIRE(!first.ok());
    CHECK(first.error().kind == ErrorKind::interrupted);
    REQUIRE(recorded > 0);
    interrupted = false;
    options.record = {};
    options.resume = true;
    options.done_tasks = recorded;
    auto second = bench.extract(options);
    INFO(problem(second));
    REQUIRE(second.ok());
    CHECK(bench.difference() == "");
}
