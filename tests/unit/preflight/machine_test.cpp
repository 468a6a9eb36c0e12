#include "common/machine/libraries.hpp"
#include "runtime/preflight/preflight.hpp"

#include "common/base/bytes.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <array>
#include <cerrno>

using namespace tinderbox;

namespace {

Manifest manifest_for(std::string glibc = "2.28") {
    Manifest m;
    m.name = "demo";
    m.platform = "linux-64";
    m.requires_.glibc = std::move(glibc);
    m.requires_.glibc_because = "bin/python3.11";
    m.install.bytes = 1000000;
    m.install.inodes = 100;
    return m;
}

MachineFacts good_machine() {
    MachineFacts f;
    f.system = "Linux";
    f.processor = "x86_64";
    f.distribution = "Debian GNU/Linux 12 (bookworm)";
    f.glibc = "2.36";
    f.glibc_path = "/lib/x86_64-linux-gnu/libc.so.6";
    return f;
}

const Finding* find(const std::vector<Finding>& findings, std::string_view id) {
    for (const Finding& f : findings)
        if (f.id == id) return &f;
    return nullptr;
}

TargetFacts good_target() {
    TargetFacts f;
    f.prefix = "/opt/demo";
    f.existing = "/opt";
    f.free_bytes = 10'000'000;
    f.free_inodes = 1000;
    return f;
}

TargetNeeds needs() {
    TargetNeeds n;
    n.install = manifest_for().install;
    return n;
}

} // namespace

TEST_CASE("glibc is read from the target's own file") {
    CHECK(glibc_version_in("xxGNU C Library (Debian GLIBC 2.31-13) stable release version 2.31.\nCopyright") == "2.31");
    CHECK(glibc_version_in("GNU C Library (GNU libc) development release version 2.39.9000.\n") == "2.39.9000");
    CHECK(glibc_version_in("GNU C Library") == "");
    CHECK(glibc_version_in("") == "");
    CHECK(glibc_version_in("release version 2.36.") == "");
    // An older one is told by its file's name.
    auto directory = TemporaryDirectory::make().value();
    fs::create_directories(directory.path() / "lib64");
    REQUIRE(write_atomically(directory.path() / "lib64/libc-2.31.so", "not read").ok());
    fs::create_symlink("libc-2.31.so", directory.path() / "lib64/libc.so.6");
    SystemRoot bullseye(directory.path().string());
    CHECK(LibraryIndex(bullseye).glibc().version == "2.31");
    // The machine the tests run on has one, and it is not the one linked into a static program by accident.
    SystemRoot host;
    auto glibc = LibraryIndex(host).glibc();
    CHECK(!glibc.version.empty());
    CHECK(glibc.path.ends_with("libc.so.6"));
}

TEST_CASE("glibc older than needed, unknown, or musl") {
    auto old = good_machine();
    old.glibc = "2.31";
    auto findings = judge_machine(old, manifest_for("2.34"));
    REQUIRE(find(findings, "glibc"));
    CHECK(find(findings, "glibc")->severity == Severity::error);
    CHECK(find(findings, "glibc")->sentence ==
          "the environment needs glibc 2.34 ('bin/python3.11'), this machine has 2.31");
    CHECK(find(findings, "glibc")->advice ==
          "use a newer distribution, or build with --target-glibc 2.31 and a Python made for it (--python-from)");
    CHECK(failure_of(findings) == ErrorKind::machine);

    CHECK(!failure_of(judge_machine(good_machine(), manifest_for("2.36"))));
    CHECK(!failure_of(judge_machine(old, manifest_for("2.4")))); // 2.4 < 2.31: numbers, not text

    auto musl = good_machine();
    musl.glibc.clear();
    musl.glibc_path.clear();
    musl.musl = true;
    CHECK(find(judge_machine(musl, manifest_for()), "glibc")->sentence ==
          "the environment needs glibc 2.28 ('bin/python3.11'), this system has musl instead");
    musl.musl = false;
    CHECK(failure_of(judge_machine(musl, manifest_for())) == ErrorKind::machine);
    musl.glibc_path = "/lib/libc.so.6";
    CHECK(find(judge_machine(musl, manifest_for()), "glibc")->severity == Severity::warning);
}

TEST_CASE("another processor or system") {
    auto arm = good_machine();
    arm.processor = "aarch64";
    auto findings = judge_machine(arm, manifest_for());
    CHECK(find(findings, "cpu")->sentence == "this installer is for x86_64 processors, this machine has aarch64");
    auto bsd = good_machine();
    bsd.system = "FreeBSD";
    CHECK(find(judge_machine(bsd, manifest_for()), "os")->sentence ==
          "this installer is for Linux, this machine runs FreeBSD");
}

TEST_CASE("shared libraries outside the prefix") {
    auto facts = good_machine();
    facts.libraries = {{"libtk8.6.so", ""}, {"libexpat.so.1", ""}, {"libz.so.1", "/lib/libz.so.1"}};
    auto findings = judge_machine(facts, manifest_for());
    std::vector<const Finding*> missing;
    for (const Finding& f : findings)
        if (f.id == "library") missing.push_back(&f);
    REQUIRE(missing.size() == 2);
    CHECK(missing[0]->severity == Severity::error);
    CHECK(missing[0]->sentence == "the environment's Python needs libexpat.so.1, which this machine lacks");
    CHECK(missing[0]->advice == "install it (Debian, Ubuntu: libexpat1; Red Hat: expat)");
    CHECK(missing[1]->severity == Severity::warning);
}

TEST_CASE("the loader's cache and the standard directories") {
    auto directory = TemporaryDirectory::make().value();
    auto write = [&](const std::string& path, std::string_view text) {
        fs::create_directories(directory.path() / fs::path(path).parent_path());
        REQUIRE(write_atomically(directory.path() / path, text).ok());
    };
    write("opt/odd/libodd.so.1", "");
    write("usr/lib64/libplain.so.2", "");
    write("home/me/lib/libplain.so.2", "");
    ByteWriter cache;
    std::string strings = std::string("libodd.so.1") + '\0' + "/opt/odd/libodd.so.1" + '\0' + "libgone.so.1" + '\0' +
                          "/gone/libgone.so.1" + '\0';
    std::string magic = "glibc-ld.so.cache1.1";
    std::uint32_t base = 48 + 2 * 24;
    cache.bytes(as_bytes(magic));
    cache.u32(2);
    cache.u32(static_cast<std::uint32_t>(strings.size()));
    for (int i = 0; i < 5; ++i) cache.u32(0);
    for (auto [key, value] : {std::pair{0u, 12u}, {33u, 46u}}) {
#if defined(__aarch64__)
        cache.u32(0x0a03);
#else
        cache.u32(0x0303);
#endif
        cache.u32(base + key);
        cache.u32(base + value);
        cache.u32(0);
        cache.u64(0);
    }
    cache.bytes(as_bytes(strings));
    write("etc/ld.so.cache", as_text(cache.data()));
    SystemRoot root(directory.path().string());
    LibraryIndex index(root);
    CHECK(index.find("libodd.so.1") == "/opt/odd/libodd.so.1");
    CHECK(index.find("libgone.so.1") == ""); // in the cache, but no longer there
    CHECK(index.find("libplain.so.2") == "/usr/lib64/libplain.so.2");
    CHECK(index.find("libplain.so.2", {"/home/me/lib"}) == "/home/me/lib/libplain.so.2");
    CHECK(index.find("libnone.so.9") == "");
    // Every truncation is an empty cache or a shorter one, never a crash.
    std::string bytes(as_text(cache.data()));
    for (std::size_t n = 0; n < bytes.size(); ++n) parse_ld_cache(std::string_view(bytes).substr(0, n));
    CHECK(parse_ld_cache(bytes).size() == 2);
}

TEST_CASE("the machine's own cache agrees with ldconfig -p") {
    SystemRoot host;
    auto bytes = host.text("/etc/ld.so.cache", 64u << 20);
    if (!bytes) SKIP("no /etc/ld.so.cache here");
    auto entries = parse_ld_cache(*bytes);
    CHECK(!entries.empty());
    for (const auto& [soname, path] : entries) CHECK(path.starts_with("/"));
}

TEST_CASE("CPU levels") {
    CHECK(cpu_level_of("") == 0);
    CHECK(cpu_level_of("flags\t\t: fpu sse2\n") == 1);
    CHECK(cpu_level_of("flags\t\t: cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3\n") == 2);
    CHECK(cpu_level_of("flags\t\t: cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3 avx avx2 bmi1 bmi2 f16c fma abm "
                       "movbe xsave\n") == 3);
}

TEST_CASE("the prefix as people write it") {
    CHECK(*resolve_prefix("~", "/home/me", "/tmp") == "/home/me");
    CHECK(*resolve_prefix("~/env", "/home/me", "/tmp") == "/home/me/env");
    CHECK(*resolve_prefix("env/../x/", "/home/me", "/tmp") == "/tmp/x");
    CHECK(*resolve_prefix("./env", "/home/me", "/tmp") == "/tmp/env");
    CHECK(*resolve_prefix("/a//b/./c", "/home/me", "/tmp") == "/a/b/c");
    CHECK(*resolve_prefix("/with space/ä", "", "/") == "/with space/ä");
    for (auto bad : {"", "~root/x", "/", "/a/..", "a\nb", "~", "/a\"b", "/a:b", "/a\\b"}) {
        auto result = resolve_prefix(bad, "", "/tmp");
        REQUIRE(!result.ok());
        CHECK(result.error().kind == ErrorKind::usage);
    }
}

TEST_CASE("target: room, inodes, quota") {
    CHECK(!failure_of(judge_target(good_target(), needs())));
    auto full = good_target();
    full.free_bytes = 400'000;
    auto findings = judge_target(full, needs());
    CHECK(find(findings, "disk-space")->sentence == "1.00 MB are needed in '/opt', 400 kB are free");
    CHECK(failure_of(findings) == ErrorKind::storage);
    auto staged = full;
    staged.staged_bytes = 800'000; // an interrupted run's files count
    CHECK(!failure_of(judge_target(staged, needs())));

    auto inodes = good_target();
    inodes.free_inodes = 99;
    CHECK(find(judge_target(inodes, needs()), "inodes")->sentence == "100 files are needed in '/opt', room is for 99");
    inodes.free_inodes.reset();
    CHECK(!failure_of(judge_target(inodes, needs())));
    CHECK(find(judge_target(inodes, needs()), "inodes-unknown")->severity == Severity::note);

    auto quota = good_target();
    quota.quota_bytes = 10;
    quota.quota_inodes = 10;
    findings = judge_target(quota, needs());
    CHECK(find(findings, "quota"));
    CHECK(find(findings, "quota-inodes"));
    CHECK(!find(findings, "disk-space"));
}

TEST_CASE("target: what is there already, and the file system") {
    auto with = [](auto change) {
        TargetFacts f = good_target();
        change(f);
        return f;
    };
    auto failing = [](const TargetFacts& f, std::string_view id, TargetNeeds n = needs()) {
        auto findings = judge_target(f, n);
        const Finding* found = find(findings, id);
        return found && found->severity == Severity::error && failure_of(findings) == found->kind;
    };
    using K = TargetFacts::Kind;
    CHECK(failing(with([](auto& f) { f.kind = K::directory; }), "prefix-exists"));
    CHECK(!failure_of(judge_target(with([](auto& f) { f.kind = K::empty_directory; }), needs())));
    CHECK(failing(with([](auto& f) { f.kind = K::conda; }), "prefix-exists"));
    CHECK(failing(with([](auto& f) { f.kind = K::ours; }), "prefix-exists"));
    auto again = needs();
    again.resumes = true;
    CHECK(!failure_of(judge_target(with([](auto& f) { f.kind = K::ours; }), again)));
    CHECK(failing(with([](auto& f) { f.kind = K::file; }), "prefix-is-file"));
    auto allowed = needs();
    allowed.allow_existing = true;
    CHECK(!failing(with([](auto& f) { f.kind = K::directory; }), "prefix-exists", allowed));
    CHECK(failing(with([](auto& f) { f.kind = K::file; }), "prefix-is-file", allowed));
    CHECK(failing(with([](auto& f) { f.read_only = true; }), "read-only"));
    CHECK(failing(with([](auto& f) { f.noexec = true; }), "noexec"));
    CHECK(failing(with([](auto& f) { f.not_a_directory = "/opt/x"; }), "prefix-parent"));
    CHECK(failing(with([](auto& f) {
                      f.writable = false;
                      f.write_errno = EACCES;
                  }),
                  "not-writable"));
    CHECK(find(judge_target(with([](auto& f) {
                                f.writable = false;
                                f.write_errno = EACCES;
                            }),
                            needs()),
               "not-writable")
              ->sentence == "'/opt' may not be written to: Permission denied");
    CHECK(failing(with([](auto& f) {
                      f.no_symlinks = f.folds_case = true;
                      f.file_system = "exfat";
                  }),
                  "no-symlinks"));
    auto collide = needs();
    int asked = 0;
    collide.names_collide = [&] { return ++asked > 0; };
    CHECK(!failing(good_target(), "case-folding", collide));
    CHECK(asked == 0); // the file table is read only when it matters
    CHECK(failing(with([](auto& f) {
                      f.folds_case = true;
                      f.file_system = "cifs";
                  }),
                  "case-folding", collide));

    auto longest = needs();
    longest.install.longest_prefix = 8;
    longest.install.longest_prefix_because = "bin/x";
    auto findings = judge_target(good_target(), longest);
    CHECK(find(findings, "prefix-too-long")->sentence ==
          "the prefix '/opt/demo' has 9 bytes, and 'bin/x' has room for 8");
    CHECK(failure_of(findings) == ErrorKind::usage);

    auto space = with([](auto& f) { f.prefix = "/opt/a b"; });
    CHECK(find(judge_target(space, needs()), "prefix-space")->severity == Severity::note);
}

TEST_CASE("of several findings the lowest of 2, 3 and 5 is the exit code") {
    std::vector<Finding> all = {{"a", Severity::error, ErrorKind::storage, "", ""},
                                {"b", Severity::error, ErrorKind::machine, "", ""},
                                {"c", Severity::warning, ErrorKind::usage, "", ""}};
    CHECK(failure_of(all) == ErrorKind::machine);
    all[2].severity = Severity::error;
    CHECK(failure_of(all) == ErrorKind::usage);
    CHECK(!failure_of({}));
}

TEST_CASE("targets on this machine") {
    auto directory = TemporaryDirectory::make().value();
    const std::string base = directory.path().string();
    auto absent = read_target_facts(base + "/a/b/c");
    CHECK(absent.kind == TargetFacts::Kind::absent);
    CHECK(absent.existing == base);
    CHECK(absent.free_bytes > 0);
    CHECK(absent.writable);
    REQUIRE(write_atomically(directory.path() / "file", "x").ok());
    CHECK(read_target_facts(base + "/file").kind == TargetFacts::Kind::file);
    CHECK(read_target_facts(base + "/file/below").not_a_directory == base + "/file");
    fs::create_directories(directory.path() / "empty");
    CHECK(read_target_facts(base + "/empty").kind == TargetFacts::Kind::empty_directory);
    fs::create_directories(directory.path() / "empty/.tinderbox/stage");
    CHECK(read_target_facts(base + "/empty").kind == TargetFacts::Kind::empty_directory);
    CHECK(read_target_facts(base).kind == TargetFacts::Kind::directory);
    fs::create_directories(directory.path() / "mount/lost+found");
    CHECK(read_target_facts(base + "/mount").kind == TargetFacts::Kind::empty_directory);
    fs::create_directories(directory.path() / "conda/conda-meta");
    CHECK(read_target_facts(base + "/conda").kind == TargetFacts::Kind::conda);
    fs::create_directories(directory.path() / "conda/.tinderbox");
    REQUIRE(write_atomically(directory.path() / "conda/.tinderbox/state", "verified\n").ok());
    CHECK(read_target_facts(base + "/conda").kind == TargetFacts::Kind::ours);
    fs::create_directories(directory.path() / ".new.tinderbox-stage-0123/lib");
    REQUIRE(write_atomically(directory.path() / ".new.tinderbox-stage-0123/lib/x", std::string(100'000, 'x')).ok());
    auto resumed = read_target_facts(base + "/new");
    CHECK(resumed.staged_inodes == 2);
    CHECK(resumed.staged_bytes >= 100'000);
    fs::create_symlink("/nowhere/at/all", directory.path() / "dangling");
    CHECK(read_target_facts(base + "/dangling").kind == TargetFacts::Kind::file);
    auto proc = read_target_facts("/proc/nothing/here");
    CHECK((!proc.writable || ::geteuid() == 0));
}

TEST_CASE("all findings at once, on this machine, under a fake root") {
    auto root = TemporaryDirectory::make().value();
    Manifest m = manifest_for("99.0");
    m.requires_.cuda_major = 12;
    m.requires_.driver_floor = "525.60.13";
    m.install.bytes = 1ull << 60;
    PreflightOptions options;
    options.prefix = (root.path() / "env").string();
    auto result = run_preflight(m, SystemRoot(root.path().string()), options);
    CHECK(find(result.findings, "glibc")->severity == Severity::error);
    CHECK(find(result.findings, "disk-space")->severity == Severity::error);
    CHECK(failure_of(result.findings) == ErrorKind::machine);
    CHECK(result.verdict.outcome == GpuVerdict::Outcome::not_verified);
    auto j = to_json(result);
    CHECK(j["gpu"]["verdict"] == "not verified");
    CHECK(j["findings"].size() == result.findings.size());
}
