#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "generator/conda/names.hpp"
#include "generator/spec/reader.hpp"
#include "source_dir.hpp"
#include "tests/unit/golden_text.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>

using namespace tinderbox;
using test::GoldenSentences;
using namespace tinderbox::spec;
using nlohmann::json;

namespace {

// A directory with the files of one test; errors and paths are relative to it.
struct Files {
    TemporaryDirectory directory = std::move(TemporaryDirectory::make()).value();
    std::string write(const std::string& name, std::string_view text) const {
        fs::path path = directory.path() / name;
        fs::create_directories(path.parent_path());
        REQUIRE(write_atomically(path, text).ok());
        return path.string();
    }
};

Request accepted(std::string_view text, const std::string& path = "requirements.txt") {
    auto request = parse_spec(text, path);
    if (!request.ok()) FAIL(request.error().message);
    return std::move(request).value();
}

std::string refused(std::string_view text, const std::string& path = "requirements.txt") {
    auto request = parse_spec(text, path);
    if (request.ok())
        if (Status bundled = check_bundled(*request); !bundled.ok()) request = bundled.error();
    if (request.ok()) FAIL("accepted: " << text);
    CHECK(request.error().kind == ErrorKind::usage);
    return request.error().message;
}

} // namespace

TEST_CASE("requirements: comments, continuations, BOM and CRLF", "[requirements]") {
    auto request = accepted("\xef\xbb\xbf# a comment\r\n"
                            "numpy==2.3.5  # the newest\r\n"
                            "\r\n"
                            "torch==2.9.1 \\\r\n"
                            "    ; python_version >= '3.10'\r\n"
                            "\t Pillow[Avif,webp] == 12.0 ; os_name=='posix'\r\n"
                            "six==1.\\\n"
                            "16.0\n"
                            "last==1");
    CHECK(request.kind == "requirements.txt");
    REQUIRE(request.pip.size() == 5);
    CHECK(request.pip[0].name == "numpy");
    CHECK(request.pip[0].text == "numpy==2.3.5");
    CHECK(request.pip[0].specifier == "==2.3.5");
    CHECK(request.pip[0].line.str() == "requirements.txt:2");
    CHECK(request.pip[1].line.line == 4);
    CHECK(request.pip[1].marker == "python_version >= \"3.10\"");
    CHECK(request.pip[2].name == "pillow");
    CHECK(request.pip[2].extras == std::vector<std::string>{"avif", "webp"});
    CHECK(request.pip[3].specifier == "==1.16.0");
    CHECK(request.pip[4].line.line == 9);
}

TEST_CASE("requirements: every option pip has in a file", "[requirements]") {
    auto request = accepted("-i https://user:canary@index.example/simple\n"
                            "--extra-index-url=https://a.example/simple --extra-index-url 'https://b.example/simple'\n"
                            "--find-links https://links.example/page.html\n"
                            "-fhttps://links.example/second.html\n"
                            "--no-index\n--pre\n--require-hashes\n--prefer-binary\n"
                            "--trusted-host localhost:8080\n"
                            "--only-binary :all:\n--no-binary=foo,bar\n"
                            "--use-feature=fast-deps\n"
                            "numpy==1 --hash=sha256:"
                            "AA00000000000000000000000000000000000000000000000000000000000000 \\\n"
                            "  --hash sha256:bb00000000000000000000000000000000000000000000000000000000000000\n");
    const pip::Options& options = request.pip_options;
    CHECK(options.index_url == "https://user:canary@index.example/simple");
    CHECK(options.extra_index_urls.size() == 2);
    CHECK(options.find_links.size() == 2);
    CHECK(options.no_index);
    CHECK(options.pre);
    CHECK(options.require_hashes);
    CHECK(options.trusted_hosts == std::vector<std::string>{"localhost:8080"});
    CHECK(options.only_binary == std::vector<std::string>{":all:"});
    CHECK(options.no_binary == std::vector<std::string>{"foo", "bar"});
    REQUIRE(request.pip.size() == 1);
    REQUIRE(request.pip[0].hashes.size() == 2);
    CHECK(request.pip[0].hashes[0].starts_with("sha256:aa00"));
    REQUIRE(request.ignored.size() == 1);
    CHECK(request.ignored[0].what == "--use-feature");
    // No report shows a password.
    CHECK(to_json(request).dump().find("canary") == std::string::npos);
}

TEST_CASE("requirements: -r and -c are relative to the file that names them", "[requirements]") {
    GoldenSentences said("tests/unit/spec/spec.golden",
                         "requirements: -r and -c are relative to the file that names them");
    Files files;
    said.hide(files.directory.path().string(), "DIR");
    files.write("sub/deep/more.txt", "idna==3.0\n-c ../../constraints.txt\n");
    files.write("sub/base.txt", "-r deep/more.txt\nsix==1.16.0\n");
    files.write("constraints.txt", "numpy==2.0\n");
    auto path = files.write("requirements.txt", "-r sub/base.txt\nnumpy\n");
    auto request = read_spec(path);
    if (!request.ok()) FAIL(request.error().message);
    REQUIRE(request->pip.size() == 3);
    CHECK(request->pip[0].name == "idna");
    CHECK(request->pip[0].line.str() == files.directory.path().string() + "/sub/deep/more.txt:1");
    REQUIRE(request->pip_constraints.size() == 1);
    CHECK(request->pip_constraints[0].specifier == "==2.0");
    auto shown = to_json(*request);
    CHECK(shown["pip"][0]["line"] == 1);
    CHECK(shown["pip"][0]["file"] == request->pip[0].line.file);
    CHECK(!shown["pip"][2].contains("file"));

    files.write("circle.txt", "six==1\n-r requirements2.txt\n");
    auto circle = files.write("requirements2.txt", "-r circle.txt\n");
    said.add(read_spec(circle).error().message);
    auto missing = files.write("requirements3.txt", "\n-r nothing.txt\n");
    said.add(read_spec(missing).error().message);
    CHECK(read_spec(missing).error().kind == ErrorKind::usage);
}

TEST_CASE("requirements: URLs, paths and variables", "[requirements]") {
    Files files;
    files.write("dist/foo_bar-1.0-py3-none-any.whl", "x");
    setenv("TINDERBOX_TEST_HOST", "host.example", 1);
    unsetenv("TINDERBOX_TEST_NONE");
    auto path =
        files.write("r.txt", "https://${TINDERBOX_TEST_HOST}/a%2Bb/"
                             "Foo.Bar-1.0%2Bcu128-py3-none-any.whl#sha256="
                             "00000000000000000000000000000000000000000000000000000000000000ff ; os_name == 'posix'\n"
                             "pip @ https://h.example/pip-25.0-py3-none-any.whl\n"
                             "dist/foo_bar-1.0-py3-none-any.whl[extra1, Extra_2] ; python_version > '3'\n"
                             "https://h.example/page/x.whl#egg=Some_Name[a]\n"
                             "--find-links dist\n"
                             "-i https://${TINDERBOX_TEST_NONE}@h.example/simple\n");
    auto request = read_spec(path);
    if (!request.ok()) FAIL(request.error().message);
    REQUIRE(request->pip.size() == 4);
    CHECK(request->pip[0].name == "foo-bar");
    CHECK(request->pip[0].url.starts_with("https://host.example/"));
    CHECK(request->pip[0].marker == "os_name == 'posix'");
    CHECK(request->pip[1].url == "https://h.example/pip-25.0-py3-none-any.whl");
    CHECK(request->pip[2].url == files.directory.path().string() + "/dist/foo_bar-1.0-py3-none-any.whl");
    CHECK(request->pip[2].name == "foo-bar");
    CHECK(request->pip[2].extras == std::vector<std::string>{"extra-2", "extra1"});
    CHECK(request->pip[3].name == "some-name");
    CHECK(request->pip[3].extras == std::vector<std::string>{"a"});
    CHECK(request->pip_options.find_links == std::vector<std::string>{files.directory.path().string() + "/dist"});
    CHECK(request->pip_options.index_url == "https://${TINDERBOX_TEST_NONE}@h.example/simple");
}

TEST_CASE("requirements: what pip refuses is refused with its line", "[requirements]") {
    GoldenSentences said("tests/unit/spec/spec.golden", "requirements: what pip refuses is refused with its line");
    said.hide(fs::current_path().string() + "/", "CWD/");
    for (const char* text : {"numpy = 1.0",
                             "numpy 1.0",
                             "numpy==",
                             "numpy==1.0 2.0",
                             "==1.0",
                             "numpy==1.0 ; python_version",
                             "numpy==1.0 ; python_version < 3.8",
                             "numpy[cuda==1.0",
                             "--wrong-option x",
                             "-q",
                             "--index-url",
                             "--no-index=yes",
                             "--index-url 'https://x.example",
                             "--index-url simple",
                             "--no-index foo",
                             "numpy==1 --hash=sha256:00 ; os_name == 'nt'",
                             "--hash=sha256:00",
                             "numpy==1 --hash=sha256:00",
                             "numpy==1 --hash=md5:d41d8cd98f00b204e9800998ecf8427e",
                             "-e .",
                             "--editable=./src",
                             "git+https://user:canary@host.example/x.git",
                             "x @ git+ssh://git@host.example/x.git@v1",
                             "-e git+https://host.example/x.git#egg=x",
                             "x @ ./dist/x.whl",
                             "./missing-1.0-py3-none-any.whl",
                             ".",
                             "numpy=>1.0",
                             "https://h.example/a b.whl",
                             "-r https://h.example/r.txt",
                             "-c nothing.txt",
                             "n\xc3\xbcmpy==1"}) {
        CAPTURE(text);
        std::string message = refused("six==1.0\n\n" + std::string(text) + "\n");
        CHECK(message.starts_with("requirements.txt:3: "));
        said.add(message);
        CHECK(message.find("canary") == std::string::npos);
        CHECK(message.find('\n') == std::string::npos);
    }
    said.add(refused("\xff\xfen\0u\0"));
    said.add(refused("numpy==1\xff\n"));
    said.add(read_spec("/nonexistent/requirements.txt").error().message);
    said.add(read_spec("/tmp").error().message);
}

TEST_CASE("explicit lists: hashes, URLs and paths", "[explicit]") {
    Files files;
    files.write("pkgs/zlib-1.3.1-h1.conda", "x");
    auto path = files.write(
        "list.txt",
        "# platform: linux-64\n@EXPLICIT\n"
        "https://conda.example/main/linux-64/python-3.11.9-h955ad1f_0.conda#C1E1A9C5AC1D2B0C5B2A5F0B0D1A2B3C\n"
        "https://u:canary@conda.example/t/tk-canary/c/noarch/tz-data-2025b-h04_0.tar.bz2"
        "#sha256:00000000000000000000000000000000000000000000000000000000000000ff\n"
        "pkgs/zlib-1.3.1-h1.conda\n"
        "file:///pkgs/a%20b/xz-5.4-h_0.tar.bz2\n"
        "# pip idna @ https://p.example/idna-3.0-py3-none-any.whl --hash=sha256:"
        "00000000000000000000000000000000000000000000000000000000000000aa\n");
    auto request = read_spec(path);
    if (!request.ok()) FAIL(request.error().message);
    CHECK(request->kind == "explicit");
    REQUIRE(request->conda.size() == 4);
    CHECK(request->conda[0].name == "python");
    CHECK(request->conda[0].version == "3.11.9");
    CHECK(request->conda[0].build == "h955ad1f_0");
    CHECK(request->conda[0].md5 == "c1e1a9c5ac1d2b0c5b2a5f0b0d1a2b3c");
    CHECK(request->conda[0].channel == "https://conda.example/main");
    CHECK(request->conda[0].line.line == 3);
    CHECK(request->conda[1].name == "tz-data");
    CHECK(request->conda[1].sha256.ends_with("ff"));
    CHECK(request->conda[2].url == files.directory.path().string() + "/pkgs/zlib-1.3.1-h1.conda");
    CHECK(request->conda[3].name == "xz");
    REQUIRE(request->pip.size() == 1);
    CHECK(request->pip[0].name == "idna");
    CHECK(to_json(*request).dump().find("canary") == std::string::npos);
}

TEST_CASE("explicit lists: mistakes", "[explicit]") {
    GoldenSentences said("tests/unit/spec/spec.golden", "explicit lists: mistakes");
    said.add(refused("@EXPLICIT\nnumpy==1.0\n", "l.txt"));
    said.add(refused("@EXPLICIT\nhttps://x.example/linux-64/a-1-0.conda#123\n"));
    said.add(refused("@EXPLICIT\nhttps://x.example/linux-64/a-1.conda\n"));
    said.add(refused("@EXPLICIT\nftp://x.example/linux-64/a-1-0.conda\n"));
    std::string twice =
        refused("@EXPLICIT\nhttps://x.example/linux-64/a-1-0.conda\nhttps://x.example/linux-64/a-2-0.conda\n", "l.txt");
    said.add(twice);
    CHECK(accepted("@EXPLICIT\nhttps://x.example/linux-64/a-1-0.conda\nhttps://x.example/linux-64/a-1-0.conda\n")
              .conda.size() == 1);
    CHECK(!conda::parse_file_name("a-1.conda"));
    CHECK(!conda::parse_file_name("-1-0.conda"));
    CHECK(!conda::parse_file_name("a--0.conda"));
    CHECK(!conda::parse_file_name("a-1-0.zip"));
}

TEST_CASE("explicit lists of other tools", "[explicit]") {
    std::vector<fs::path> directories{fs::path(TINDERBOX_SOURCE_DIR) / "tests/data/locks"};
    // Real files of other projects, whose licences forbid a copy in this tree.
    if (const char* real = std::getenv("TINDERBOX_TESTDATA"); real && fs::exists(fs::path(real) / "locks"))
        directories.push_back(fs::path(real) / "locks");
    std::size_t lists = 0;
    for (const fs::path& directory : directories)
        for (const auto& file : fs::directory_iterator(directory)) {
            const std::string name = file.path().filename().string();
            if (name.find("explicit-") == std::string::npos) continue;
            CAPTURE(name);
            ++lists;
            auto request = read_spec(file.path().string());
            if (!request.ok()) FAIL(request.error().message);
            auto text = read_text(file.path());
            std::size_t urls = 0;
            for (auto line : split_lines(*text)) urls += line.starts_with("https://");
            CHECK(urls > 0);
            CHECK(request->conda.size() == urls);
            for (const CondaSpec& spec : request->conda) {
                CHECK(!spec.name.empty());
                CHECK(spec.text.find(spec.name + "-" + spec.version + "-" + spec.build) != std::string::npos);
                CHECK(spec.md5.empty() == (name.find("plain") != std::string::npos));
            }
        }
    CHECK(lists >= 2);
}

TEST_CASE("a requirements file stays one under another name", "[requirements]") {
    GoldenSentences said("tests/unit/spec/spec.golden", "a requirements file stays one under another name");
    // `uv export -o pylock.toml` writes this when nobody tells it the format.
    std::string text =
        "# This file was autogenerated by uv via the following command:\n#    uv export -o pylock.toml\n-e .\n";
    for (int i = 0; i < 60; ++i)
        text += "package-" + std::to_string(i) + "==1." + std::to_string(i) +
                " ; sys_platform == 'linux' \\\n    --hash=sha256:" + std::string(64, 'a') +
                " \\\n    --hash=sha256:" + std::string(64, 'b') + "\n    # via lab\n";
    said.add(refused(text, "pylock.toml"));
    auto request = accepted(replace_all(text, "-e .\n", "\n"), "pylock.toml");
    CHECK(request.kind == "requirements.txt");
    CHECK(request.pip.size() == 60);
    for (const pip::RequirementLine& requirement : request.pip) CHECK(requirement.hashes.size() == 2);
}

TEST_CASE("environment.yml with its pip section", "[environment]") {
    auto request =
        accepted("name: lab\n"
                 "channels:\n  - conda-forge\n  - nodefaults\n"
                 "dependencies:\n"
                 "  - python=3.11.9=h955ad1f_0\n"
                 "  - conda-forge::numpy >=1.26, <2\n"
                 "  - pip\n"
                 "  - https://conda.example/main/linux-64/zlib-1.3-h0.conda#00000000000000000000000000000000\n"
                 "  - pip:\n"
                 "      - --extra-index-url https://x.example/whl\n"
                 "      - torch==2.9.1  # newest\n"
                 "variables:\n  OMP_NUM_THREADS: 4\n  EMPTY: ''\n"
                 "prefix: /home/somebody/envs/lab\n"
                 "made_by: hand\n",
                 "environment.yml");
    CHECK(request.kind == "environment.yml");
    CHECK(request.name == "lab");
    CHECK(request.channels == std::vector<std::string>{"conda-forge"});
    REQUIRE(request.conda.size() == 4);
    CHECK(request.conda[0].version == "3.11.9");
    CHECK(request.conda[0].build == "h955ad1f_0");
    CHECK(request.conda[0].line.line == 6);
    CHECK(request.conda[1].channel == "conda-forge");
    CHECK(request.conda[1].version == ">=1.26,<2");
    CHECK(request.conda[2].version.empty());
    CHECK(request.conda[3].name == "zlib");
    REQUIRE(request.pip.size() == 1);
    CHECK(request.pip[0].line.line == 12);
    CHECK(request.pip[0].text == "torch==2.9.1");
    CHECK(request.pip_options.extra_index_urls.size() == 1);
    CHECK(request.variables == std::map<std::string, std::string>{{"OMP_NUM_THREADS", "4"}, {"EMPTY", ""}});
    REQUIRE(request.ignored.size() == 3);
    CHECK(request.ignored[1].what == "prefix");
    CHECK(request.ignored[1].line.line == 16);
    CHECK(request.ignored[2].what == "made_by");

    auto shown = to_json(request);
    std::vector<std::string> keys;
    for (const auto& [key, value] : shown.items()) keys.push_back(key);
    CHECK(keys ==
          std::vector<std::string>{"channels", "conda", "ignored", "kind", "name", "pip", "pip_options", "variables"});
    CHECK(shown["conda"][0] == json{{"spec", "python=3.11.9=h955ad1f_0"},
                                    {"name", "python"},
                                    {"version", "3.11.9"},
                                    {"build", "h955ad1f_0"},
                                    {"channel", ""},
                                    {"line", 6}});
    CHECK(shown["pip"][0] == json{{"requirement", "torch==2.9.1"}, {"name", "torch"}, {"line", 12}});
    CHECK(shown["pip_options"] == json::array({"--extra-index-url https://x.example/whl"}));
    CHECK(shown["ignored"][1]["line"] == 16);
}

TEST_CASE("environment.yml: mistakes have a line", "[environment]") {
    GoldenSentences said("tests/unit/spec/spec.golden", "environment.yml: mistakes have a line");
    for (const char* text : {"name: a\nname: b\n",
                             "name: a\ndependencies:\n\t- numpy\n",
                             "name: a\ndependencies: numpy\n",
                             "name: a\ndependencies:\n  - numpy: 1.0\n",
                             "name: a\ndependencies:\n  -\n  - x\n",
                             "name: a\ndependencies:\n  - npm:\n    - x\n",
                             "name: a\ndependencies:\n  - pip: numpy\n",
                             "name: a\ndependencies:\n  - pip:\n    - numpy = 1\n",
                             "name: a\ndependencies:\n  - pip:\n    - -e .\n",
                             "name: a\ndependencies:\n  - sel(macos): x\n",
                             "name: a\ndependencies:\n  - [a, b]\n",
                             "name: a\ndependencies:\n  - 'python=='\n",
                             "name: a\ndependencies:\n  - ::python\n",
                             "name: a\ndependencies:\n  - python[version='1'\n",
                             "name: a\ndependencies:\n  - python[colour=red]\n",
                             "name: a\nvariables:\n  1X: y\n",
                             "name: a\nvariables:\n  X: [1]\n",
                             "name: [a]\n",
                             "name: a\nchannels: x\n",
                             "name: a\ndependencies: [a\n",
                             "name: a\n  bad: : x\n"}) {
        CAPTURE(text);
        said.add(refused(text, "environment.yml"));
    }
    said.add(refused("name: a\n---\nname: b\n", "e.yml"));
}

TEST_CASE("environment.yml: mamba's selectors", "[environment]") {
    const std::string text = "dependencies:\n  - sel(linux): a\n  - sel(osx): b\n  - sel(unix): c\n  - sel(win): d\n";
    for (const auto& [platform, names] :
         {std::pair<const char*, const char*>{"linux-aarch64", "ac"}, {"osx-arm64", "bc"}, {"win-64", "d"}}) {
        LockChoice choice;
        choice.platform = platform;
        auto request = parse_spec(text, "e.yml", choice);
        REQUIRE(request.ok());
        std::string taken;
        for (const CondaSpec& spec : request->conda) taken += spec.name;
        CHECK(taken == names);
        CHECK(request->ignored.size() == 4 - taken.size());
    }
}

TEST_CASE("lines that end with CR alone", "[spec]") {
    auto request = parse_spec("name: x\rdependencies:\r  - a\r  - sel(linux):\r", "e.yml");
    REQUIRE(!request.ok());
    CHECK(request.error().message.starts_with("e.yml:4:"));
    auto good = parse_spec("name: x\rdependencies:\r  - a\r  - pip:\r    - b\r", "e.yml");
    REQUIRE(good.ok());
    CHECK(good->conda.size() == 1);
    CHECK(good->pip.at(0).line.line == 5);
}

TEST_CASE("options behind a requirement are ignored, as by pip", "[requirements]") {
    auto request =
        parse_spec("torch --index-url https://h.example/simple\nx==0.5.1 --no-binary=x -r other.txt\n", "r.txt");
    REQUIRE(request.ok());
    CHECK(request->pip.size() == 2);
    CHECK(request->ignored.size() == 3);
    CHECK(!request->pip_options.index_url);
    CHECK(request->pip_options.no_binary.empty());
}

TEST_CASE("match specs are taken apart", "[environment]") {
    struct Case {
        const char *text, *name, *version, *build, *channel;
    };
    for (Case one :
         std::initializer_list<Case>{{"numpy", "numpy", "", "", ""},
                                     {"Numpy 1.8*", "numpy", "1.8*", "", ""},
                                     {"numpy=1.8", "numpy", "1.8", "", ""},
                                     {"numpy==1.8", "numpy", "==1.8", "", ""},
                                     {"numpy ==1.8 py27_0", "numpy", "==1.8", "py27_0", ""},
                                     {"numpy 1.8.1 py27_0", "numpy", "1.8.1", "py27_0", ""},
                                     {"numpy=1.8=py27_0", "numpy", "1.8", "py27_0", ""},
                                     {"numpy==1.8=py27_0", "numpy", "==1.8", "py27_0", ""},
                                     {"numpy>=1.8,<2|>3", "numpy", ">=1.8,<2|>3", "", ""},
                                     {"numpy >= 1.8 , < 2", "numpy", ">=1.8,<2", "", ""},
                                     {"numpy~=1.8", "numpy", "~=1.8", "", ""},
                                     {"conda-forge::numpy=1", "numpy", "1", "", "conda-forge"},
                                     {"conda-forge/linux-64::numpy", "numpy", "", "", "conda-forge/linux-64"},
                                     {"https://h.example/c::numpy", "numpy", "", "", "https://h.example/c"},
                                     {"numpy[version='>=1,<2', build=py*]", "numpy", ">=1,<2", "py*", ""},
                                     {"numpy=1.8 # why", "numpy", "1.8", "", ""},
                                     {"__cuda>=12", "__cuda", ">=12", "", ""}}) {
        CAPTURE(one.text);
        auto spec = read_match_spec(one.text, {"x", 1});
        if (!spec.ok()) FAIL(spec.error().message);
        CHECK(spec->name == one.name);
        CHECK(spec->version == one.version);
        CHECK(spec->build == one.build);
        CHECK(spec->channel == one.channel);
    }
    for (const char* bad :
         {"=1.0", "numpy=", "numpy=1=", "numpy==", "numpy(1.0)", "numpy >=1 py27_0 extra", "numpy]", "numpy[version"}) {
        CAPTURE(bad);
        CHECK(!read_match_spec(bad, {"x", 1}).ok());
    }
}

TEST_CASE("the kind is told from the content", "[spec]") {
    CHECK(recognise_spec("# x\n@EXPLICIT\n") == SpecKind::explicit_list);
    CHECK(recognise_spec("numpy==1\n") == SpecKind::requirements);
    CHECK(recognise_spec("") == SpecKind::requirements);
    CHECK(recognise_spec("# name: x\nnumpy\n") == SpecKind::requirements);
    CHECK(recognise_spec("---\nname: x\ndependencies:\n- a\n") == SpecKind::environment);
    CHECK(recognise_spec("dependencies: []\n") == SpecKind::environment);
    CHECK(recognise_spec("version: 1\nmetadata:\npackage:\n- name: x\n") == SpecKind::conda_lock);
    CHECK(recognise_spec("version: 6\nenvironments:\n  default:\n") == SpecKind::pixi_lock);
    CHECK(recognise_spec("version = 1\nrevision = 3\n\n[[package]]\nname = \"a\"\n") == SpecKind::uv_lock);
    CHECK(recognise_spec("[build-system]\nrequires = []\n[project]  # x\nname = \"a\"\n") == SpecKind::pyproject);
    CHECK(recognise_spec("{name: x, dependencies: [a]}\n") == SpecKind::environment);
    CHECK(recognise_spec("\"name\": x\n'dependencies' :\n  - a\n") == SpecKind::environment);
    CHECK(recognise_spec("name: x\nversion: 1\nchannels: []\nenvironment_file: e.yml\n") == SpecKind::construct);
    CHECK(recognise_spec("lock-version = \"1.0\"\n") == SpecKind::pylock);
    CHECK(recognise_spec("name: x\nversion: 1\nspecs:\n  - python\n") == SpecKind::construct);
    CHECK(recognise_spec("{\n  \"tinderbox_lock\": 1\n}\n") == SpecKind::tinderbox_lock);
}

TEST_CASE("requests merge, and contradictions name both lines", "[merge]") {
    GoldenSentences said("tests/unit/spec/spec.golden", "requests merge, and contradictions name both lines");
    auto one = [](std::string_view text, const std::string& path) { return accepted(text, path); };
    auto merged = merge({one("name: a\nchannels: [x, y]\ndependencies: [python=3.11]\nvariables: {A: 1}\n", "e.yml"),
                         one("numpy==1.0\n", "r.txt"), one("numpy==1.0.0\nsix==1\n", "s.txt")});
    REQUIRE(merged.ok());
    CHECK(merged->kind == "merged");
    CHECK(merged->name == "a");
    CHECK(merged->pip.size() == 3);
    auto both = [&](std::vector<Request> requests) {
        auto result = merge(std::move(requests));
        REQUIRE(!result.ok());
        CHECK(result.error().kind == ErrorKind::usage);
        said.add(result.error().message);
    };
    both({one("numpy==1.0\n", "r.txt"), one("\nNumPy==2.0\n", "s.txt")});
    both({one("numpy==1.0\nnumpy==1.1\n", "r.txt")});
    both({one("name: a\n", "e.yml"), one("name: b\n", "f.yml")});
    both({one("variables: {A: 1}\n", "e.yml"), one("variables: {A: 2}\n", "f.yml")});
    both({one("-i https://a.example/\n", "r.txt"), one("-i https://u:canary@b.example/\n", "s.txt")});
    both({one("name: a\ndependencies: [a=1=0]\n", "e.yml"),
          one("@EXPLICIT\nhttps://h.example/c/noarch/a-2-0.conda\n", "l.txt")});
    CHECK(merge({one("numpy==1.0 ; python_version < '3'\nnumpy==1.1 ; python_version >= '3'\n", "r.txt")}).ok());
    CHECK(merge({}).ok());
}

TEST_CASE("entries of the command line", "[spec]") {
    GoldenSentences said("tests/unit/spec/spec.golden", "entries of the command line");
    Request request;
    CHECK(add_pip(request, "numpy==1.0").ok());
    CHECK(add_conda(request, "python=3.11").ok());
    CHECK(request.pip[0].line.str() == "command line: --pip");
    CHECK(request.conda[0].name == "python");
    said.add(add_pip(request, "numpy = 1").error().message);
    CHECK(!add_pip(request, " ").ok());
    CHECK(add_conda(request, "https://h.example/c/noarch/a-2-0.conda").ok());
}
