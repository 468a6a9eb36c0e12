// Two prefixes in one tree: a base conda and the environment in its envs/; into a conda that is there; --replace.
#include "tests/unit/make_run.hpp"

#include "runtime/install/integrity.hpp"
#include "runtime/install/uninstall.hpp"
#include "runtime/io/faults.hpp"
#include "tests/unit/install/try_install.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

using namespace tinderbox;
using namespace tinderbox::install;
using namespace tinderbox::place;
using namespace tinderbox::test;

namespace {

const std::string old_prefix =
    "/opt/placeholder/long/enough/for/a/prefix/in/a/temporary/directory/of/a/test/that/is/run/anywhere";

struct BaseBench {
    TemporaryDirectory directory = *TemporaryDirectory::make();
    test::RunBuilder builder;
    fs::path run_path = directory.path() / "sample.run";
    fs::path prefix = directory.path() / "target" / "conda";

    explicit BaseBench(bool with_base = true, std::string mark = "1") {
        ::setenv("HOME", directory.path().c_str(), 1);
        test::RunBuilder& b = builder;
        auto text = [](std::string_view words) { return test::text_bytes(words); };
        auto put = [&](format::Root root, const std::string& path, std::uint32_t content, unsigned flags = 0,
                       std::uint16_t mode = 0644) {
            b.table.destinations.push_back({.root = root,
                                            .flags = static_cast<std::uint8_t>(flags),
                                            .mode = mode,
                                            .mtime = 1600000000,
                                            .path = path,
                                            .content = content});
            return static_cast<std::uint32_t>(b.table.destinations.size() - 1);
        };
        auto shared = b.content(test::noise(3000, 1)),
             large = b.content(test::noise(2 * format::block_raw_size + 77, 2)), empty = b.content({});
        std::string conf = "prefix=" + old_prefix + "\n";
        std::vector<format::Reloc> relocs = {
            {.kind = format::RelocKind::text, .offset = 7, .length = old_prefix.size()}};
        auto moved = b.content(text(conf), relocs), archived = b.content(text(conf));
        put(format::Root::env, "lib/shared.so", shared, format::destination_shared, 0755);
        put(format::Root::env, "lib/large.so", large, format::destination_shared);
        put(format::Root::env, "lib/__init__.py", empty, format::destination_shared);
        auto env_conf = put(format::Root::env, "etc/conf", moved);
        put(format::Root::env, "conda-meta/history", b.content(text("==> " + mark + " <==\n")));
        put(format::Root::env, "etc/sum",
            b.content(text(std::string(64, '0')),
                      {{.kind = format::RelocKind::digest_hex, .length = 64, .target = env_conf}}));
        if (!with_base) return;
        put(format::Root::base, "lib/shared.so", shared, format::destination_shared, 0755);
        put(format::Root::base, "lib/large.so", large, format::destination_shared);
        put(format::Root::base, "lib/__init__.py", empty, format::destination_shared);
        auto base_conf = put(format::Root::base, "etc/conf", moved);
        put(format::Root::base, "etc/sum",
            b.content(text(std::string(64, '0')),
                      {{.kind = format::RelocKind::digest_hex, .length = 64, .target = base_conf}}));
        put(format::Root::base, "conda-meta/history", b.content(text("==> base <==\n")));
        put(format::Root::base, "bin/conda", b.content(text("#!/bin/sh\n")), 0, 0755);
        put(format::Root::base, ".nonadmin", empty, format::destination_unless_root);
        put(format::Root::base, "pkgs/x-1-0/lib/shared.so", shared,
            format::destination_shared | format::destination_package_cache, 0755);
        put(format::Root::base, "pkgs/x-1-0/etc/conf", archived, format::destination_package_cache);
        format::BaseInfo base;
        base.kind = "miniforge";
        base.name = "Miniforge3";
        base.version = "1";
        b.manifest.base = "miniforge 1";
        b.manifest.base_installer = base;
    }
    void write() { builder.write(run_path); }
    test::InstallCall options() const {
        test::InstallCall o;
        o.prefix = prefix;
        o.sync = false;
        return o;
    }
    Result<InstallSummary> install(const test::InstallCall& call) const {
        return test::try_install(run_path, builder.manifest, call);
    }
    Decision decide(const InstallRequest& request) const { return test::decide(run_path, builder.manifest, request); }
    std::string conf(const fs::path& where) const {
        auto text = read_text(where / "etc/conf");
        return text.ok() ? *text : "";
    }
    // "" when both prefixes are as they should be.
    std::string problem(bool packages = false) const {
        const fs::path env = prefix / "envs/sample";
        for (const fs::path& one : {prefix, env}) {
            if (conf(one) != "prefix=" + one.string() + "\n") return "etc/conf of " + one.string();
            if (*read_text(one / "etc/sum") != to_hex(sha256(as_bytes(conf(one))))) return "etc/sum of " + one.string();
        }
        if (*read_text(prefix / "conda-meta/history") != "==> base <==\n") return "history";
        if (fs::exists(prefix / "pkgs") != packages) return "pkgs";
        if (packages && *read_text(prefix / "pkgs/x-1-0/etc/conf") != "prefix=" + old_prefix + "\n")
            return "what is kept was relocated";
        if (fs::exists(prefix / ".nonadmin") != (::geteuid() != 0)) return ".nonadmin";
        auto check = verify_files(*Directory::open(prefix));
        if (!check.ok()) return check.error().message;
        return check->differences.empty() ? ""
                                          : check->differences.front().path + ": " + check->differences.front().what;
    }
};

ino_t inode(const fs::path& path) {
    struct stat st {};
    return ::lstat(path.c_str(), &st) == 0 ? st.st_ino : 0;
}

class Fail : public io::Faults {
  public:
    Fail(Call call, int error) : call_(call), error_(error) {}
    int before(Call call, std::string_view) override { return call == call_ ? error_ : 0; }

  private:
    Call call_;
    int error_;
};

// A conda that somebody else installed.
void make_conda(const fs::path& prefix, const char* program) {
    fs::create_directories(prefix / "conda-meta");
    fs::create_directories(prefix / program / "..");
    std::ofstream(prefix / program) << "x";
    std::ofstream(prefix / "conda-meta/history") << "==> theirs <==\n";
}

std::map<std::string, std::string> files_of(const fs::path& root) {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(root))
        if (entry.is_regular_file()) out[entry.path().lexically_relative(root)] = *read_text(entry.path());
    return out;
}

} // namespace

TEST_CASE("a base and its environment, one inode where nothing is relocated", "[base]") {
    BaseBench bench;
    bench.write();
    const fs::path env = bench.prefix / "envs/sample";
    for (bool keep : {false, true}) {
        auto options = bench.options();
        options.keep_packages = keep;
        auto result = bench.install(options);
        INFO(problem(result));
        REQUIRE(result.ok());
        CHECK(result->prefix == env);
        CHECK(bench.problem(keep) == "");
        for (const char* path : {"lib/shared.so", "lib/large.so", "lib/__init__.py"})
            CHECK(inode(bench.prefix / path) == inode(env / path));
        CHECK(inode(bench.prefix / "etc/conf") != inode(env / "etc/conf"));
        if (keep) CHECK(inode(bench.prefix / "pkgs/x-1-0/lib/shared.so") == inode(env / "lib/shared.so"));
        auto state = read_state(bench.prefix);
        REQUIRE((state.ok() && *state));
        CHECK((*state)->parts == (keep ? InstalledParts::packages : InstalledParts::base));
        CHECK((*state)->stage == InstallStage::registered);
        // Again, with other letters: it stays what it is.
        options.keep_packages = !keep;
        CHECK(bench.install(options)->already_complete);
        CHECK(uninstall(bench.prefix)->kept.empty());
        CHECK(!fs::exists(bench.prefix));
    }
}

TEST_CASE("copies where there are no hard links", "[base]") {
    BaseBench bench;
    bench.write();
    Fail no_links(io::Faults::Call::link, EPERM);
    auto options = bench.options();
    options.faults = &no_links;
    auto result = bench.install(options);
    INFO(problem(result));
    REQUIRE(result.ok());
    CHECK(bench.problem() == "");
    CHECK(inode(bench.prefix / "lib/large.so") != inode(bench.prefix / "envs/sample/lib/large.so"));
    struct stat st {};
    REQUIRE(::stat((bench.prefix / "lib/shared.so").c_str(), &st) == 0);
    CHECK((st.st_mode & 0777) == 0755);
    CHECK(st.st_mtime == 1600000000);
    REQUIRE(remove_tree(bench.prefix).ok());
    Fail full(io::Faults::Call::link, ENOSPC);
    options.faults = &full;
    CHECK(kind(bench.install(options)) == 5);
    CHECK(!fs::exists(bench.prefix));
}

TEST_CASE("the published recipe: an empty directory with -u", "[base]") {
    BaseBench bench;
    bench.write();
    fs::create_directories(bench.prefix);
    auto options = bench.options();
    options.allow_existing = true;
    auto result = bench.install(options);
    INFO(problem(result));
    REQUIRE(result.ok());
    CHECK(bench.problem() == "");
}

TEST_CASE("into a conda that is there goes the environment alone", "[base]") {
    for (bool with_base : {true, false})
        for (const char* program : {"bin/conda", "condabin/mamba", "condabin/micromamba", "pkgs/urls.txt"}) {
            BaseBench bench(with_base);
            bench.write();
            make_conda(bench.prefix, program);
            auto before = files_of(bench.prefix);
            CHECK(kind(bench.install(bench.options())) == 5); // not without -u
            CHECK(files_of(bench.prefix) == before);
            auto options = bench.options();
            options.allow_existing = true;
            auto result = bench.install(options);
            INFO(problem(result));
            REQUIRE(result.ok());
            const fs::path env = bench.prefix / "envs/sample";
            CHECK(result->prefix == env);
            CHECK(bench.conf(env) == "prefix=" + env.string() + "\n");
            CHECK(!fs::exists(bench.prefix / ".tinderbox"));
            CHECK(read_state(env)->has_value());
            CHECK(bench.install(options)->already_complete);
            CHECK(verify_files(*Directory::open(env))->differences.empty());
            // The environment's own stub finds itself, also without -u.
            auto inner = bench.options();
            CHECK(bench.decide(inner).layout.root == env);
            inner.prefix = env;
            CHECK(bench.decide(inner).layout.environment == env);
            CHECK(bench.decide(inner).layout.conda == bench.prefix);
            REQUIRE(uninstall(env).ok());
            fs::remove(bench.prefix / "envs");
            CHECK(files_of(bench.prefix) == before);
        }
}

TEST_CASE("an environment of that name is refused, or replaced when the new one is whole", "[base]") {
    BaseBench first(false, "first");
    first.write();
    make_conda(first.prefix, "bin/conda");
    auto options = first.options();
    options.allow_existing = true;
    REQUIRE(first.install(options).ok());
    const fs::path env = first.prefix / "envs/sample";
    std::ofstream(env / "user.txt") << "mine";
    auto before = files_of(env);

    BaseBench second(true, "second");
    second.prefix = first.prefix;
    options.prefix = first.prefix;
    auto names = [&] {
        std::set<std::string> out;
        for (const auto& entry : fs::directory_iterator(env.parent_path())) out.insert(entry.path().filename());
        return out;
    };
    const std::set<std::string> alone = {"sample"};

    SECTION("refused") {
        second.write();
        auto result = second.install(options);
        CHECK(kind(result) == 5);
        CHECK(problem(result).find("--replace") != std::string::npos);
        CHECK(files_of(env) == before);
    }
    SECTION("replaced") {
        second.write();
        options.replace = true;
        auto result = second.install(options);
        INFO(problem(result));
        REQUIRE(result.ok());
        CHECK(*read_text(env / "conda-meta/history") == "==> second <==\n");
        CHECK(*read_text(env / "user.txt") == "mine");
        CHECK(names() == alone);
    }
    SECTION("replaced with --purge") {
        second.write();
        options.replace = options.purge = true;
        std::ofstream(env / "conda-meta/history", std::ios::app) << "mine";
        REQUIRE(second.install(options).ok());
        CHECK(*read_text(env / "conda-meta/history") == "==> second <==\n");
        CHECK(!fs::exists(env / "user.txt"));
        CHECK(names() == alone);
    }
    SECTION("what the user added or changed goes over, whatever it is") {
        auto drop = [&](const std::string& path) {
            std::erase_if(second.builder.table.destinations,
                          [&](const format::Destination& d) { return d.path == path; });
        };
        drop("lib/large.so"); // the new environment does not have it
        second.write();
        options.replace = true;
        std::ofstream(env / "lib/large.so") << "changed";
        fs::create_directories(env / "notebooks/deep");
        std::ofstream(env / "notebooks/deep/one.ipynb") << "{}";
        std::ofstream(env / "lib/added.py") << "x = 1";
        fs::create_directories(env / "lib/__pycache__");
        std::ofstream(env / "lib/__pycache__/added.cpython-311.pyc") << "stale";
        fs::create_symlink("/data/elsewhere", env / "data");
        fs::create_directories(env / "empty");
        REQUIRE(::chmod((env / "lib/shared.so").c_str(), 0775) == 0); // permissions are nobody's work
        std::ofstream(env / ".tinderbox/shell-init") << "record";
        std::ofstream(env / ".tinderbox/note") << "kept";
        auto result = second.install(options);
        INFO(problem(result));
        REQUIRE(result.ok());
        CHECK(result->carried_over ==
              std::vector<std::string>{"data", "empty", "lib/added.py", "lib/large.so", "notebooks", "user.txt"});
        CHECK(*read_text(env / "lib/large.so") == "changed");
        CHECK(*read_text(env / "notebooks/deep/one.ipynb") == "{}");
        CHECK(fs::read_symlink(env / "data") == "/data/elsewhere");
        CHECK(fs::is_directory(env / "empty"));
        CHECK(!fs::exists(env / "lib/__pycache__"));
        CHECK(*read_text(env / ".tinderbox/shell-init") == "record");
        CHECK(*read_text(env / ".tinderbox/note") == "kept");
        CHECK(verify_files(*Directory::open(env))->differences.empty());
        CHECK(names() == alone);
    }
    SECTION("what is in the way of the new environment's is named, and nothing is replaced") {
        auto put = [&](const std::string& path) {
            second.builder.table.destinations.push_back(
                {.mode = 0644, .path = path, .content = second.builder.content(test::text_bytes("new"))});
        };
        put("share/tool/data/x");
        put("plain");
        second.write();
        options.replace = true;
        std::string wanted;
        SECTION("a changed file") {
            std::ofstream(env / "conda-meta/history", std::ios::app) << "mine";
            wanted = "conda-meta/history";
        }
        SECTION("an added file that the new environment brings") {
            std::ofstream(env / "plain") << "mine";
            wanted = "plain";
        }
        SECTION("one in a directory that both have") {
            fs::create_directories(env / "share/tool/data");
            std::ofstream(env / "share/tool/data/x") << "mine";
            std::ofstream(env / "share/tool/data/y") << "no conflict";
            wanted = "share/tool/data/x";
        }
        SECTION("a file where the new environment has a directory") {
            fs::create_directories(env / "share");
            std::ofstream(env / "share/tool") << "mine";
            wanted = "share/tool";
        }
        SECTION("a directory where the new environment has a file") {
            fs::create_directories(env / "plain");
            std::ofstream(env / "plain/mine") << "mine";
            wanted = "plain";
        }
        SECTION("a link in the place of a directory") {
            fs::rename(env / "etc", env / "moved");
            fs::create_symlink("moved", env / "etc");
            wanted = "etc";
        }
        const auto changed = files_of(env);
        auto result = second.install(options);
        CHECK(kind(result) == 5);
        INFO(problem(result));
        CHECK(problem(result).find(fmt::format("'{}'", wanted)) != std::string::npos);
        CHECK(problem(result).find("--purge") != std::string::npos);
        CHECK(problem(result).find("data/y") == std::string::npos);
        CHECK(files_of(env) == changed);
        CHECK(names() == alone);
    }
    SECTION("a file that a script of the new environment makes does not replace the user's") {
        auto script =
            second.builder.content(test::text_bytes("echo new > \"$PREFIX/user.txt\"; echo same > \"$PREFIX/same\"\n"));
        second.builder.table.destinations.push_back({.mode = 0755, .path = "bin/.x-post-link.sh", .content = script});
        second.builder.manifest.scripts = {{"x", "1", "0", "bin/.x-post-link.sh", {}}};
        second.write();
        options.replace = true;
        std::ofstream(env / "same") << "same\n";
        auto result = second.install(options);
        INFO(problem(result));
        REQUIRE(result.ok());
        CHECK(*read_text(env / "user.txt") == "new\n");
        CHECK(*read_text(env / "user.txt.tinderbox-old") == "mine");
        CHECK(!fs::exists(env / "same.tinderbox-old"));
        CHECK(names() == alone);
    }
    SECTION("an environment whose list of files is gone is not replaced") {
        second.write();
        options.replace = true;
        fs::remove(env / ".tinderbox/installed");
        const auto changed = files_of(env);
        CHECK(kind(second.install(options)) == 5);
        CHECK(files_of(env) == changed);
        options.purge = true;
        REQUIRE(second.install(options).ok());
        CHECK(!fs::exists(env / "user.txt"));
        CHECK(names() == alone);
    }
    SECTION("nor one that conda made") {
        second.write();
        fs::remove_all(env / ".tinderbox");
        const auto changed = files_of(env);
        auto result = second.install(options);
        CHECK(kind(result) == 5);
        options.replace = true;
        result = second.install(options);
        CHECK(kind(result) == 5);
        CHECK(problem(result).find("--purge") != std::string::npos);
        CHECK(files_of(env) == changed);
    }
    SECTION("a full disk, a refused rename: the old one stays") {
        second.write();
        options.replace = true;
        for (auto [call, error] : {std::pair{io::Faults::Call::write, ENOSPC}, {io::Faults::Call::rename, EACCES}}) {
            Fail fail(call, error);
            options.faults = &fail;
            CHECK(kind(second.install(options)) == 5);
            CHECK(files_of(env) == before);
            CHECK(names() == alone);
        }
    }
    SECTION("a script fails: the old one is back") {
        auto script = second.builder.content(test::text_bytes("exit 3\n"));
        second.builder.table.destinations.push_back({.mode = 0755, .path = "bin/.x-post-link.sh", .content = script});
        second.builder.manifest.scripts = {{"x", "1", "0", "bin/.x-post-link.sh", {}}};
        second.write();
        options.replace = true;
        auto result = second.install(options);
        CHECK(kind(result) == 10);
        CHECK(problem(result).find("is back") != std::string::npos);
        CHECK(files_of(env) == before);
        CHECK(names() == alone);
    }
    SECTION("killed between two renames: any installer brings it back") {
        second.write();
        fs::rename(env, env.parent_path() / ".sample.tinderbox-old");
        options.allow_existing = true;
        CHECK(kind(second.install(options)) == 5); // it is there again, and without --replace it is in the way
        CHECK(files_of(env) == before);
        CHECK(names() == alone);
    }
    SECTION("killed anywhere: the old one or the new one, and the next run finishes") {
        second.write();
        options.replace = true;
        std::mt19937 random(7);
        for (int kills = 0; kills < 25; ++kills) {
            KilledAt killed(1 + static_cast<int>(random() % 200));
            pid_t child = ::fork();
            if (child == 0) {
                options.journal_after = 0;
                options.epoch_seconds = 0.001;
                options.faults = &killed;
                ::_exit(second.install(options).ok() ? 0 : 1);
            }
            int status = 0;
            ::waitpid(child, &status, 0);
            if (fs::exists(env) && *read_text(env / "conda-meta/history") == "==> first <==\n")
                CHECK(files_of(env) == before);
            else if (fs::exists(env)) CHECK(verify_files(*Directory::open(env))->differences.empty());
            if (WIFEXITED(status)) break;
        }
        auto result = second.install(options);
        INFO(problem(result));
        REQUIRE(result.ok());
        CHECK(*read_text(env / "conda-meta/history") == "==> second <==\n");
        CHECK(verify_files(*Directory::open(env))->differences.empty());
        CHECK(*read_text(env / "user.txt") == "mine");
        CHECK(names() == alone);
    }
    SECTION("a whole conda is not replaced") {
        second.write();
        options.replace = true;
        // As an installer without a base that is pointed at it would: only its envs/ is meant.
        CHECK(second.decide(options).layout.root == env);
    }
}

TEST_CASE("a base killed anywhere, run again", "[base][kill]") {
    BaseBench bench;
    bench.write();
    std::mt19937 random(11);
    for (int round = 0; round < 2; ++round) {
        if (round == 1) fs::create_directories(bench.prefix);
        for (int kills = 0; kills < 15; ++kills) {
            KilledAt killed(1 + static_cast<int>(random() % 200));
            pid_t child = ::fork();
            if (child == 0) {
                auto options = bench.options();
                options.keep_packages = true;
                options.journal_after = 0;
                options.epoch_seconds = 0.002;
                options.faults = &killed;
                ::_exit(bench.install(options).ok() ? 0 : 1);
            }
            int status = 0;
            ::waitpid(child, &status, 0);
            if (fs::exists(bench.prefix / ".tinderbox/state")) CHECK(bench.problem(true) == "");
            if (WIFEXITED(status)) break;
        }
        auto options = bench.options();
        options.keep_packages = true;
        auto result = bench.install(options);
        INFO(problem(result));
        REQUIRE(result.ok());
        CHECK(bench.problem(true) == "");
        REQUIRE(remove_tree(bench.prefix).ok());
    }
}

TEST_CASE("a construct.yaml's scripts run around those of the environment's packages", "[base]") {
    BaseBench bench;
    auto script = bench.builder.content(test::text_bytes("echo \"$PKG_NAME\" >> \"$HOME/order\"\n"));
    bench.builder.table.destinations.push_back(
        {.root = format::Root::env, .mode = 0755, .path = "bin/.x-post-link.sh", .content = script});
    bench.builder.manifest.scripts = {{"e", "1", "0", "bin/.x-post-link.sh", {}}};
    bench.builder.manifest.base_installer->pre_install =
        "echo \"base $INSTALLER_NAME $INSTALLER_UNATTENDED\" >> \"$HOME/order\"\n";
    bench.builder.manifest.base_installer->variables = {{"INSTALLER_NAME", "Mini"}};
    format::InstallerInfo installer;
    installer.version = "2.0";
    installer.pre_install = "echo \"pre $INSTALLER_NAME $PREFIX\" >> \"$HOME/order\"\n";
    installer.post_install = "#!/bin/sh\necho \"post $INSTALLER_VER $INSTALLER_PLAT $INSTALLER_TYPE $OWN "
                             "${INSTALLER_PATH##*/} $ROOT_PREFIX\" >> \"$HOME/order\"\n";
    installer.variables = {{"OWN", "it's $HOME"}, {"INSTALLER_TYPE", "LAB"}, {"PREFIX", "/nowhere"}};
    bench.builder.manifest.installer = installer;
    bench.write();
    auto options = bench.options();
    options.unattended = false;
    auto result = bench.install(options);
    INFO(problem(result));
    REQUIRE(result.ok());
    const std::string base = bench.prefix.string(), env = base + "/envs/sample";
    const format::Manifest& m = bench.builder.manifest;
    CHECK(*read_text(bench.directory.path() / "order") == "base Mini 0\npre " + m.env_name + " " + env +
                                                              "\ne\npost 2.0 " + m.platform + " LAB it's $HOME " +
                                                              bench.run_path.filename().string() + " " + base + "\n");
    REQUIRE(remove_tree(bench.prefix).ok());
    fs::remove(bench.directory.path() / "order");
    options = bench.options();
    options.skip_scripts = true;
    REQUIRE(bench.install(options).ok());
    CHECK(!fs::exists(bench.directory.path() / "order"));
}

TEST_CASE("scripts of the base run first, with its prefix", "[base]") {
    BaseBench bench;
    auto script =
        bench.builder.content(test::text_bytes("echo \"$PKG_NAME $PREFIX $ROOT_PREFIX\" >> \"$HOME/order\"\n"));
    for (format::Root root : {format::Root::env, format::Root::base})
        bench.builder.table.destinations.push_back(
            {.root = root, .mode = 0755, .path = "bin/.x-post-link.sh", .content = script});
    bench.builder.manifest.scripts = {{"b", "1", "0", "bin/.x-post-link.sh", {format::PrefixKind::base, ""}},
                                      {"e", "1", "0", "bin/.x-post-link.sh", {}}};
    bench.builder.manifest.base_installer->post_install =
        "#!/bin/sh\necho \"post $INSTALLER_NAME $PREFIX\" >> \"$HOME/order\"\necho hello > \"$PREFIX/.messages.txt\"\n";
    bench.builder.manifest.base_installer->variables = {{"INSTALLER_NAME", "Mini"}};
    bench.write();
    auto result = bench.install(bench.options());
    INFO(problem(result));
    REQUIRE(result.ok());
    const std::string base = bench.prefix.string(), env = base + "/envs/sample";
    CHECK(*read_text(bench.directory.path() / "order") ==
          "b " + base + " " + base + "\npost Mini " + base + "\ne " + env + " " + base + "\n");
    CHECK(result->warnings == std::vector<std::string>{"a package's script says: hello"});
    CHECK(!fs::exists(bench.prefix / ".messages.txt"));
    CHECK(*read_text(bench.directory.path() / ".conda/environments.txt") == base + "\n" + env + "\n");
    REQUIRE(remove_tree(bench.prefix).ok());
    fs::remove(bench.directory.path() / "order");
    auto options = bench.options();
    options.skip_scripts = true;
    REQUIRE(bench.install(options).ok());
    CHECK(!fs::exists(bench.directory.path() / "order"));
}
