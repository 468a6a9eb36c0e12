#include "common/base/text.hpp"
#include "generator/fetch/hashes.hpp"
#include "generator/pip/config.hpp"
#include "generator/pip/metadata.hpp"
#include "generator/pip/resolve.hpp"
#include "generator/pip/select.hpp"
#include "generator/spec/request.hpp"
#include "tests/unit/check_contains.hpp"
#include "tests/unit/golden_text.hpp"
#include "tests/unit/pip/fakes.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using test::GoldenSentences;
using namespace tinderbox::pip;

namespace {

// An index at "https://index.example/simple" with the wheels that tests add.
struct World {
    FakeFetcher fetcher;
    std::map<std::string, std::string> pages;
    SelectOptions options;
    Options pip;

    World() { pip.index_url = "https://index.example/simple"; }

    void link(const std::string& project, const std::string& file, const std::string& attributes = "",
              const std::string& hash = "") {
        pages[project] +=
            "<a href='/files/" + file + (hash.empty() ? "" : "#sha256=" + hash) + "' " + attributes + ">x</a>\n";
        fetcher.page("https://index.example/simple/" + project + "/", pages[project]);
    }
    // Adds a wheel with its metadata beside it.
    void wheel(const std::string& project, const std::string& version, const std::vector<std::string>& needs = {},
               const std::string& tags = "py3-none-any") {
        std::string file = replace_all(project, "-", "_") + "-" + version + "-" + tags + ".whl";
        std::string body = make_wheel(replace_all(project, "-", "_"), version, needs);
        fetcher.files["https://index.example/files/" + file] = body;
        fetcher.files["https://index.example/files/" + file + ".metadata"] = metadata_text(project, version, needs);
        link(project, file, "data-core-metadata=true", to_hex(sha256(as_bytes(body))));
    }

    Result<WheelSelection> select(std::string_view text) {
        auto request = spec::parse_spec(text, "requirements.txt");
        if (!request.ok()) return request.error();
        Options merged = request->pip_options;
        merged.add_defaults(pip);
        index = std::make_unique<PackageIndex>(fetcher, merged, strategy);
        return select_wheels(request->pip, request->pip_constraints, options, *index);
    }
    Status whole(std::string_view text) {
        TRY_ASSIGN(WheelSelection selection, select(text));
        TRY(fetch_metadata(selection, fetcher));
        return check_closure(selection, options, index.get());
    }
    // The resolver's error: for lists that are not all pinned.
    std::string unresolved(std::string_view text) {
        auto request = spec::parse_spec(text, "requirements.txt");
        REQUIRE(request.ok());
        PackageIndex pages_of(fetcher, pip, strategy);
        MetadataSource metadata(fetcher);
        auto found = resolve(request->pip, request->pip_constraints, options, pages_of, metadata);
        REQUIRE(!found.ok());
        CHECK(found.error().kind == ErrorKind::unsatisfiable);
        return found.error().message;
    }
    WheelSelection chosen(std::string_view text) {
        auto selection = select(text);
        if (!selection.ok()) FAIL(selection.error().message);
        return std::move(selection).value();
    }
    std::string refused(std::string_view text, ErrorKind kind) {
        auto selection = select(text);
        if (selection.ok()) FAIL("accepted: " << text);
        CHECK(selection.error().kind == kind);
        return selection.error().message;
    }
    IndexStrategy strategy = IndexStrategy::first_index;
    std::unique_ptr<PackageIndex> index;
};

} // namespace

TEST_CASE("the best tag, then the highest build number", "[select]") {
    World world;
    for (const char* tags :
         {"cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
          "cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64", "cp311-cp311-manylinux_2_35_x86_64",
          "cp311-cp311-musllinux_1_2_x86_64", "cp312-cp312-manylinux_2_28_x86_64", "cp311-cp311-manylinux_2_28_aarch64",
          "cp39-abi3-manylinux_2_28_x86_64", "py3-none-any"})
        world.wheel("foo", "1.0", {}, tags);
    CHECK(world.chosen("foo==1.0").wheels[0].file.file_name ==
          "foo-1.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl");
    world.options.target.glibc = "2.17";
    CHECK(contains(world.chosen("foo==1.0").wheels[0].file.file_name, "manylinux2014"));
    world.options.target.glibc = "2.36";
    CHECK(contains(world.chosen("foo==1.0").wheels[0].file.file_name, "2_35"));
    world.options.target.platform = "linux-aarch64";
    CHECK(contains(world.chosen("foo==1.0").wheels[0].file.file_name, "aarch64"));
    world.options.target = Target{"3.10", "linux-64", "2.28", false};
    CHECK(contains(world.chosen("foo==1.0").wheels[0].file.file_name, "abi3"));
    World builds;
    for (const char* build : {"1.0-9", "1.0-10", "1.0-10a", "1.0"})
        builds.link("foo", std::string("foo-") + build + "-py3-none-any.whl");
    CHECK(builds.chosen("foo==1.0").wheels[0].file.file_name == "foo-1.0-10a-py3-none-any.whl");
}

TEST_CASE("a pin takes local versions, the highest of them", "[select]") {
    World world;
    for (const char* version : {"2.9.1", "2.9.1%2Bcpu", "2.9.1%2Bcu128", "2.9.0"})
        world.link("torch", std::string("torch-") + version + "-py3-none-any.whl");
    CHECK(world.chosen("torch==2.9.1").wheels[0].version == "2.9.1+cu128");
    CHECK(world.chosen("torch==2.9.1+cpu").wheels[0].version == "2.9.1+cpu");
    CHECK(world.chosen("torch===2.9.1").wheels[0].version == "2.9.1");
    CHECK(world.chosen("torch\n-c /dev/null\ntorch==2.9.0 ; python_version > '3'").wheels[0].version == "2.9.0");
}

TEST_CASE("markers are the target's", "[select]") {
    World world;
    world.wheel("foo", "1.0");
    world.wheel("foo", "2.0");
    world.options.target = Target{"3.9", "linux-aarch64", "2.28", false};
    auto selection = world.chosen("foo==1.0 ; python_version < '3.10'\nfoo==2.0 ; python_version >= '3.10'\n"
                                  "nothing==1 ; sys_platform == 'win32'\nnothing==1 ; platform_machine == 'x86_64'\n");
    REQUIRE(selection.wheels.size() == 1);
    CHECK(selection.wheels[0].version == "1.0");
}

TEST_CASE("yanked files only for a pin, and with a word", "[select]") {
    GoldenSentences said("tests/unit/spec/select.golden", "yanked files only for a pin, and with a word");
    World world;
    world.link("foo", "foo-1.0-py3-none-any.whl", "data-yanked='bad data'");
    world.link("foo", "foo-0.9-py3-none-any.whl");
    auto selection = world.chosen("foo==1.0");
    REQUIRE(selection.warnings.size() == 1);
    said.add(selection.warnings[0]);
    said.add(world.refused("foo", ErrorKind::usage));
}

TEST_CASE("an unpinned line says what to write", "[select]") {
    GoldenSentences said("tests/unit/spec/select.golden", "an unpinned line says what to write");
    World world;
    world.wheel("numpy", "2.3.5");
    world.wheel("numpy", "2.4.0rc1");
    world.wheel("numpy", "1.26.4");
    world.link("numpy", "numpy-9.0-py3-none-any.whl", "data-requires-python='&gt;=3.12'");
    said.add(world.refused("# list\n\nnumpy\n", ErrorKind::usage));
    said.add(world.refused("NumPy[x]<2", ErrorKind::usage));
    std::string both = world.refused("numpy>=2\nunknown\nnumpy==2.*\n", ErrorKind::usage);
    said.add(both);
    world.pip.no_index = true;
    said.add(world.refused("numpy", ErrorKind::usage));
}

TEST_CASE("an index that fails is asked once", "[select]") {
    GoldenSentences said("tests/unit/spec/select.golden", "an index that fails is asked once");
    World world;
    for (const char* name : {"a", "b"})
        world.fetcher.pages[std::string("https://index.example/simple/") + name + "/"] =
            fetch::Document{"", "", "text/html", 500};
    said.add(world.refused("a==1", ErrorKind::network));
    CHECK(world.fetcher.asked.size() == 1);
    said.add(world.refused("a==1\nb", ErrorKind::usage));
}

TEST_CASE("pins that contradict name both lines", "[select]") {
    GoldenSentences said("tests/unit/spec/select.golden", "pins that contradict name both lines");
    World world;
    world.wheel("foo", "1.0");
    std::string message = world.refused("foo==1.0\nbar==1\nFoo==1.1\n", ErrorKind::usage);
    said.add(message);
    CHECK(world.chosen("foo==1.0\nfoo==1\nfoo[a]>=0.5\n").wheels.size() == 1);
    said.add(world.refused("foo==1.0\nfoo>1\n", ErrorKind::unsatisfiable));
    said.add(world.refused(
        "foo @ https://a.example/foo-1.0-py3-none-any.whl\nfoo @ https://b.example/foo-1.0-py3-none-any.whl",
        ErrorKind::usage));
    said.add(world.refused("foo @ https://a.example/foo-1.0-py3-none-any.whl\nfoo==2.0", ErrorKind::usage));
}

TEST_CASE("nothing fits, and why", "[select]") {
    GoldenSentences said("tests/unit/spec/select.golden", "nothing fits, and why");
    World world;
    world.link("sdist", "sdist-1.0.tar.gz");
    world.link("old", "old-1.0-py3-none-any.whl");
    world.link("win", "win-1.0-cp311-cp311-win_amd64.whl");
    world.link("win", "win-0.9-py3-none-any.whl");
    world.link("new", "new-1.0-py3-none-any.whl", "data-requires-python='&gt;=3.13'");
    std::string no = world.refused("sdist==1.0", ErrorKind::unsatisfiable);
    said.add(no);
    said.add(world.refused("old==2.0", ErrorKind::unsatisfiable));
    said.add(world.refused("win==1.0", ErrorKind::unsatisfiable));
    said.add(world.refused("new==1.0", ErrorKind::unsatisfiable));
    said.add(world.refused("nump==1.0", ErrorKind::network));
    said.add(world.refused("old==1.0\n--no-binary old", ErrorKind::usage));
    world.pip.no_index = true;
    said.add(world.refused("old==1.0", ErrorKind::usage));
    world.options.target.python = "2.7";
    CHECK(world.select("old==1.0").error().kind == ErrorKind::usage);
}

TEST_CASE("the first index that knows a project is the one", "[select]") {
    GoldenSentences said("tests/unit/spec/select.golden", "the first index that knows a project is the one");
    World world;
    world.wheel("foo", "1.0");
    world.fetcher.page("https://extra.example/simple/foo/", "<a href=foo-0.5-py3-none-any.whl>x</a>");
    world.pip.extra_index_urls = {"https://extra.example/simple"};
    std::string no = world.refused("foo==1.0", ErrorKind::unsatisfiable);
    said.add(no);
    world.strategy = IndexStrategy::unsafe_best_match;
    CHECK(world.chosen("foo==1.0").wheels.size() == 1);
}

TEST_CASE("hashes: one must match, and all lines need one", "[select]") {
    GoldenSentences said("tests/unit/spec/select.golden", "hashes: one must match, and all lines need one");
    World world;
    std::string good(64, 'a'), other(64, 'b');
    world.link("foo", "foo-1.0-py3-none-any.whl", "", good);
    world.link("foo", "foo-1.0-1-py3-none-any.whl", "", other);
    world.link("bar", "bar-1.0-py3-none-any.whl", "", good);
    CHECK(world.chosen("foo==1.0 --hash=sha256:" + good).wheels[0].file.file_name == "foo-1.0-py3-none-any.whl");
    said.add(world.refused("foo==1.0 --hash=sha256:" + std::string(64, 'c'), ErrorKind::unsatisfiable));
    said.add(world.refused("bar==1.0\nfoo==1.0 --hash=sha256:" + good, ErrorKind::usage));
    said.add(world.refused("--require-hashes\nbar==1.0", ErrorKind::usage));
    CHECK(to_download(world.chosen("bar==1.0 --hash=sha512:" + std::string(128, 'c')).wheels[0]).hashes.size() == 1);
    CHECK(world.chosen("foo==1.0 --hash=sha256:" + good + " --hash=sha256:" + other).wheels[0].file.file_name ==
          "foo-1.0-1-py3-none-any.whl");
}

TEST_CASE("direct references", "[select]") {
    GoldenSentences said("tests/unit/spec/select.golden", "direct references");
    World world;
    auto directory = std::move(TemporaryDirectory::make()).value();
    auto path = directory.path() / "foo-1.0-py3-none-any.whl";
    REQUIRE(write_atomically(path, make_wheel("foo", "1.0")).ok());
    auto selection = world.chosen(
        path.string() + "\nbar @ https://u:p@h.example/d/bar-2.0%2Bx-py3-none-any.whl#sha256=" + std::string(64, 'a') +
        "\nbaz @ file://" + percent_encode_path((directory.path() / "baz-1-py3-none-any.whl").string()));
    REQUIRE(selection.wheels.size() == 3);
    CHECK(selection.wheels[0].name == "bar");
    CHECK(selection.wheels[0].version == "2.0+x");
    CHECK(selection.wheels[0].file.sha256 == std::string(64, 'a'));
    CHECK(selection.wheels[0].file.url == "https://u:p@h.example/d/bar-2.0%2Bx-py3-none-any.whl");
    CHECK(selection.wheels[0].direct);
    CHECK(selection.wheels[2].name == "foo");
    CHECK(selection.wheels[2].file.local);
    CHECK(selection.wheels[1].file.url == (directory.path() / "baz-1-py3-none-any.whl").string());
    said.add(world.refused("https://h.example/foo-1.0.tar.gz", ErrorKind::usage));
    said.add(world.refused("https://h.example/foo.whl", ErrorKind::usage));
    said.add(world.refused("https://h.example/foo-1.0-cp312-cp312-linux_x86_64.whl", ErrorKind::usage));
    said.add(world.refused("bar @ https://h.example/foo-1.0-py3-none-any.whl", ErrorKind::usage));
}

TEST_CASE("every missing line is listed, with what it needs itself", "[closure]") {
    GoldenSentences said("tests/unit/spec/select.golden", "every missing line is listed, with what it needs itself");
    World world;
    world.wheel("torch", "2.9.1",
                {"filelock", "sympy>=1.13.3", "setuptools ; python_version >= '3.12'", "opt ; extra == 'opt-einsum'",
                 "networkx>=2.5.1", "triton==3.5.1 ; platform_system == 'Linux' and platform_machine == 'x86_64'"});
    world.wheel("filelock", "3.20.0");
    world.wheel("sympy", "1.14.0", {"mpmath<1.4,>=1.1.0"});
    world.wheel("sympy", "1.12.0");
    world.wheel("mpmath", "1.3.0");
    world.wheel("mpmath", "1.4.0");
    world.wheel("networkx", "3.5");
    world.wheel("opt", "1.0");
    auto status = world.whole("torch==2.9.1\nnetworkx==3.5\n");
    REQUIRE(!status.ok());
    CHECK(status.error().kind == ErrorKind::usage);
    said.add(status.error().message);
    world.wheel("triton", "3.5.1");
    CHECK(world.whole("torch==2.9.1\nnetworkx==3.5\nfilelock==3.20.0\nmpmath==1.3.0\nsympy==1.14.0\ntriton==3.5.1\n")
              .ok());
    // Packages of conda or of a captured prefix need not be in the list.
    world.options.provided = {{"filelock", "3.0"}, {"sympy", "1.13.3"}, {"triton", "3.5.1"}};
    CHECK(world.whole("torch==2.9.1\nnetworkx==3.5\n").ok());
    world.options.provided["sympy"] = "1.0";
    auto old = world.whole("torch==2.9.1\nnetworkx==3.5\n");
    CHECK(old.error().kind == ErrorKind::unsatisfiable);
}

TEST_CASE("what missing wheels need is found without metadata files too", "[closure]") {
    GoldenSentences said("tests/unit/spec/select.golden",
                         "what missing wheels need is found without metadata files too");
    World world;
    world.wheel("app", "1.0", {"lib"});
    std::string body = make_wheel("lib", "1.0", {"deep"});
    world.fetcher.files["https://index.example/files/lib-1.0-py3-none-any.whl"] = body;
    world.fetcher.page(
        "https://index.example/simple/lib/",
        "{\"files\":[{\"filename\":\"lib-1.0-py3-none-any.whl\",\"url\":\"/files/lib-1.0-py3-none-any.whl\",\"size\":" +
            std::to_string(body.size()) + ",\"hashes\":{}}]}",
        "application/vnd.pypi.simple.v1+json");
    auto status = world.whole("app==1.0\n");
    said.add(status.error().message);
}

TEST_CASE("a pin that another package forbids", "[closure]") {
    GoldenSentences said("tests/unit/spec/select.golden", "a pin that another package forbids");
    World world;
    world.wheel("app", "1.0", {"numpy<2"});
    world.wheel("numpy", "2.3.5");
    world.wheel("numpy", "1.26.4");
    auto status = world.whole("app==1.0\nnumpy==2.3.5\n");
    REQUIRE(!status.ok());
    CHECK(status.error().kind == ErrorKind::unsatisfiable);
    said.add(status.error().message);
}

TEST_CASE("pins without a wheel are said together, with the cause that they share", "[select]") {
    World world;
    world.wheel("old-a", "1.0", {}, "cp37-cp37m-manylinux2014_x86_64");
    world.wheel("old-a", "1.0", {}, "cp38-cp38-manylinux2014_x86_64");
    world.wheel("old-b", "1.0", {}, "cp38-cp38-manylinux2014_x86_64");
    world.wheel("torch", "2.1.2");
    const std::string both = world.refused("old-a==1.0\nold-b==1.0\n", ErrorKind::unsatisfiable);
    CHECK(both.find("old-a==1.0") != std::string::npos);
    CHECK(both.find("old-b==1.0") != std::string::npos);
    CHECK(both.find("these need Python 3.8:") != std::string::npos);
    CHECK(both.ends_with("these need Python 3.8: old-a==1.0, old-b==1.0; write --python 3.8 (or --python-from such an "
                         "interpreter)"));
    const std::string cuda = world.refused("torch==2.1.2+cu118\n", ErrorKind::unsatisfiable);
    CHECK(cuda.find("--cuda 11.8") != std::string::npos);
}

TEST_CASE("lines that only another Python has wheels for are said together", "[select]") {
    GoldenSentences said("tests/unit/spec/select.golden",
                         "lines that only another Python has wheels for are said together");
    World world;
    const char* old = "data-requires-python='&gt;=3.6,&lt;3.9'";
    world.link("a", "a-1.0-py3-none-any.whl", old);
    world.link("b", "b-2.0-cp38-cp38-manylinux2014_x86_64.whl");
    world.link("b", "b-2.0-cp37-cp37m-manylinux2014_x86_64.whl");
    world.link("c", "c-1.0-py3-none-any.whl", "data-requires-python='&gt;=3.13'");
    world.wheel("fine", "1.0");
    for (const char* list : {"a==1.0\n", "fine==1.0\na==1.0\nb==2.0\n", "c==1.0\n", "a==1.0\nc==1.0\n"}) {
        said.add(world.refused(list, ErrorKind::unsatisfiable));
        said.add(world.unresolved(std::string("fine\n") + list));
    }
    said.add(world.unresolved("fine\na<2\nb>=1,<3\n"));
}

TEST_CASE("one --hash of any of pip's algorithms is enough", "[select]") {
    World world;
    world.wheel("foo", "1.0");
    const std::string file = "https://index.example/files/foo-1.0-py3-none-any.whl", body = world.fetcher.files[file];
    fetch::Hasher hasher("sha512");
    hasher.update(as_bytes(body));
    const std::string sha512 = "sha512:" + hasher.finish(), sha256_ = "sha256:" + to_hex(sha256(as_bytes(body)));
    const std::string wrong512 = "sha512:" + std::string(128, 'b'), wrong256 = "sha256:" + std::string(64, 'b');
    auto checked = [&](const std::string& hashes) { return world.whole("foo==1.0 " + hashes); };
    CHECK(checked("--hash=" + sha512).ok());
    CHECK(checked("--hash=" + wrong512 + " --hash=" + sha512).ok());
    CHECK(checked("--hash=" + wrong256 + " --hash=" + sha512).ok());
    CHECK(checked("--hash=" + wrong512 + " --hash=" + sha256_).ok());
    CHECK(!checked("--hash=" + wrong512).ok());
    CHECK(!checked("--hash=" + wrong256).ok());
    // A file that the index proves right goes before one of which only the bytes could tell.
    world.link("foo", "foo-1.0-cp311-cp311-manylinux2014_x86_64.whl", "", std::string(64, 'd'));
    CHECK(world.chosen("foo==1.0 --hash=" + wrong512 + " --hash=" + sha256_).wheels[0].file.file_name ==
          "foo-1.0-py3-none-any.whl");
    CHECK(!checked("--hash=" + wrong512 + " --hash=sha384:" + std::string(96, 'c')).ok());
}

TEST_CASE("hashes of constraints count, and those behind a URL", "[select]") {
    World world;
    const std::string body = make_wheel("foo", "1.0"), sha512(128, 'b');
    world.fetcher.files["https://index.example/files/foo-1.0-py3-none-any.whl"] = body;
    world.link("foo", "foo-1.0-py3-none-any.whl", "", to_hex(sha256(as_bytes(body))));
    auto chosen = world.chosen("https://index.example/files/foo-1.0-py3-none-any.whl#sha512=" + sha512);
    CHECK(chosen.wheels.at(0).file.hashes == std::vector<std::string>{"sha512:" + sha512});
    auto required =
        world.chosen("--require-hashes\nfoo @ https://index.example/files/foo-1.0-py3-none-any.whl#sha512=" + sha512);
    CHECK(to_download(required.wheels.at(0)).hashes.size() == 1);
}

TEST_CASE("a complete list judges metadata as the resolver does", "[closure]") {
    World world;
    world.wheel("repaired", "1.0", {"six (>=1.10<2.0)"});
    world.wheel("broken", "1.0", {"six >=1.10 <2.0"});
    world.wheel("six", "1.17.0");
    CHECK(world.whole("repaired==1.0\nsix==1.17.0\n").ok());
    CHECK(!world.whole("repaired==1.0\n").ok()); // six is missing
    auto status = world.whole("broken==1.0\nsix==1.17.0\n");
    REQUIRE(!status.ok());
    CHECK(status.error().kind == ErrorKind::unsatisfiable);
    CHECK(status.error().message.find("six >=1.10 <2.0") != std::string::npos);
}

TEST_CASE("extras bring their requirements, on the list and on the way", "[closure]") {
    GoldenSentences said("tests/unit/spec/select.golden",
                         "extras bring their requirements, on the list and on the way");
    World world;
    world.wheel("app", "1.0", {"lib[fast]>=1", "base", "gui-kit ; extra == 'GUI'"});
    world.wheel("lib", "1.0", {"turbo ; extra == 'fast'", "slow ; extra == 'slow'"});
    world.wheel("base", "1.0");
    world.wheel("turbo", "1.0");
    auto status = world.whole("app[gui]==1.0\nlib==1.0\n");
    REQUIRE(!status.ok());
    said.add(status.error().message);
    CHECK(world.whole("app==1.0\nlib==1.0\nbase==1.0\nturbo==1.0\n").ok());
    auto missing = world.whole("app==1.0\n");
    said.add(missing.error().message);
}

TEST_CASE("metadata comes from the wheel where the index has none", "[closure]") {
    GoldenSentences said("tests/unit/spec/select.golden", "metadata comes from the wheel where the index has none");
    World world;
    world.wheel("foo", "1.0", {"bar"});
    // the page announces it, the server answers 404
    world.fetcher.files.erase("https://index.example/files/foo-1.0-py3-none-any.whl.metadata");
    auto status = world.whole("foo==1.0\n");
    said.add(status.error().message);
    World plain;
    auto body = make_wheel("foo", "1.0");
    plain.fetcher.files["https://index.example/files/foo-1.0-py3-none-any.whl"] = body;
    plain.link("foo", "foo-1.0-py3-none-any.whl");
    auto selection = plain.chosen("foo==1.0");
    REQUIRE(fetch_metadata(selection, plain.fetcher).ok());
    CHECK(selection.wheels[0].file.sha256 == to_hex(sha256(as_bytes(body))));
    CHECK(plain.whole("foo==1.0 --hash=sha256:" + to_hex(sha256(as_bytes(body)))).ok());
    CHECK(!plain.whole("foo==1.0 --hash=sha256:" + std::string(64, 'a')).ok());
    CHECK(
        !plain.whole("foo==1.0 --hash=sha256:" + std::string(64, 'a') + " --hash=sha256:" + std::string(64, 'b')).ok());
}

TEST_CASE("METADATA as wheels write it", "[metadata]") {
    GoldenSentences said("tests/unit/spec/select.golden", "METADATA as wheels write it");
    auto metadata =
        parse_metadata("Metadata-Version: 2.1\r\nName: Foo\r\nVersion: 1.0\r\nRequires-Dist: bar\r\n (>=1.0)\r\n"
                       "requires-python: >=3.8\r\nProvides-Extra: A_b\r\n\r\nRequires-Dist: not\r\n");
    CHECK(metadata.name == "Foo");
    REQUIRE(metadata.requires_dist.size() == 1);
    CHECK(metadata.requires_dist[0].text == "bar (>=1.0)");
    CHECK(metadata.requires_python == ">=3.8");
    CHECK(metadata.extras == std::vector<std::string>{"a-b"});
    auto directory = std::move(TemporaryDirectory::make()).value();
    auto path = directory.path() / "x.whl";
    said.hide(directory.path().string(), "DIR");
    REQUIRE(write_atomically(path, make_zip({{"x/__init__.py", ""}})).ok());
    said.add(read_wheel_metadata(path).error().message);
    REQUIRE(write_atomically(path, make_zip({{"a-1.dist-info/METADATA", ""}, {"b-1.dist-info/METADATA", ""}})).ok());
    said.add(read_wheel_metadata(path).error().message);
    REQUIRE(write_atomically(path, "no zip").ok());
    CHECK(read_wheel_metadata(path).error().kind == ErrorKind::usage);
}
