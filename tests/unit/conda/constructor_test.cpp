#include "installers.hpp"

#include "generator/archive/file_source.hpp"
#include "generator/archive/tar.hpp"
#include "generator/conda/constructor.hpp"
#include "tests/unit/golden_text.hpp"
#include "tests/unit/md5_hex.hpp"

#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <functional>

using namespace tinderbox;
using test::GoldenSentences;
using namespace tinderbox::conda;
using namespace tinderbox::test;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

constexpr test::Era eras[] = {test::Era::a, test::Era::b1, test::Era::b2, test::Era::c, test::Era::d};

struct InstallerFixture {
    TemporaryDirectory directory = TemporaryDirectory::make().value();
    fs::path path;
    ConstructorReadOptions options;
    InstallerFixture() { options.spool_directory = directory.path() / "spool"; }

    Result<ConstructorInstaller> read(const test::InstallerMaker& maker) {
        path = maker.write(directory.path());
        return read_constructor(path, options);
    }
    ConstructorInstaller good(const test::InstallerMaker& maker) {
        auto out = read(maker);
        if (!out.ok()) FAIL(out.error().message);
        return std::move(out).value();
    }
    std::string bad(const test::InstallerMaker& maker) {
        auto out = read(maker);
        if (out.ok()) return "";
        CHECK(out.error().kind == ErrorKind::usage);
        CHECK_THAT(out.error().message, StartsWith(maker.name + ".sh"));
        CHECK(out.error().message.find('\n') == std::string::npos);
        return out.error().message;
    }
    std::string bad(std::string_view bytes) {
        path = directory.path() / "x.sh";
        REQUIRE(write_atomically(path, bytes).ok());
        auto out = read_constructor(path, options);
        REQUIRE_FALSE(out.ok());
        CHECK(out.error().kind == ErrorKind::usage);
        CHECK_THAT(out.error().message, StartsWith("x.sh: "));
        return out.error().message;
    }
    std::string content(const ConstructorInstaller& installer, std::string_view name) {
        for (const ConstructorFile& file : installer.files)
            if (file.path == name) {
                auto source = open_constructor_file(path, installer, file);
                REQUIRE(source.ok());
                auto bytes = archive::read_all(**source, 1u << 30, "test");
                REQUIRE(bytes.ok());
                return std::string(as_text(*bytes));
            }
        return "not there";
    }
    const ConstructorFile& file(const ConstructorInstaller& installer, std::string_view name) {
        auto found = std::ranges::find(installer.files, name, &ConstructorFile::path);
        REQUIRE(found != installer.files.end());
        return *found;
    }
};

std::string names(const ConstructorInstaller& installer) {
    std::string out;
    for (std::size_t i = 0; i < installer.packages.size(); ++i)
        out += (i == installer.base_count ? "| " : "") + installer.packages[i].file_name + " ";
    return out;
}

std::string record(const std::string& file_name, const std::string& depends, const std::string& more = "") {
    return "{\"fn\": \"" + file_name + "\", \"depends\": [" + depends + "]" + more + "}";
}

} // namespace

TEST_CASE("installers of every era and tar format", "[constructor]") {
    InstallerFixture f;
    test::InstallerMaker maker;
    maker.era = GENERATE(from_range(eras));
    maker.form = GENERATE(test::TarForm::ustar, test::TarForm::gnu, test::TarForm::pax);
    const std::string long_name(120, 'n');
    maker.outer = {{"share/" + long_name + "/file.txt", "from a long name"}};
    auto installer = f.good(maker);
    CHECK(installer.era == (maker.era == test::Era::a   ? 'A'
                            : maker.era == test::Era::c ? 'C'
                            : maker.era == test::Era::d ? 'D'
                                                        : 'B'));
    CHECK(installer.name == "Labconda");
    CHECK(installer.version == "24.1-0");
    CHECK(installer.platform == "linux-64");
    CHECK(installer.size == maker.bytes().size());
    CHECK(installer.license == "Be kind.\n");
    CHECK(installer.base_count == 2);
    CHECK(names(installer) == "python-3.11.4-0.conda conda-24.1-0.tar.bz2 ");
    CHECK(installer.packages[0].url == "https://channel.example/main/linux-64/python-3.11.4-0.conda");
    CHECK(installer.packages[0].md5 == test::md5_hex(as_bytes("the python")));
    CHECK(f.content(installer, "conda-meta/history") == "==> made <==\n");
    CHECK(f.content(installer, "LICENSE.txt") == "Be kind.\n");
    CHECK(f.content(installer, "share/" + long_name + "/file.txt") == "from a long name");
    CHECK(f.content(installer, "pkgs/env.txt") == "not there");
    CHECK(f.content(installer, "_conda") ==
          (maker.era == test::Era::c || maker.era == test::Era::d ? maker.executable : "not there"));
    CHECK(f.content(installer, "conda.exe") == "not there"); // the installer itself removes it
    CHECK(f.file(installer, "pkgs/urls.txt").mode == 0664);
    CHECK(installer.script_variables.at("INSTALLER_NAME") == "Labconda");
    CHECK(std::ranges::is_sorted(installer.files, {}, &ConstructorFile::path));
    for (const ConstructorPackage& package : installer.packages) {
        auto file = extract_constructor_package(f.path, package, f.directory.path() / "out");
        REQUIRE(file.ok());
        CHECK(*read_text(*file) == (package.file_name.starts_with("python") ? "the python" : "the conda"));
    }
}

TEST_CASE("what an installer says beside its packages", "[constructor]") {
    InstallerFixture f;
    test::InstallerMaker maker;
    maker.era = test::Era::d;
    maker.internal = {{"_internal/base_library.zip", std::string(700, 'b'), false},
                      {"_internal/empty", "", false},
                      {"_internal/run", "#!", true}};
    maker.more_header = "    min_glibc_version=\"2.28\"\nexport INSTALLER_TYPE=\"SH\"\nexport "
                        "OLD=\"$LD_LIBRARY_PATH\"\nexport LAB='two words'\n"
                        "    touch \"$PREFIX/.nonadmin\"\nmkdir -p \"$PREFIX/envs\"\n    DEFAULT=yes\n"
                        "CONDA_REGISTER_ENVS=\"true\" \\\n\"$CONDA_EXEC\" install --offline --file x\n"
                        "cat <<EOF >\"$PREFIX/.condarc\"\nchannels:\n  - \\$x ${PREFIX}/c\nEOF\n"
                        "cat <<'EOF'\nboundary1=$(( boundary0 + 1 ))\ntouch\nEOF\n";
    maker.preconda = {{"pkgs/pre_install.sh", "#!/bin/bash\necho pre\n", '0', "", 0775},
                      {".installer.info", "{}"},
                      {"pkgs/cache/1.json", "{}"}};
    maker.postconda = {{"conda-meta/frozen", "{}"},
                       {"share/notes.txt", "notes"},
                       {"share/link", "", '2', "notes.txt"},
                       {"share/big", std::string(3u << 20, 'g')}};
    maker.preconda.push_back({"pkgs/post_install.sh", "echo post\n"});
    auto installer = f.good(maker);
    CHECK(installer.constructor_version == "3.12.0");
    CHECK(installer.minimum_glibc == "2.28");
    CHECK(installer.writes_nonadmin);
    CHECK(installer.makes_envs_directory);
    CHECK(installer.initialises_by_default);
    CHECK(installer.registers_environments);
    CHECK_FALSE(installer.keeps_packages);
    CHECK(installer.pre_install == "#!/bin/bash\necho pre\n");
    CHECK(installer.post_install == "echo post\n");
    CHECK(installer.script_variables == std::map<std::string, std::string>{{"INSTALLER_NAME", "Labconda"},
                                                                           {"INSTALLER_TYPE", "SH"},
                                                                           {"LAB", "two words"}});
    CHECK(f.content(installer, ".condarc") == "channels:\n  - $x \x01/c\n");
    CHECK(f.file(installer, ".condarc").has_prefix);
    CHECK(f.content(installer, "_internal/base_library.zip") == std::string(700, 'b'));
    CHECK(f.content(installer, "_internal/empty") == "");
    CHECK(f.file(installer, "_internal/run").mode == 0755);
    CHECK(f.file(installer, "_conda").mode == 0755);
    CHECK(f.content(installer, "conda-meta/frozen") == "{}");
    CHECK(f.file(installer, "share/link").is_link);
    CHECK(f.file(installer, "share/link").content == "notes.txt");
    CHECK(f.file(installer, "share/big").spooled);
    CHECK(f.content(installer, "share/big") == std::string(3u << 20, 'g'));
    CHECK(f.content(installer, "pkgs/pre_install.sh") == "#!/bin/bash\necho pre\n");

    maker.more_header = "CONDA_REGISTER_ENVS=\"false\" \\\n\"$CONDA_EXEC\" install --offline --file x\nln -s -f "
                        "\"$CONDA_EXEC\" \"$PREFIX\"/_conda\n";
    maker.header_edits = {{"KEEP_PKGS=0", "KEEP_PKGS=1"}, {"$PREFIX/_conda", "$PREFIX/micromamba.exe"}};
    installer = f.good(maker);
    CHECK(installer.keeps_packages);
    CHECK_FALSE(installer.registers_environments);
    CHECK(f.content(installer, "micromamba.exe") == maker.executable);
    CHECK(f.file(installer, "_conda").is_link);
    CHECK(f.file(installer, "_conda").content == "\x01/micromamba.exe");
}

TEST_CASE("which packages, in which order", "[constructor]") {
    InstallerFixture f;
    test::InstallerMaker maker;
    maker.packages = {{"zlib-1-0.conda", "z", record("zlib-1-0.conda", "")},
                      {"conda-1-0.conda", "c", record("conda-1-0.conda", "\"python >=3\", \"zlib\"")},
                      {"python-3-0.conda", "p",
                       record("python-3-0.conda", "\"zlib\"", ", \"sha256\": \"" + std::string(64, 'a') + "\"")},
                      {"extra-1-0.conda", "e", ""},
                      {"lost-1-0.conda", "l", ""}};
    SECTION("an explicit list is linked as it is written") {
        maker.list = "@EXPLICIT\nhttps://u:canary@h.example/t/canary/c/linux-64/conda-1-0.conda#" +
                     test::md5_hex(as_bytes("c")) +
                     "\nfile:///c/zlib-1-0.conda\n\nhttps://h.example/c/python-3-0.conda\n";
        maker.preconda = {
            {"envs/lab/conda-meta/initial-state.explicit.txt", "@EXPLICIT\nhttps://h.example/c/extra-1-0.conda\n"},
            {"envs/lab/conda-meta/history", ""},
            {"pkgs/envs/lab/shortcuts.txt", ""}};
        maker.postconda = {{"envs/lab/conda-meta/frozen", "{}"}};
        maker.more_header = "for env_pkgs in \"${PREFIX}\"/pkgs/envs/*/; do\n";
        auto installer = f.good(maker);
        CHECK(names(installer) == "conda-1-0.conda zlib-1-0.conda python-3-0.conda | extra-1-0.conda lost-1-0.conda ");
        CHECK(installer.packages[0].url == "https://h.example/c/linux-64/conda-1-0.conda");
        CHECK(installer.packages[2].sha256 == std::string(64, 'a'));
        REQUIRE(installer.environments.size() == 1);
        CHECK(installer.environments[0].name == "lab");
        CHECK(installer.environments[0].packages == std::vector<std::size_t>{3});
        REQUIRE(installer.warnings.size() == 1);
        CHECK_THAT(installer.warnings[0], ContainsSubstring("lost-1-0.conda"));
        CHECK(f.content(installer, "envs/lab/conda-meta/frozen") == "{}");
        CHECK(f.content(installer, "pkgs/envs/lab/shortcuts.txt") == "not there"); // the installer itself removes it
        // A hash in the record is compared with the bytes.
        auto wrong = extract_constructor_package(f.path, installer.packages[2], f.directory.path() / "out");
        REQUIRE_FALSE(wrong.ok());
        CHECK_THAT(wrong.error().message, ContainsSubstring("SHA-256"));
        CHECK_FALSE(fs::exists(f.directory.path() / "out" / "python-3-0.conda"));
        // Without the line that installs environments (a constructor without conda among its packages) there are none.
        maker.more_header.clear();
        CHECK(f.good(maker).environments.empty());
    }
    SECTION("of a list of specs conda made a solution, linked by dependencies") {
        maker.era = test::Era::b2;
        maker.list = "conda=1=0\npython=3=0\nzlib=1=0\n";
        CHECK(names(f.good(maker)).starts_with("zlib-1-0.conda python-3-0.conda conda-1-0.conda | "));
    }
    SECTION("the first era's header has the order") {
        maker.era = test::Era::a;
        auto installer = f.good(maker);
        CHECK(installer.base_count == 5);
        CHECK(installer.packages[1].file_name == "conda-1-0.conda");
    }
}

TEST_CASE("the members that both tar readers see", "[constructor]") {
    InstallerFixture f;
    std::vector<test::TarFile> files = {{"a/", "", '5'},
                                        {"a/b", "text"},
                                        {"a/" + std::string(150, 'l'), "long"},
                                        {"empty", ""},
                                        {"a/link", "", '2', "b"}};
    for (test::TarForm form : {test::TarForm::ustar, test::TarForm::gnu, test::TarForm::pax}) {
        std::string bytes = test::outer_tar(files, form);
        auto own = [&] {
            test::InstallerMaker maker;
            maker.form = form;
            maker.outer = files;
            return f.good(maker);
        }();
        archive::TarOptions options;
        options.name = "x.tar";
        auto source = archive::make_memory_source(Bytes(as_bytes(bytes).begin(), as_bytes(bytes).end()));
        std::size_t seen = 0;
        REQUIRE(archive::read_tar(*source, options,
                                  [&](const archive::TarMember& member, archive::ByteSource& content) -> Status {
                                      if (member.kind == format::EntryKind::directory) return {};
                                      ++seen;
                                      const ConstructorFile& file = f.file(own, member.path);
                                      CHECK(file.is_link == (member.kind == format::EntryKind::symlink));
                                      CHECK(file.mtime == member.mtime);
                                      auto text = archive::read_all(content, 1000, "x");
                                      if (!file.is_link)
                                          CHECK(std::string(as_text(*text)) == f.content(own, member.path));
                                      return {};
                                  })
                    .ok());
        CHECK(seen == 4);
    }
}

TEST_CASE("an installer cut off anywhere says so", "[constructor]") {
    InstallerFixture f;
    test::InstallerMaker maker;
    maker.era = GENERATE(from_range(eras));
    if (maker.era == test::Era::d) maker.internal = {{"_internal/x", std::string(100, 'i'), false}};
    const std::string whole = maker.bytes();
    const std::size_t header = whole.find("@@END_HEADER@@") + 15, comment = whole.find("# MD5:") + 42;
    f.path = maker.write(f.directory.path());
    std::size_t tried = 0;
    // Every length within the header and near the edges of the payloads, then every 97th.
    for (std::size_t length = whole.size() - 1; length > 0;
         length -= length > header + 200 && length < whole.size() - 200 ? 97 : 1) {
        REQUIRE(::truncate(f.path.c_str(), static_cast<off_t>(length)) == 0);
        auto result = read_constructor(f.path, f.options);
        ++tried;
        if (result.ok() || result.error().kind != ErrorKind::usage) FAIL("length " << length);
        const std::string& message = result.error().message;
        INFO(length << ": " << message);
        if (length > comment) REQUIRE(message.find("it is cut short: ") != std::string::npos);
        if (length > comment)
            REQUIRE(message.find(fmt::format("its {} bytes", length)) +
                        message.find(fmt::format("has {} bytes", length)) !=
                    2 * std::string::npos);
        if (length >= header)
            REQUIRE(message.find(fmt::format("declares {}", whole.size())) + message.find("header alone") !=
                    2 * std::string::npos);
        if (length > header) REQUIRE(message.find(fmt::format("declares {}", whole.size())) != std::string::npos);
    }
    CHECK(tried > header);
}

TEST_CASE("a flipped byte of the payload is an error", "[constructor]") {
    InstallerFixture f;
    test::InstallerMaker maker;
    maker.era = GENERATE(from_range(eras));
    std::string bytes = maker.bytes();
    const std::size_t header = bytes.find("@@END_HEADER@@") + 15;
    for (std::size_t at = header; at < bytes.size(); at += (bytes.size() - header) / 40) {
        bytes[at] = static_cast<char>(bytes[at] ^ 4);
        CHECK_THAT(f.bad(bytes), ContainsSubstring("its payload is damaged: it has the MD5 "));
        bytes[at] = static_cast<char>(bytes[at] ^ 4);
    }
}

TEST_CASE("what is no installer is named", "[constructor]") {
    GoldenSentences said("tests/unit/conda/constructor.golden", "what is no installer is named");
    InstallerFixture f;
    said.add(f.bad(""));
    said.add(f.bad("<!DOCTYPE html>\n<html><title>Sign in</title>"));
    said.add(f.bad("\n\n<HTML>"));
    said.add(f.bad("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"));
    said.add(f.bad("#!/bin/sh\n# This script was generated using Makeself 2.5.0\nlabel=\"tool\"\n"));
    said.add(f.bad("#!/bin/sh\n# This script was generated using Makeself 2.1.4\nlabel=\"CUDA "
                   "Toolkit\"\nscript=\"./cuda-installer\"\n"));
    said.add(f.bad("#! /bin/sh\n# NVIDIA Accelerated Graphics Driver for Linux-x86_64 580.65.06\n"));
    said.add(f.bad(std::string("\x7f"
                               "ELF\2\1\1",
                               7)));
    said.add(f.bad("#!/bin/sh\n# lab: an offline installer made by Tinderbox 0.1.0 (linux-64).\n"));
    said.add(f.bad(std::string("MZ\x90\0", 4)));
    said.add(f.bad("xar!...."));
    said.add(f.bad(std::string("PK\3\4rest", 8)));
    said.add(f.bad("\x1f\x8b\x08"));
    said.add(f.bad("BZh91AY"));
    said.add(f.bad("\xfd"
                   "7zXZ"));
    said.add(f.bad("\x28\xb5\x2f\xfd"));
    said.add(f.bad("{\"message\": \"Not Found\"}"));
    said.add(f.bad("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"));
    said.add(f.bad("#!/bin/sh\necho hello\n"));
    said.add(f.bad("hello\n"));
    test::InstallerMaker maker;
    for (auto [platform, words] : {std::pair{"osx-arm64", "for macOS on ARM (osx-arm64)"},
                                   {"osx-64", "for macOS on x86-64"},
                                   {"win-64", "for Windows on x86-64"},
                                   {"linux-ppc64le", "for Linux on POWER"},
                                   {"linux-32", "32-bit x86"},
                                   {"linux-s390x", "IBM Z"},
                                   {"x", "(x)"}}) {
        maker.platform = platform;
        said.add(f.bad(maker));
    }
    maker.platform = "linux-aarch64";
    CHECK(f.good(maker).platform == "linux-aarch64");
    auto missing = read_constructor(f.directory.path() / "nowhere.sh");
    REQUIRE_FALSE(missing.ok());
    CHECK(missing.error().kind == ErrorKind::storage);
}

namespace {

struct Hostile {
    const char* what;
    std::function<void(test::InstallerMaker&)> change;
    const char* message;
};

std::vector<Hostile> hostile() {
    auto edit = [](const char* from, const char* to) {
        return [=](test::InstallerMaker& m) { m.header_edits = {{from, to}}; };
    };
    auto of = [](test::Era era, std::function<void(test::InstallerMaker&)> change) {
        return [=](test::InstallerMaker& m) {
            m.era = era;
            change(m);
        };
    };
    auto outer = [](test::TarFile file) { return [=](test::InstallerMaker& m) { m.outer = {file}; }; };
    auto inner = [](test::TarFile file) { return [=](test::InstallerMaker& m) { m.preconda = {file}; }; };
    const std::string absurd(30, '9');
    return {
        // the header
        {"an MD5 that is another's", [](test::InstallerMaker& m) { m.declared_md5 = std::string(32, '0'); },
         "its header declares 0000"},
        {"no MD5", [](test::InstallerMaker& m) { m.declared_md5 = "none"; }, "no MD5 of what follows it"},
        {"CR LF", edit("#!/bin/sh\n", "#!/bin/sh\r\n"), "changed to CR LF"},
        {"another number of lines", of(test::Era::a, [](test::InstallerMaker& m) { m.declared_lines = "7"; }),
         "line 7 is the first behind it"},
        {"more bytes than declared", of(test::Era::a, [](test::InstallerMaker& m) { m.declared_bytes = "2000"; }),
         "something was appended"},
        {"fewer bytes than the header", of(test::Era::a, [](test::InstallerMaker& m) { m.declared_bytes = "20"; }),
         "does not declare how many bytes"},
        {"bytes that are no number", of(test::Era::b1, [](test::InstallerMaker& m) { m.declared_bytes = "many"; }),
         "does not declare how many bytes"},
        {"bytes inside the first payload",
         of(test::Era::b1, [](test::InstallerMaker& m) { m.declared_bytes = "9000"; }), "fewer than its first payload"},
        {"a first payload elsewhere", of(test::Era::b1, edit("tail -c +0000000000000", "tail -c +0000000000009")),
         "its first payload starts at"},
        {"an expression for a size",
         edit("boundary1=$(( $boundary0 + 40000 ))", "boundary1=$(( $boundary0 + $(wc -c x) ))"), "is no sum"},
        {"a command for a size", edit("boundary1=$(( $boundary0 + 40000 ))", "boundary1=$(curl evil.example)"),
         "is no sum"},
        {"a negative size", edit("+ 40000 ))", "+ -4000 ))"), "is no sum"},
        {"an absurd size", edit("+ 40000 ))", "+ 999999999999999999 ))"), "is absurd"},
        {"a size beyond 64 bits", edit("+ 40000 ))", "+ 99999999999999999999999 ))"), "is no sum"},
        {"a size that is too large", edit("+ 40000 ))", "+ 50000 ))"), "it is cut short"},
        {"no second payload", edit("boundary2=", "boundaryX="), "a first payload and no second"},
        {"no payload at all",
         of(test::Era::c,
            [](test::InstallerMaker& m) {
                m.header_edits = {{"boundary1=", "b1="}, {"boundary2=", "b2="}};
            }),
         "does not say where"},
        {"dd in another order", of(test::Era::b2, edit("bs=16384        skip=1", "bs=16384        skip=2")),
         "do not read one range"},
        {"dd without blocks", of(test::Era::b2, edit("bs=16384", "bs=0    ")), "cannot be read"},
        {"a dd too many",
         of(test::Era::b2, [](test::InstallerMaker& m) { m.more_header = "dd if=x bs=1 skip=1 count=1\n"; }),
         "has 7 dd commands"},
        {"an internal file outside of its payload",
         of(test::Era::d,
            [](test::InstallerMaker& m) {
                m.internal = {{"_internal/x", "abc", false}};
                m.header_edits = {{"$(( boundary1 + 3 ))  >", "$(( boundary1 + 9 ))  >"}};
            }),
         "lies outside of its payload"},
        {"an internal file that ends before it begins",
         of(test::Era::d,
            [](test::InstallerMaker& m) {
                m.internal = {{"_internal/x", "abc", false}};
                m.header_edits = {{"$(( boundary1 + 0 ))", "$(( boundary1 + 9 ))"}};
            }),
         "is no range"},
        {"an internal file above the prefix",
         of(test::Era::d,
            [](test::InstallerMaker& m) {
                m.internal = {{"../../etc/cron.d/x", "abc", false}};
            }),
         "its header writes"},
        {"an executable above the prefix", edit("CONDA_EXEC=\"$PREFIX/_conda\"", "CONDA_EXEC=\"$PREFIX/../_conda\""),
         "its header writes"},
        {"an empty executable", [](test::InstallerMaker& m) { m.executable.clear(); }, "its conda executable is empty"},
        // the tar
        {"an absolute path", outer({"/etc/passwd", "x"}), "Labconda.sh:/etc/passwd: "},
        {"a path above the prefix", outer({"pkgs/../../x", "x"}), "'..'"},
        {"a device", outer({"dev", "", '3'}), "no file, directory or link"},
        {"a pipe", outer({"pipe", "", '6'}), "no file, directory or link"},
        {"a link that leaves the prefix", outer({"lib", "", '2', "/usr/lib"}), "leaves the prefix"},
        {"a file through a link",
         [](test::InstallerMaker& m) {
             m.outer = {{"d", "", '2', "pkgs"}, {"d/x", "y"}};
         },
         "is no directory"},
        {"a file in a file",
         [](test::InstallerMaker& m) {
             m.outer = {{"LICENSE.txt/x", "y"}};
         },
         "is no directory"},
        {"a hard link to nothing", outer({"h", "", '1', "nothing"}), "no earlier file"},
        {"a member twice", outer({"LICENSE.txt", "another"}), "occurs twice"},
        {"control characters in a name", outer({"a\x1b[2Jb", "x"}), "a\\x1b[2Jb"},
        {"a package twice, in both formats",
         [](test::InstallerMaker& m) {
             m.packages.push_back({"python-3.11.4-0.tar.bz2", "x", ""});
         },
         ".conda and as .tar.bz2"},
        {"a package without a version",
         [](test::InstallerMaker& m) {
             m.outer = {{"pkgs/x.conda", "x"}};
         },
         "Labconda.sh:pkgs/x.conda"},
        // preconda and postconda
        {"an absolute path inside", inner({"/etc/x", "x"}), "preconda.tar.bz2:/etc/x"},
        {"a path above the prefix inside", inner({"../x", "x"}), "'..'"},
        {"a link out of the prefix inside", inner({"x", "", '2', "../../x"}), "leaves the package"},
        {"a device inside", inner({"x", "", '4'}), "device node"},
        {"a record that is no JSON", inner({"pkgs/python-3.11.4-0/info/repodata_record.json", "{"}), "is no JSON"},
        {"a record that is a list", inner({"pkgs/python-3.11.4-0/info/repodata_record.json", "[]"}), "no JSON object"},
        {"a file where a directory is needed",
         [](test::InstallerMaker& m) {
             m.postconda = {{"share", "x"}};
             m.outer = {{"share/y", "y"}};
         },
         "where its directory has to be"},
        {"a file where the executable lies", inner({"_conda", "x"}), "it is there twice"},
        {"a list of what is not there",
         [](test::InstallerMaker& m) { m.list = "@EXPLICIT\nhttps://h.example/c/none-1-0.conda\n"; },
         "lists 'none-1-0', which is not in it"},
        {"a list of nothing", [](test::InstallerMaker& m) { m.list = "@EXPLICIT\n"; }, "lists no packages"},
        {"an environment of what is not there",
         [](test::InstallerMaker& m) {
             m.more_header = "for env_pkgs in \"${PREFIX}\"/pkgs/envs/*/; do\n";
             m.preconda = {{"pkgs/envs/lab/env.txt", "@EXPLICIT\nhttps://h.example/c/none-1-0.conda\n"}};
         },
         "envs/lab lists 'none-1-0', which is not in it"},
        {"an environment of nothing",
         [](test::InstallerMaker& m) {
             m.more_header = "for env_pkgs in \"${PREFIX}\"/pkgs/envs/*/; do\n";
             m.preconda = {{"pkgs/envs/lab/env.txt", "@EXPLICIT\n"}};
         },
         "envs/lab lists no packages"},
        {"an environment above the prefix", inner({"pkgs/envs/../../x/env.txt", "x"}), "'..'"},
        {"no packages", [](test::InstallerMaker& m) { m.packages.clear(); }, "it holds no packages"},
    };
}

} // namespace

TEST_CASE("damaged and hostile installers", "[constructor]") {
    InstallerFixture f;
    std::size_t count = 0;
    for (const Hostile& one : hostile()) {
        INFO(one.what);
        test::InstallerMaker maker;
        one.change(maker);
        const std::string message = f.bad(maker);
        CHECK(message != "");
        CHECK_THAT(message, ContainsSubstring(one.message));
        CHECK(message.find('\x1b') == std::string::npos);
        ++count;
    }
    CHECK(count >= 50);
}

TEST_CASE("damage inside the tar that the MD5 covers", "[constructor]") {
    InstallerFixture f;
    test::InstallerMaker maker;
    // The edit happens in the payload before its MD5 is computed, so the MD5 matches.
    maker.payload_edits = {{"LICENSE.txt", "LICENSE.tyt"}};
    CHECK_THAT(f.bad(maker), ContainsSubstring("there is no tar header"));
    maker.payload_edits = {{"mtime=1600000000.25", "GNU.sparse.map=1,23"}};
    CHECK_THAT(f.bad(maker), ContainsSubstring("sparse file"));
    maker.payload_edits = {{"23 mtime=16", "99 mtime=16"}};
    CHECK_THAT(f.bad(maker), ContainsSubstring("PAX records are damaged"));
    maker.payload_edits = {{"23 mtime=1600000000.25", "23 size=9999999999999x"}};
    CHECK_THAT(f.bad(maker), ContainsSubstring("no number"));
    maker.payload_edits = {{"23 mtime=1600000000.25", "23 size=99999999999999"}};
    CHECK_THAT(f.bad(maker), ContainsSubstring("reach beyond the end"));
    maker.payload_edits = {{"BZh1", "BZx1"}};
    CHECK_THAT(f.bad(maker), ContainsSubstring("preconda.tar.bz2"));
    // Appended bytes are never read.
    maker.payload_edits.clear();
    std::string bytes = maker.bytes() + "appended";
    f.path = f.directory.path() / "x.sh";
    REQUIRE(write_atomically(f.path, bytes).ok());
    auto installer = read_constructor(f.path, f.options);
    REQUIRE(installer.ok());
    REQUIRE(installer->warnings.size() == 1);
    CHECK_THAT(installer->warnings[0], ContainsSubstring("8 bytes after"));
}
