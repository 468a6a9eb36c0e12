#include "common/machine/libraries.hpp"
#include "runtime/preflight/preflight.hpp"

#include "common/base/bytes.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <array>
#include <cerrno>

using namespace tinderbox;
using namespace tinderbox::preflight;

namespace {

format::Manifest manifest_for(std::string glibc = "2.28") {
    format::Manifest m;
    m.name = "demo";
    m.platform = "linux-64";
    m.requires_.glibc = std::move(glibc);
    m.requires_.glibc_because = "bin/python3.11";
    m.install.bytes = 1000000;
    m.install.inodes = 100;
    return m;
}

machine::MachineFacts good_machine() {
    machine::MachineFacts f;
    f.system = "Linux";
    f.processor = "x86_64";
    f.distribution = "Debian GNU/Linux 12 (bookworm)";
    f.glibc = "2.36";
    f.glibc_path = "/lib/x86_64-linux-gnu/libc.so.6";
    return f;
}

const machine::Finding* find(const std::vector<machine::Finding>& findings, std::string_view id) {
    for (const machine::Finding& f : findings)
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

place::Decision at(std::string prefix) {
    place::Decision decision;
    decision.layout.root = decision.layout.environment = std::move(prefix);
    return decision;
}

std::vector<machine::Finding> judge(const TargetFacts& facts, const place::Decision& decision = at("/opt/demo"),
                                    const NamesCollide& names_collide = {}) {
    return judge_target(facts, decision, manifest_for(), names_collide);
}

} // namespace

TEST_CASE("glibc is read from the target's own file") {
    CHECK(machine::glibc_version_in("xxGNU C Library (Debian GLIBC 2.31-13) stable release version 2.31.\nCopyright") ==
          "2.31");
    CHECK(machine::glibc_version_in("GNU C Library (GNU libc) development release version 2.39.9000.\n") ==
          "2.39.9000");
    CHECK(machine::glibc_version_in("GNU C Library") == "");
    CHECK(machine::glibc_version_in("") == "");
    CHECK(machine::glibc_version_in("release version 2.36.") == "");
    // The file name tells the version of an older one.
    auto directory = TemporaryDirectory::make().value();
    fs::create_directories(directory.path() / "lib64");
    REQUIRE(write_atomically(directory.path() / "lib64/libc-2.31.so", "not read").ok());
    fs::create_symlink("libc-2.31.so", directory.path() / "lib64/libc.so.6");
    machine::SystemRoot bullseye(directory.path().string());
    CHECK(machine::LibraryIndex(bullseye).glibc().version == "2.31");
    // The host has a C library, and it is not the one in this static program.
    machine::SystemRoot host;
    auto glibc = machine::LibraryIndex(host).glibc();
    CHECK(!glibc.version.empty());
    CHECK(glibc.path.ends_with("libc.so.6"));
}

TEST_CASE("glibc older than needed, unknown, or musl") {
    auto old = good_machine();
    old.glibc = "2.31";
    auto findings = machine::judge_machine(old, manifest_for("2.34"));
    REQUIRE(find(findings, "glibc"));
    CHECK(find(findings, "glibc")->severity == machine::Severity::error);
    CHECK(find(findings, "glibc")->sentence ==
          "the environment needs glibc 2.34 ('bin/python3.11'), this machine has 2.31");
    CHECK(find(findings, "glibc")->advice ==
          "use a newer distribution, or build with --target-glibc 2.31 and a Python made for it (--python-from)");
    CHECK(machine::failure_of(findings) == ErrorKind::machine);

    CHECK(!machine::failure_of(machine::judge_machine(good_machine(), manifest_for("2.36"))));
    // compared as numbers: 2.4 is older than 2.31
    CHECK(!machine::failure_of(machine::judge_machine(old, manifest_for("2.4"))));

    auto musl = good_machine();
    musl.glibc.clear();
    musl.glibc_path.clear();
    musl.musl = true;
    CHECK(find(machine::judge_machine(musl, manifest_for()), "glibc")->sentence ==
          "the environment needs glibc 2.28 ('bin/python3.11'), this system has musl instead");
    musl.musl = false;
    CHECK(machine::failure_of(machine::judge_machine(musl, manifest_for())) == ErrorKind::machine);
    musl.glibc_path = "/lib/libc.so.6";
    CHECK(find(machine::judge_machine(musl, manifest_for()), "glibc")->severity == machine::Severity::warning);
}

TEST_CASE("files that a machine may lack are warned of") {
    auto old = good_machine();
    old.glibc = "2.31";
    format::Manifest manifest = manifest_for("2.17");
    manifest.requires_.partial_glibc = format::GlibcNeed{"2.34", "lib/python3.11/site-packages/debugpy/attach.so"};
    const auto findings = machine::judge_machine(old, manifest);
    CHECK(!machine::failure_of(findings));
    CHECK(find(findings, "glibc")->severity == machine::Severity::warning);
    CHECK(find(findings, "glibc")->sentence ==
          "glibc 2.31; the environment needs 2.17, and 'lib/python3.11/site-packages/debugpy/attach.so' 2.34: what "
          "loads that file will not work here");
    const auto again = format::manifest_from_json(format::to_json(manifest));
    REQUIRE(again.ok());
    REQUIRE(again->requires_.partial_glibc);
    CHECK(again->requires_.partial_glibc->version == "2.34");
    old.glibc = "2.34";
    CHECK(find(machine::judge_machine(old, manifest), "glibc")->severity == machine::Severity::ok);
}

TEST_CASE("another processor or system") {
    auto arm = good_machine();
    arm.processor = "aarch64";
    auto findings = machine::judge_machine(arm, manifest_for());
    CHECK(find(findings, "cpu")->sentence == "this installer is for x86_64 processors, this machine has aarch64");
    auto bsd = good_machine();
    bsd.system = "FreeBSD";
    CHECK(find(machine::judge_machine(bsd, manifest_for()), "os")->sentence ==
          "this installer is for Linux, this machine runs FreeBSD");
}

TEST_CASE("shared libraries outside the prefix") {
    auto facts = good_machine();
    facts.libraries = {{"libtk8.6.so", ""}, {"libexpat.so.1", ""}, {"libz.so.1", "/lib/libz.so.1"}};
    auto findings = machine::judge_machine(facts, manifest_for());
    std::vector<const machine::Finding*> missing;
    for (const machine::Finding& f : findings)
        if (f.id == "library") missing.push_back(&f);
    REQUIRE(missing.size() == 2);
    CHECK(missing[0]->severity == machine::Severity::error);
    CHECK(missing[0]->sentence == "the environment's Python needs libexpat.so.1, which this machine lacks");
    CHECK(missing[0]->advice == "install it (Debian, Ubuntu: libexpat1; Red Hat: expat)");
    CHECK(missing[1]->severity == machine::Severity::warning);
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
    machine::SystemRoot root(directory.path().string());
    machine::LibraryIndex index(root);
    CHECK(index.find("libodd.so.1") == "/opt/odd/libodd.so.1");
    CHECK(index.find("libgone.so.1") == ""); // in the cache, but no longer there
    CHECK(index.find("libplain.so.2") == "/usr/lib64/libplain.so.2");
    CHECK(index.find("libplain.so.2", {"/home/me/lib"}) == "/home/me/lib/libplain.so.2");
    CHECK(index.find("libnone.so.9") == "");
    // Every truncation gives an empty or a shorter cache and no crash.
    std::string bytes(as_text(cache.data()));
    for (std::size_t n = 0; n < bytes.size(); ++n) machine::parse_ld_cache(std::string_view(bytes).substr(0, n));
    CHECK(machine::parse_ld_cache(bytes).size() == 2);
}

TEST_CASE("the machine's own cache agrees with ldconfig -p") {
    machine::SystemRoot host;
    auto bytes = host.text("/etc/ld.so.cache", 64u << 20);
    if (!bytes) SKIP("no /etc/ld.so.cache here");
    auto entries = machine::parse_ld_cache(*bytes);
    CHECK(!entries.empty());
    for (const auto& [soname, path] : entries) CHECK(path.starts_with("/"));
}

TEST_CASE("CPU levels") {
    CHECK(machine::cpu_level_of("") == 0);
    CHECK(machine::cpu_level_of("flags\t\t: fpu sse2\n") == 1);
    CHECK(machine::cpu_level_of("flags\t\t: cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3\n") == 2);
    CHECK(machine::cpu_level_of("flags\t\t: cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3 avx avx2 bmi1 bmi2 f16c fma abm "
                                "movbe xsave\n") == 3);
}

TEST_CASE("target: room, inodes, quota") {
    CHECK(!machine::failure_of(judge(good_target())));
    auto full = good_target();
    full.free_bytes = 400'000;
    auto findings = judge(full);
    CHECK(find(findings, "disk-space")->sentence == "1.00 MB are needed in '/opt', 400 kB are free");
    CHECK(machine::failure_of(findings) == ErrorKind::storage);
    auto staged = full;
    staged.staged_bytes = 800'000; // files of an interrupted run count
    CHECK(!machine::failure_of(judge(staged)));

    auto inodes = good_target();
    inodes.free_inodes = 99;
    CHECK(find(judge(inodes), "inodes")->sentence == "100 files and directories are needed in '/opt', room is for 99");
    inodes.free_inodes.reset();
    CHECK(!machine::failure_of(judge(inodes)));
    CHECK(find(judge(inodes), "inodes-unknown")->severity == machine::Severity::note);

    auto quota = good_target();
    quota.quota_bytes = 10;
    quota.quota_inodes = 10;
    findings = judge(quota);
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
    auto failing = [](const TargetFacts& f, std::string_view id, const place::Decision& decision = at("/opt/demo"),
                      const NamesCollide& names_collide = {}) {
        auto findings = judge(f, decision, names_collide);
        const machine::Finding* found = find(findings, id);
        return found && found->severity == machine::Severity::error && machine::failure_of(findings) == found->kind;
    };
    place::Decision refused = at("/opt/demo");
    refused.refusal = place::Refusal{"prefix-exists", "it is taken", "take another one"};
    CHECK(failing(good_target(), "prefix-exists", refused));
    CHECK(find(judge(good_target(), refused), "prefix-exists")->sentence == "it is taken");
    place::Decision replacing = at("/opt/demo");
    replacing.staging = place::StagingKind::replace;
    CHECK(find(judge(good_target(), replacing), "replaces")->severity == machine::Severity::note);
    CHECK(failing(with([](auto& f) { f.read_only = true; }), "read-only"));
    CHECK(failing(with([](auto& f) { f.noexec = true; }), "noexec"));
    CHECK(failing(with([](auto& f) { f.not_a_directory = "/opt/x"; }), "prefix-parent"));
    CHECK(failing(with([](auto& f) {
                      f.writable = false;
                      f.write_errno = EACCES;
                  }),
                  "not-writable"));
    CHECK(find(judge(with([](auto& f) {
                   f.writable = false;
                   f.write_errno = EACCES;
               })),
               "not-writable")
              ->sentence == "'/opt' may not be written to: Permission denied");
    CHECK(failing(with([](auto& f) {
                      f.no_symlinks = f.folds_case = true;
                      f.file_system = "exfat";
                  }),
                  "no-symlinks"));
    int asked = 0;
    auto collide = [&] { return ++asked > 0; };
    CHECK(!failing(good_target(), "case-folding", at("/opt/demo"), collide));
    CHECK(asked == 0); // the file table is read only when it is needed
    CHECK(failing(with([](auto& f) {
                      f.folds_case = true;
                      f.file_system = "cifs";
                  }),
                  "case-folding", at("/opt/demo"), collide));

    format::Manifest longest = manifest_for();
    longest.install.longest_prefix = 8;
    longest.install.longest_prefix_because = "bin/x";
    auto findings = judge_target(good_target(), at("/opt/demo"), longest);
    CHECK(find(findings, "prefix-too-long")->sentence ==
          "the prefix '/opt/demo' has 9 bytes, and 'bin/x' has room for 8");
    CHECK(machine::failure_of(findings) == ErrorKind::usage);

    auto space = with([](auto& f) { f.prefix = "/opt/a b"; });
    CHECK(find(judge(space), "prefix-space")->severity == machine::Severity::note);
}

TEST_CASE("of several findings the lowest of 2, 3 and 5 is the exit code") {
    std::vector<machine::Finding> all = {{"a", machine::Severity::error, ErrorKind::storage, "", ""},
                                         {"b", machine::Severity::error, ErrorKind::machine, "", ""},
                                         {"c", machine::Severity::warning, ErrorKind::usage, "", ""}};
    CHECK(machine::failure_of(all) == ErrorKind::machine);
    all[2].severity = machine::Severity::error;
    CHECK(machine::failure_of(all) == ErrorKind::usage);
    CHECK(!machine::failure_of({}));
}

TEST_CASE("targets on this machine") {
    auto directory = TemporaryDirectory::make().value();
    const fs::path base = directory.path();
    auto absent = read_target_facts(at(base / "a/b/c"));
    CHECK(absent.existing == base.string());
    CHECK(absent.free_bytes > 0);
    CHECK(absent.writable);
    REQUIRE(write_atomically(base / "file", "x").ok());
    CHECK(read_target_facts(at(base / "file/below")).not_a_directory == (base / "file").string());
    auto file = at(base / "file");
    file.found = place::Found::file;
    CHECK(read_target_facts(file).not_a_directory == "");
    CHECK(read_target_facts(file).existing == base.string());
    // The files of an interrupted run need no space again.
    auto resumed = at(base / "new");
    resumed.stage = base / ".new.tinderbox-stage-0123";
    fs::create_directories(resumed.stage / "lib");
    REQUIRE(write_atomically(resumed.stage / "lib/x", std::string(100'000, 'x')).ok());
    CHECK(read_target_facts(resumed).staged_inodes == 2);
    CHECK(read_target_facts(resumed).staged_bytes >= 100'000);
    auto proc = read_target_facts(at("/proc/nothing/here"));
    CHECK((!proc.writable || ::geteuid() == 0));
}

TEST_CASE("all findings at once, on this machine, under a fake root") {
    auto root = TemporaryDirectory::make().value();
    format::Manifest m = manifest_for("99.0");
    m.requires_.cuda_major = 12;
    m.requires_.driver_floor = "525.60.13";
    m.install.bytes = 1ull << 60;
    PreflightOptions options;
    options.place = at(root.path() / "env");
    auto result = run_preflight(m, machine::SystemRoot(root.path().string()), options);
    CHECK(find(result.findings, "glibc")->severity == machine::Severity::error);
    CHECK(find(result.findings, "disk-space")->severity == machine::Severity::error);
    CHECK(machine::failure_of(result.findings) == ErrorKind::machine);
    CHECK(result.verdict.outcome == machine::GpuVerdict::Outcome::not_verified);
    auto j = to_json(result);
    CHECK(j["gpu"]["verdict"] == "not verified");
    CHECK(j["findings"].size() == result.findings.size());
}
