#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "generator/pip/marker.hpp"
#include "generator/spec/reader.hpp"
#include "tests/unit/golden_text.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

using namespace tinderbox;
using test::GoldenSentences;
using namespace tinderbox::spec;
using nlohmann::json;

namespace {

Request taken(std::string_view text, const std::string& path, LockChoice choice = {}) {
    auto request = parse_spec(text, path, choice);
    if (!request.ok()) FAIL(request.error().message);
    return std::move(request).value();
}

std::string refused_lock(std::string_view text, const std::string& path, LockChoice choice = {}) {
    auto request = parse_spec(text, path, choice);
    if (request.ok()) FAIL("accepted: " << text);
    CHECK(request.error().kind == ErrorKind::usage);
    return request.error().message;
}

std::vector<std::string> wheels(const Request& request, const std::string& python = "3.11.9",
                                std::vector<std::string> replaced = {}) {
    pip::Target target;
    target.python = python;
    auto chosen = wheels_of(request.locks.at(0), target, replaced);
    if (!chosen.ok()) FAIL(chosen.error().message);
    std::vector<std::string> out;
    for (const LockedWheel& wheel : *chosen) out.push_back(wheel.file.file_name + (wheel.requested ? "" : " (needed)"));
    return out;
}

std::string no_wheels(const Request& request, const std::string& python = "3.11.9") {
    pip::Target target;
    target.python = python;
    auto chosen = wheels_of(request.locks.at(0), target, {});
    if (chosen.ok()) FAIL("chosen");
    return chosen.error().message;
}

using Names = std::vector<std::string>;

const std::string digest(64, 'a');

LockChoice choice(Names names, std::string platform = "linux-64", std::string environment = "") {
    return {std::move(platform), std::move(names), std::move(environment)};
}

Names names_of(const Request& request) {
    Names out;
    for (const CondaSpec& spec : request.conda) out.push_back(spec.name);
    return out;
}

} // namespace

TEST_CASE("conda-lock: platforms and categories", "[locks]") {
    GoldenSentences said("tests/unit/spec/foreign_lock.golden", "conda-lock: platforms and categories");
    auto entry = [](const char* name, const char* platform, const char* category) {
        return fmt::format("- name: {0}\n  version: '1'\n  manager: conda\n  platform: {1}\n  dependencies: {{}}\n"
                           "  url: https://c.example/main/{1}/{0}-1-0.conda\n  hash: {{md5: {2}}}\n  category: {3}\n  "
                           "optional: false\n",
                           name, platform, std::string(32, 'b'), category);
    };
    std::string text = "version: 1\nmetadata:\n  channels: [{url: main}]\n  platforms: [linux-64, osx-64]\npackage:\n" +
                       entry("a", "linux-64", "main") + entry("a", "osx-64", "main") + entry("d", "linux-64", "dev") +
                       entry("x", "linux-64", "extra");
    Request request = taken(text, "conda-lock.yml");
    CHECK(names_of(request) == Names{"a", "d"}); // conda-lock installs `dev` unless told not to
    CHECK(request.conda[0].url == "https://c.example/main/linux-64/a-1-0.conda");
    CHECK(request.conda[0].md5 == std::string(32, 'b'));
    CHECK(request.conda[0].line.line == 6);
    CHECK(request.channels == Names{"main"});
    CHECK(names_of(taken(text, "conda-lock.yml", choice({"extra", "-dev"}))) == Names{"a", "x"});
    CHECK(names_of(taken(text, "conda-lock.yml", choice({}, "osx-64"))) == Names{"a"});
    said.add(refused_lock(text, "conda-lock.yml", choice({}, "linux-aarch64")));
    said.add(refused_lock(text, "conda-lock.yml", choice({"test"})));
}

TEST_CASE("pixi: environments and platforms by name", "[locks]") {
    GoldenSentences said("tests/unit/spec/foreign_lock.golden", "pixi: environments and platforms by name");
    std::string text = "version: 7\nplatforms:\n- name: linux-64\n- name: gpu\n  subdir: linux-64\nenvironments:\n"
                       "  default:\n    channels: [{url: https://c.example/}]\n    packages:\n      linux-64:\n      - "
                       "conda: https://c.example/linux-64/a-1-0.conda\n"
                       "      gpu:\n      - conda: https://c.example/linux-64/g-1-0.conda\n"
                       "  lab:\n    channels: []\n    packages:\n      linux-64:\n      - conda: "
                       "https://c.example/linux-64/a-1-0.conda\n"
                       "      - pypi: https://p.example/six-1-py3-none-any.whl\n"
                       "packages:\n- conda: https://c.example/linux-64/a-1-0.conda\n  sha256: " +
                       digest +
                       "\n"
                       "- conda: https://c.example/linux-64/g-1-0.conda\n- pypi: "
                       "https://p.example/six-1-py3-none-any.whl\n  name: six\n  version: '1'\n";
    CHECK(names_of(taken(text, "pixi.lock")) == Names{"a"});
    CHECK(names_of(taken(text, "pixi.lock", choice({"gpu"}))) == Names{"g"});
    Request lab = taken(text, "pixi.lock", choice({"lab"}));
    CHECK(lab.name == "lab");
    CHECK(wheels(lab) == Names{"six-1-py3-none-any.whl"});
    CHECK(taken(text, "pixi.lock", choice({}, "linux-64", "lab")).name == "lab"); // --name
    CHECK(taken(text, "pixi.lock", choice({}, "linux-64", "other")).name.empty());
    said.add(refused_lock(text, "pixi.lock", choice({"prod"})));
    said.add(refused_lock("version: 3\nenvironments: {}\npackages: []\n", "pixi.lock"));
    json shown = inspect_json(*lab.locks.at(0).lock);
    CHECK(shown["platforms"] == json::array({"linux-64", "gpu"}));
    REQUIRE(shown["packages"].size() == 3);
    CHECK(shown["packages"][0]["groups"] == json::array({"default", "lab"}));
    CHECK(shown["packages"][0]["sha256"] == digest);
}

TEST_CASE("pylock: markers, extras, groups, and the wheel that fits", "[locks]") {
    GoldenSentences said("tests/unit/spec/foreign_lock.golden",
                         "pylock: markers, extras, groups, and the wheel that fits");
    auto wheel = [](const char* name) {
        return fmt::format("{{url = \"https://p.example/{}\", hashes = {{sha256 = \"{}\"}}}}", name, digest);
    };
    std::string text =
        "lock-version = \"1.0\"\ncreated-by = \"x\"\nrequires-python = \">=3.9\"\nextras = [\"gpu\"]\n"
        "dependency-groups = [\"dev\", \"docs\"]\ndefault-groups = [\"dev\"]\n"
        "[[packages]]\nname = \"plain\"\nversion = \"1\"\nwheels = [" +
        wheel("plain-1-py3-none-any.whl") + ", " + wheel("plain-1-cp311-cp311-manylinux_2_17_x86_64.whl") + ", " +
        wheel("plain-1-cp311-cp311-win_amd64.whl") +
        "]\n"
        "dependencies = [{name = \"other\"}]\n"
        "[[packages]]\nname = \"other\"\nversion = \"1\"\nmarker = \"sys_platform == 'linux'\"\nwheels = [" +
        wheel("other-1-py3-none-any.whl") +
        "]\n"
        "[[packages]]\nname = \"win\"\nversion = \"1\"\nmarker = \"sys_platform == 'win32'\"\nwheels = [" +
        wheel("win-1-py3-none-any.whl") +
        "]\n"
        "[[packages]]\nname = \"cuda\"\nversion = \"1\"\nmarker = \"'gpu' in extras\"\nwheels = [" +
        wheel("cuda-1-py3-none-any.whl") +
        "]\n"
        "[[packages]]\nname = \"test\"\nversion = \"1\"\nmarker = \"'dev' in dependency_groups\"\nwheels = [" +
        wheel("test-1-py3-none-any.whl") +
        "]\n"
        "[[packages]]\nname = \"direct\"\narchive = " +
        wheel("direct-1-py3-none-any.whl") + "\n";
    Request request = taken(text, "pylock.toml");
    CHECK(wheels(request) == Names{"direct-1-py3-none-any.whl", "other-1-py3-none-any.whl (needed)",
                                   "plain-1-cp311-cp311-manylinux_2_17_x86_64.whl", "test-1-py3-none-any.whl"});
    CHECK(wheels(request, "3.12.1", {"direct", "test"}) ==
          Names{"other-1-py3-none-any.whl (needed)", "plain-1-py3-none-any.whl"});
    CHECK(wheels(taken(text, "pylock.toml", choice({"gpu", "-dev"})))[0] == "cuda-1-py3-none-any.whl");
    CHECK(wheels(taken(text, "pylock.toml", choice({"gpu", "-dev"}))).size() == 4);
    said.add(no_wheels(request, "3.8.1"));
    // Every wheel for another machine, a source archive, a directory: all at once.
    std::string bad =
        "lock-version = \"1.0\"\ncreated-by = \"x\"\n[[packages]]\nname = \"w\"\nversion = \"1\"\nwheels = [" +
        wheel("w-1-cp311-cp311-win_amd64.whl") +
        "]\n[[packages]]\nname = \"s\"\nversion = \"1\"\nsdist = " + wheel("s-1.tar.gz") +
        "\n[[packages]]\nname = \"d\"\ndirectory = {path = \".\"}\n[[packages]]\nname = \"g\"\nversion = \"1\"\nwheels "
        "= [" +
        wheel("g-1-cp311-cp311-manylinux_2_39_x86_64.whl") + "]\n";
    std::string message = no_wheels(taken(bad, "pylock.toml"));
    said.add(message);
}

TEST_CASE("uv: the graph is walked from the project", "[locks]") {
    GoldenSentences said("tests/unit/spec/foreign_lock.golden", "uv: the graph is walked from the project");
    std::string text =
        "version = 1\nrequires-python = \">=3.10\"\n"
        "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"https://p.example\" }\n"
        "dependencies = [{ name = \"b\", extra = [\"x\"] }, { name = \"w\", marker = \"sys_platform == 'win32'\" }]\n"
        "wheels = [{ url = \"https://p.example/a-1-py3-none-any.whl\", hash = \"sha256:" +
        digest +
        "\" }]\n"
        "[[package]]\nname = \"b\"\nversion = \"1\"\nsource = { registry = \"https://p.example\" }\n"
        "wheels = [{ url = \"https://p.example/b-1-py3-none-any.whl\", hash = \"sha256:" +
        digest +
        "\" }]\n"
        "[package.optional-dependencies]\nx = [{ name = \"c\", version = \"2\", source = { registry = "
        "\"https://q.example\" } }]\n"
        "[[package]]\nname = \"c\"\nversion = \"1\"\nsource = { registry = \"https://p.example\" }\n"
        "wheels = [{ url = \"https://p.example/c-1-py3-none-any.whl\" }]\n"
        "[[package]]\nname = \"c\"\nversion = \"2\"\nsource = { registry = \"https://q.example\" }\n"
        "wheels = [{ url = \"https://q.example/c-2-py3-none-any.whl\" }]\n"
        "[[package]]\nname = \"p\"\nversion = \"0\"\nsource = { editable = \".\" }\ndependencies = [{ name = \"a\" }]\n"
        "[package.optional-dependencies]\ngpu = [{ name = \"w\" }]\n"
        "[package.dev-dependencies]\ndev = [{ name = \"t\" }]\n"
        "[[package]]\nname = \"t\"\nversion = \"1\"\nsource = { registry = \"https://p.example\" }\n"
        "wheels = [{ url = \"https://p.example/t-1-py3-none-any.whl\" }]\n"
        "[[package]]\nname = \"w\"\nversion = \"1\"\nsource = { registry = \"https://p.example\" }\n"
        "wheels = [{ url = \"https://p.example/w-1-py3-none-any.whl\" }]\n";
    CHECK(wheels(taken(text, "uv.lock")) == Names{"a-1-py3-none-any.whl", "b-1-py3-none-any.whl (needed)",
                                                  "c-2-py3-none-any.whl (needed)", "t-1-py3-none-any.whl"});
    CHECK(wheels(taken(text, "uv.lock", choice({"-dev", "gpu"}))) ==
          Names{"a-1-py3-none-any.whl", "b-1-py3-none-any.whl (needed)", "c-2-py3-none-any.whl (needed)",
                "w-1-py3-none-any.whl"});
    said.add(refused_lock(text, "uv.lock", choice({"test"})));
}

TEST_CASE("every hash of a lock is kept or refused_lock", "[locks]") {
    const std::string sha512(128, 'b'), url = "https://h.example/six-1.17.0-py2.py3-none-any.whl";
    const std::pair<std::string, std::string> locks[] = {
        {"pylock.toml", "lock-version = '1.0'\ncreated-by = 'x'\n[[packages]]\nname = 'six'\nwheels = [{url = '" + url +
                            "', hashes = {sha256 = '" + digest + "', sha512 = 'HEX'}}]\n"},
        {"uv.lock", "version = 1\n[[package]]\nname = 'x'\nsource = {virtual = '.'}\ndependencies = [{name = 'six'}]\n"
                    "[[package]]\nname = 'six'\nversion = '1.17.0'\nsource = {registry = 'https://h.example'}\n"
                    "wheels = [{url = '" +
                        url + "', hash = 'sha512:HEX'}]\n"},
        {"conda-lock.yml",
         "version: 1\npackage:\n- {name: six, version: '1.17.0', manager: pip, platform: linux-64, url: '" + url +
             "#sha512=HEX', hash: {sha256: " + digest + "}}\n"},
        {"pixi.lock", "version: 6\nenvironments: {default: {channels: [], packages: {linux-64: [{pypi: '" + url +
                          "'}]}}}\npackages:\n- {pypi: '" + url + "', name: six, version: 1.17.0, sha512: HEX}\n"}};
    for (const auto& [path, text] : locks) {
        CAPTURE(path);
        const Request request = taken(replace_all(text, "HEX", sha512), path);
        auto chosen = wheels_of(request.locks.at(0), pip::Target{}, {});
        REQUIRE((chosen.ok() && chosen->size() == 1));
        CHECK(chosen->front().file.hashes == Names{"sha512:" + sha512});
        CHECK(chosen->front().package->version == "1.17.0");
        CHECK(refused_lock(replace_all(text, "HEX", digest), path).find("128") != std::string::npos);
    }
}

TEST_CASE("a wheel of a uv.lock by path lies where its source says", "[locks]") {
    const Request request =
        taken("version = 1\n[[package]]\nname = 'x'\nsource = {virtual = '.'}\ndependencies = [{name = 'six'}]\n"
              "[[package]]\nname = 'six'\nversion = '1.17.0'\n"
              "source = {path = 'wheels/six-1.17.0-py2.py3-none-any.whl'}\n"
              "wheels = [{filename = 'six-1.17.0-py2.py3-none-any.whl', hash = 'sha256:" +
                  digest + "'}]\n",
              "/lab/uv.lock");
    auto chosen = wheels_of(request.locks.at(0), pip::Target{}, {});
    REQUIRE(chosen.ok());
    CHECK(chosen->front().file.url == "/lab/wheels/six-1.17.0-py2.py3-none-any.whl");
}

TEST_CASE("PEP 751's sets in markers", "[locks]") {
    auto marker = pip::Marker::parse("'a-b' in extras or 'dev' not in dependency_groups");
    REQUIRE(marker.ok());
    CHECK(marker->evaluate({{"extras", "x\na-b"}, {"dependency_groups", "dev"}}));
    CHECK(!marker->evaluate({{"extras", "x"}, {"dependency_groups", "dev"}}));
    CHECK(marker->evaluate({}));
    CHECK(!pip::Marker::parse("extras == 'a'").ok());
    CHECK(!pip::Marker::parse("'a' == extras").ok());
}

TEST_CASE("pyproject.toml: dependencies, extras and groups", "[pyproject]") {
    GoldenSentences said("tests/unit/spec/foreign_lock.golden", "pyproject.toml: dependencies, extras and groups");
    std::string text =
        "[project]\nname = \"Lab_Tools\"\nversion = \"1\"\nrequires-python = \">=3.10\"\ndependencies = [\n  "
        "\"numpy>=1.26\",\n  \"six ; python_version < '3'\",\n]\n"
        "[project.optional-dependencies]\ncuda = [\"torch==2.9.1\"]\nall = [\"lab-tools[cuda]\", \"scipy\"]\n"
        "[dependency-groups]\ntest = [\"pytest\"]\ndev = [{include-group = \"test\"}, \"ruff\"]\ndocs = [\"sphinx\"]\n"
        "[tool.uv.sources]\ntorch = { index = \"cu\" }\n[[tool.uv.index]]\nname = \"cu\"\nurl = "
        "\"https://t.example/whl/cu128\"\n";
    auto names = [](const Request& request) {
        Names out;
        for (const pip::RequirementLine& line : request.pip) out.push_back(line.name);
        return out;
    };
    Request request = taken(text, "pyproject.toml");
    CHECK(names(request) == Names{"numpy", "six", "pytest", "ruff"}); // uv installs the group dev by default
    CHECK(request.name == "Lab_Tools");
    CHECK(request.requires_python == ">=3.10");
    CHECK(request.pip[0].line.str() == "pyproject.toml:6:3");
    REQUIRE(request.ignored.size() == 5);
    said.add(request.ignored[0].why);
    said.add(request.ignored[3].why);
    CHECK(names(taken(text, "pyproject.toml", choice({"-dev", "all"}))) == Names{"numpy", "six", "torch", "scipy"});
    said.add(refused_lock(text, "pyproject.toml", choice({"gpu"})));
    said.add(refused_lock("[dependency-groups]\ndev = [{include-group = \"dev\"}]\n", "p.toml"));
    said.add(refused_lock("[project]\nname = \"a\"\ndynamic = [\"dependencies\"]\n", "p.toml"));
    said.add(refused_lock("[build-system]\nrequires = []\n", "p.toml"));
}

TEST_CASE("what a lock's package is there for", "[lock]") {
    std::string text = "version: 1\nmetadata:\n  channels: []\n  platforms: [linux-64]\npackage:\n";
    auto package = [&](const std::string& name, const std::string& needs) {
        text += "- {name: " + name + ", version: '1', manager: conda, platform: linux-64, dependencies: {" + needs +
                "}, category: main, optional: false, url: 'https://c.example/linux-64/" + name +
                "-1-0.conda', hash: {md5: " + std::string(32, 'a') + "}}\n";
    };
    package("top", "lib: '>=1', __glibc: '>=2.17', top: '*'");
    package("lib", "");
    for (const char* name : {"a", "b", "c", "d"}) package(name, "lib: '', few: ''");
    package("few", "");
    std::map<std::string, std::string> by;
    for (const CondaSpec& spec : taken(text, "conda-lock.yml").conda) by[spec.name] = spec.needed_by;
    CHECK(by["top"].empty());
    CHECK(by["lib"] == "a, b, c and 2 more");
    CHECK(by["few"] == "a, b, c and d");
}

TEST_CASE("construct.yaml: selectors and jinja", "[construct]") {
    GoldenSentences said("tests/unit/spec/foreign_lock.golden", "construct.yaml: selectors and jinja");
    said.hide(fs::current_path().string() + "/", "CWD/");
    std::string text = "{% set version = '1.' ~ 2 %}\nname: {{ environ.get('TINDERBOX_NO_SUCH', 'Lab') }}\nversion: {{ "
                       "version }}\nchannels:\n"
                       "  - conda-forge  # [linux]\n  - w  # [win]\nspecs:\n  - python 3.11*\n  - a [unix and not "
                       "aarch64]\n  - b  # [aarch64]\n"
                       "  {% if version == '1.2' and not False %}\n  - c\n  {% elif nothing %}\n  - d\n  {% else %}\n  "
                       "- e\n  {% endif %}\n"
                       "installer_type: sh\nnonsense: 1\n";
    Request request = taken(text, "construct.yaml");
    CHECK(request.kind == "construct.yaml");
    CHECK(request.base == "none");
    CHECK(request.name == "Lab");
    CHECK(request.version == "1.2");
    CHECK(request.channels == Names{"conda-forge"});
    CHECK(names_of(request) == Names{"python", "a", "c"});
    CHECK(request.conda[2].line.line == 12);
    REQUIRE(request.ignored.size() == 2);
    CHECK(request.ignored[0].line.line == 18);
    CHECK(request.ignored[1].why == "constructor has no such key");
    CHECK(names_of(taken(text, "construct.yaml", choice({}, "linux-aarch64"))) == Names{"python", "b", "c"});
    said.add(refused_lock("name: a\nversion: 1\nspecs:\n  - a  # [linxu]\n", "c.yaml"));
    said.add(refused_lock("name: a\nversion: 1\nspecs:\n  - {{ x }}\n", "c.yaml"));
    said.add(refused_lock("name: a\nversion: 1\nspecs:\n{% if x %}\n", "c.yaml"));
    said.add(refused_lock("name: a\nspecs: [a]\n", "c.yaml"));
    said.add(refused_lock("name: a\nversion: 1\nspecs: [a]\nlicense_file: none.txt\n", "c.yaml"));
    TemporaryDirectory directory = *TemporaryDirectory::make();
    for (const char* name : {"a.txt", "post.sh", "EULA.txt"})
        REQUIRE(write_atomically(directory.path() / name, "text\n").ok());
    const std::string here = directory.path().string();
    request = taken("name: a\nversion: 1\nspecs: [a]\nlicense_file: EULA.txt\npost_install: post.sh\nextra_files:\n  - "
                    "a.txt\n  - a.txt: b/c\n    post.sh: ./d//e\n"
                    "script_env_variables:\n  Q: it'\\''s $HOME\n",
                    here + "/construct.yaml");
    std::vector<std::pair<std::string, std::string>> carried;
    for (const IncludedFile& file : request.includes) carried.emplace_back(file.source, file.destination);
    CHECK(carried == std::vector<std::pair<std::string, std::string>>{{here + "/a.txt", "a.txt"},
                                                                      {here + "/a.txt", "b/c"},
                                                                      {here + "/post.sh", "d/e"},
                                                                      {here + "/EULA.txt", "LICENSE.txt"}});
    CHECK((request.post_install == here + "/post.sh" && request.license_file == here + "/EULA.txt" &&
           request.pre_install.empty()));
    CHECK(request.script_variables.at("Q") == "it's $HOME");
    CHECK(request.ignored.empty());
    // Brackets of YAML are no selectors.
    CHECK(names_of(taken("name: a\nversion: 1\nspecs: [x, y]\n", "c.yaml")) == Names{"x", "y"});
    CHECK(names_of(taken("name: a\nversion: 1\nspecs:\n  - x[version='1']\n", "c.yaml")) == Names{"x"});
}

TEST_CASE("byte-order marks and coding comments", "[spec]") {
    GoldenSentences said("tests/unit/spec/foreign_lock.golden", "byte-order marks and coding comments");
    auto names = [](std::string_view text) {
        std::string out;
        for (const pip::RequirementLine& line : taken(text, "r.txt").pip) out += line.name + " ";
        return out;
    };
    CHECK(names(std::string_view("\xff\xfes\0i\0x\0\n\0", 10)) == "six ");
    CHECK(names(std::string_view("\xfe\xff\0s\0i\0x", 8)) == "six ");
    CHECK(names("# -*- coding: latin-1 -*-\n# caf\xe9\nsix\n") == "six ");
    Request yaml = taken(
        std::string_view("\xff\xfen\0a\0m\0e\0:\0 \0x\0\n\0d\0e\0p\0e\0n\0d\0e\0n\0c\0i\0e\0s\0:\0 \0[\0a\0]\0", 52),
        "e.yml");
    CHECK(yaml.name == "x");
    CHECK(yaml.conda.size() == 1);
    said.add(refused_lock(std::string_view("\xff\xfes", 3), "r.txt"));
    said.add(refused_lock("six\n\xe9\n", "r.txt"));
}
