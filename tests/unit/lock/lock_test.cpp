#include "common/base/text.hpp"
#include "generator/lock/conda_solve.hpp"
#include "generator/lock/credentials.hpp"
#include "generator/lock/make_lock.hpp"
#include "generator/lock/update.hpp"
#include "tests/unit/check_contains.hpp"
#include "tests/unit/golden_text.hpp"
#include "tests/unit/pip/fakes.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

using namespace tinderbox;
using test::GoldenSentences;
using namespace tinderbox::lock;
using nlohmann::json;

namespace {

spec::Request request_of(std::string_view text, const std::string& path = "spec") {
    auto request = spec::parse_spec(text, path);
    if (!request.ok()) FAIL(request.error().message);
    return std::move(request).value();
}

Lock full_lock() {
    Lock lock;
    lock.name = "lab";
    lock.captured = CapturedSource{"python", "/opt/python/bin/python3", std::string(64, 'c')};
    lock.channels = {"conda-forge"};
    lock.indexes = {"https://index.example/simple"};
    lock.insecure_hosts = {"h.example"};
    lock.request = {"numpy==1.0", "\xc3\xa9"};
    lock.variables = {{"A", "1"}};
    LockedArtifact conda{parcel::ArtifactKind::conda,
                         "zlib",
                         "1.3",
                         "h0_0",
                         "https://u:canary@c.example/t/canary/main/linux-64/zlib-1.3-h0_0.conda",
                         "https://u:canary@c.example/t/canary/main/linux-64/zlib-1.3-h0_0.conda",
                         "zlib-1.3-h0_0.conda",
                         "",
                         std::string(32, 'd'),
                         0,
                         {},
                         true,
                         "zlib=1.3=h0_0",
                         "https://u:canary@c.example/main",
                         "",
                         "",
                         {},
                         std::nullopt};
    LockedArtifact wheel{parcel::ArtifactKind::wheel,
                         "numpy",
                         "1.0",
                         "",
                         "file:///a%20b/numpy-1.0-py3-none-any.whl",
                         "/a b/numpy-1.0-py3-none-any.whl",
                         "numpy-1.0-py3-none-any.whl",
                         std::string(64, 'a'),
                         "",
                         123456789012,
                         {"sha512:" + std::string(128, 'f')},
                         true,
                         "./numpy",
                         "",
                         "https://u:canary@index.example/simple",
                         "file:///a%20b/numpy-1.0-py3-none-any.whl",
                         {"x", "y"},
                         BuiltFrom{"https://u:canary@index.example/f/numpy-1.0.tar.gz", "", "numpy-1.0.tar.gz",
                                   std::string(64, 'b'), 77}};
    lock.artifacts = {conda, wheel};
    lock.includes = {{"/notes", "notes", std::string(64, 'c'), false, 0},
                     {"/lab/a.txt", "share/a.txt", std::string(64, 'd'), true, 0}};
    LockedInstaller installer;
    installer.version = "2.0";
    installer.post_install = LockedText{"/lab/post.sh", std::string(64, 'e'), "not written"};
    installer.variables = {{"A", "it's"}};
    lock.installer = installer;
    return lock;
}

} // namespace

TEST_CASE("a package of another tool's lock says who needs it", "[lock]") {
    spec::CondaSpec spec;
    spec.url = "https://c.example/linux-64/lib-1-0.conda";
    spec.md5 = std::string(32, 'a');
    spec.needed_by = "a, b, c and 2 more";
    auto locked = lock_conda_file(spec, "linux-64");
    REQUIRE(locked.ok());
    CHECK(!locked->requested);
    CHECK(locked->requirement == "needed by a, b, c and 2 more");
}

TEST_CASE("a lock comes back as it was written", "[lock]") {
    Lock lock = full_lock();
    std::string text = lock_text(lock);
    CHECK(!contains(text, "canary"));
    CHECK(text.ends_with("}\n"));
    CHECK(lock_text(lock) == text);
    CHECK(spec::recognise_spec(text) == spec::SpecKind::tinderbox_lock);
    auto again = lock_from_json(json::parse(text), "a.lock");
    if (!again.ok()) FAIL(again.error().message);
    CHECK(lock_text(*again) == text);
    CHECK(again->artifacts[1].source == "/a b/numpy-1.0-py3-none-any.whl");
    CHECK(again->artifacts[0].source == "https://c.example/main/linux-64/zlib-1.3-h0_0.conda");
    CHECK(again->artifacts[1].size == 123456789012);
    CHECK(again->artifacts[1].index == "https://index.example/simple");
    REQUIRE(again->artifacts[1].built_from.has_value());
    CHECK(again->artifacts[1].built_from->url == "https://index.example/f/numpy-1.0.tar.gz");
    CHECK(again->artifacts[1].built_from->size == 77);
    CHECK(again->captured->path == "/opt/python/bin/python3");
    CHECK((!again->includes[0].in_prefix && again->includes[1].in_prefix));
    REQUIRE(again->installer.has_value());
    CHECK((again->installer->version == "2.0" && again->installer->post_install->path == "/lab/post.sh" &&
           again->installer->variables.at("A") == "it's"));
    CHECK((!again->installer->license && again->installer->post_install->text.empty()));
    // One field a line: a diff shows only the fields that changed.
    Lock changed = lock;
    changed.artifacts[1].version = "1.1";
    auto before = split_lines(text);
    std::string changed_text = lock_text(changed);
    auto after = split_lines(changed_text);
    REQUIRE(before.size() == after.size());
    int differing = 0;
    for (std::size_t i = 0; i < before.size(); ++i) differing += before[i] != after[i];
    CHECK(differing == 1);
}

TEST_CASE("what inspect shows of a lock", "[lock]") {
    auto shown = inspect_json(full_lock());
    CHECK(shown["kind"] == "tinderbox lock");
    CHECK(shown["platforms"] == json::array({"linux-64"}));
    CHECK(shown["packages"][1] == json{{"kind", "pypi"},
                                       {"name", "numpy"},
                                       {"version", "1.0"},
                                       {"build", ""},
                                       {"md5", ""},
                                       {"url", "file:///a%20b/numpy-1.0-py3-none-any.whl"},
                                       {"sha256", std::string(64, 'a')},
                                       {"platform", "linux-64"}});
    CHECK(!contains(shown.dump(), "canary"));
}

TEST_CASE("a lock that is damaged or of another version is refused", "[lock]") {
    GoldenSentences said("tests/unit/lock/lock.golden", "a lock that is damaged or of another version is refused");
    auto refused = [](const std::function<void(json&)>& damage) {
        json j = json::parse(lock_text(full_lock()));
        damage(j);
        auto lock = lock_from_json(j, "a.lock");
        REQUIRE(!lock.ok());
        CHECK(lock.error().kind == ErrorKind::usage);
        CHECK(lock.error().message.starts_with("a.lock"));
        return lock.error().message;
    };
    said.add(refused([](json& j) { j["tinderbox_lock"] = 2; }));
    said.add(refused([](json& j) { j["tinderbox_lock"] = 0; }));
    said.add(refused([](json& j) { j.erase("tinderbox_lock"); }));
    said.add(refused([](json& j) { j = json::array(); }));
    said.add(refused([](json& j) { j.erase("name"); }));
    said.add(refused([](json& j) { j["platform"] = 1; }));
    said.add(refused([](json& j) { j.erase("artifacts"); }));
    said.add(refused([](json& j) { j["artifacts"][1] = 5; }));
    said.add(refused([](json& j) { j["artifacts"][1].erase("url"); }));
    said.add(refused([](json& j) { j["artifacts"][1]["kind"] = "sdist"; }));
    said.add(refused([](json& j) { j["artifacts"][1]["sha256"] = "xyz"; }));
    said.add(refused([](json& j) { j["artifacts"][1]["size"] = -1; }));
    said.add(refused([](json& j) { j["artifacts"][1]["url"] = "ftp://x/y"; }));
    said.add(refused([](json& j) { j["artifacts"][1]["file_name"] = "../x.whl"; }));
    said.add(refused([](json& j) { j["variables"]["A"] = 1; }));
    said.add(refused([](json& j) { j["captured"] = "x"; }));
    said.add(refused([](json& j) { j["request"] = {1}; }));
    auto directory = std::move(TemporaryDirectory::make()).value();
    auto path = directory.path() / "x.lock";
    said.hide(directory.path().string(), "DIR");
    REQUIRE(write_atomically(path, "{\n \"tinderbox_lock\": 1,\n oops\n}").ok());
    said.add(read_lock(path.string()).error().message);
    CHECK(read_lock("/nonexistent").error().kind == ErrorKind::usage);
    std::string text = lock_text(full_lock());
    for (std::size_t cut = 0; cut + 2 < text.size(); cut += 7) {
        REQUIRE(write_atomically(path, text.substr(0, cut)).ok());
        auto lock = read_lock(path.string());
        CHECK(!lock.ok());
    }
}

TEST_CASE("a lock of conda URLs and pinned wheels", "[make]") {
    FakeFetcher fetcher;
    fetcher.page("https://u:canary@index.example/simple/six/",
                 "<a href=/f/six-1.16.0-py2.py3-none-any.whl data-core-metadata=true>x</a>");
    fetcher.files["https://u:canary@index.example/f/six-1.16.0-py2.py3-none-any.whl.metadata"] =
        metadata_text("six", "1.16.0", {"numpy>=1"});
    auto request = spec::merge(
        {request_of("@EXPLICIT\n"
                    "https://u:canary@conda.example/t/canary/main/linux-64/"
                    "zlib-1.3.1-h0.conda#00000000000000000000000000000000\n"
                    "https://conda.example/main/linux-64/python-3.13.1-h1_100_cp313t.tar.bz2\n"
                    "https://conda.example/main/noarch/numpy-1.26-py_0.conda\n"),
         request_of("-i https://u:canary@index.example/simple\n--trusted-host index.example\nsix==1.16.0\n", "r.txt")});
    REQUIRE(request.ok());
    auto made = make_lock(*request, {}, fetcher);
    if (!made.ok()) FAIL(made.error().message);
    const Lock& lock = made->lock;
    REQUIRE(lock.artifacts.size() == 4);
    CHECK(lock.artifacts[0].name == "zlib"); // as given
    CHECK(lock.artifacts[0].source == "https://u:canary@conda.example/t/canary/main/linux-64/zlib-1.3.1-h0.conda");
    CHECK(lock.artifacts[0].url == "https://conda.example/main/linux-64/zlib-1.3.1-h0.conda");
    CHECK(lock.artifacts[0].file_name == "zlib-1.3.1-h0.conda");
    CHECK(lock.artifacts[0].md5 == std::string(32, '0'));
    CHECK(lock.artifacts[3].kind == parcel::ArtifactKind::wheel);
    CHECK(lock.artifacts[3].url == "https://index.example/f/six-1.16.0-py2.py3-none-any.whl");
    CHECK(lock.artifacts[3].requested);
    CHECK(lock.indexes == std::vector<std::string>{"https://index.example/simple"});
    CHECK(lock.insecure_hosts == std::vector<std::string>{"index.example"});
    CHECK(!contains(lock_text(lock), "canary"));

    // A build from the lock takes the password from the configuration again.
    auto again = lock_from_json(json::parse(lock_text(lock)), "x");
    add_credentials(*again, request->pip_options);
    CHECK(again->artifacts[3].source == "https://u:canary@index.example/f/six-1.16.0-py2.py3-none-any.whl");
    CHECK(again->artifacts[1].source == "https://conda.example/main/linux-64/python-3.13.1-h1_100_cp313t.tar.bz2");
}

TEST_CASE("requests that cannot become a lock", "[make]") {
    GoldenSentences said("tests/unit/lock/lock.golden", "requests that cannot become a lock");
    FakeFetcher fetcher;
    auto refused = [&](std::string_view text, LockOptions options = {}) {
        auto made = make_lock(request_of(text, "r.txt"), options, fetcher);
        REQUIRE(!made.ok());
        return made.error();
    };
    Error no_python = refused("six==1.16.0\n");
    CHECK(no_python.kind == ErrorKind::usage);
    said.add(no_python.message);
    said.add(refused("@EXPLICIT\nhttps://c.example/main/win-64/zlib-1.3-h0.conda\n").message);
    LockOptions captured;
    captured.python = "3.11.7";
    said.add(refused("@EXPLICIT\nhttps://c.example/main/linux-64/python-3.13.1-h1.conda\n", captured).message);
    LockOptions bad;
    bad.target_glibc = "new";
    bad.python = "3.11";
    CHECK(refused("six==1\n", bad).kind == ErrorKind::usage);
    // A wheel over a conda package would leave a mixture of both: an error that names both remedies.
    fetcher.page(
        "https://c.example/ch/noarch/repodata.json",
        R"({"packages":{"python-3.11.4-0.tar.bz2":{"name":"python","version":"3.11.4","build":"0","build_number":0},
                                 "six-1.15.0-0.tar.bz2":{"name":"six","version":"1.15.0","build":"0","build_number":0}}})",
        "application/json");
    fetcher.files["https://w.example/six-1.16.0-py3-none-any.whl"] = make_wheel("six", "1.16.0");
    Error mixed = refused("channels: [https://c.example/ch]\ndependencies:\n  - python\n  - six\n  - pip:\n    - "
                          "https://w.example/six-1.16.0-py3-none-any.whl\n");
    CHECK(mixed.kind == ErrorKind::unsatisfiable);
    said.add(mixed.message);
    // An empty request is an empty lock: a Python alone may be captured.
    CHECK(make_lock(request_of(""), captured, fetcher)->lock.artifacts.empty());
}

TEST_CASE("conda entries are solved in their channels", "[conda]") {
    GoldenSentences said("tests/unit/lock/lock.golden", "conda entries are solved in their channels");
    FakeFetcher fetcher;
    std::string hex(64, 'e'), md5(32, 'd');
    auto row = [](const std::string& name, const std::string& version, const std::string& build,
                  const std::string& more = "") {
        return R"({"name":")" + name + R"(","version":")" + version + R"(","build":")" + build +
               R"(","build_number":0)" + more + "}";
    };
    fetcher.page("https://a.example/ch/linux-64/repodata.json",
                 R"({"info":{"subdir":"linux-64"},"packages":{"zlib-1.3-h0.tar.bz2":)" +
                     row("zlib", "1.3", "h0", R"(,"md5":")" + md5 + "\"") +
                     R"(},"packages.conda":{"zlib-1.3-h0.conda":)" +
                     row("zlib", "1.3", "h0", R"(,"size":77,"sha256":")" + hex + "\"") + R"(,"zlib-1.2-h0.conda":)" +
                     row("zlib", "1.2", "h0") + "}}",
                 "application/json");
    fetcher.page("https://a.example/ch/noarch/repodata.json",
                 R"({"packages":{"tz-2025-0.tar.bz2":)" + row("tz", "2025", "0", R"(,"depends":["zlib >=1.2,<1.3"])") +
                     "}}",
                 "application/json");
    fetcher.page("https://conda.anaconda.org/conda-forge/linux-64/repodata.json",
                 R"({"packages":{"zlib-1.3-h0.tar.bz2":)" + row("zlib", "1.3", "h0") + "}}", "application/json");
    auto request = request_of("channels: [conda-forge, https://a.example/ch/]\ndependencies:\n  - "
                              "https://a.example/ch::zlib\n  - tz==2025=0\n");
    auto made = make_lock(request, {}, fetcher);
    if (!made.ok()) FAIL(made.error().message);
    REQUIRE(made->lock.artifacts.size() == 2);
    CHECK(made->lock.artifacts[0].url == "https://a.example/ch/noarch/tz-2025-0.tar.bz2");
    CHECK(made->lock.artifacts[1].url == "https://a.example/ch/linux-64/zlib-1.2-h0.conda");
    CHECK(made->lock.channels ==
          std::vector<std::string>{"https://conda.anaconda.org/conda-forge", "https://a.example/ch"});
    CHECK(made->lock.virtuals.at("__glibc") == "2.28");
    CHECK(made->lock.virtuals.at("__archspec") == "1=x86_64");
    CHECK(!made->lock.virtuals.contains("__cuda"));
    auto again = lock_from_json(json::parse(lock_text(made->lock)), "x");
    CHECK(again->virtuals == made->lock.virtuals);
    // .conda wins over .tar.bz2, with hash and size from the index.
    auto best = make_lock(request_of("channels: [https://a.example/ch]\ndependencies: [zlib]\n"), {}, fetcher);
    CHECK(best->lock.artifacts[0].url == "https://a.example/ch/linux-64/zlib-1.3-h0.conda");
    CHECK(best->lock.artifacts[0].sha256 == hex);
    CHECK(best->lock.artifacts[0].size == 77);
    CHECK(best->lock.artifacts[0].requested);
    // The first channel is preferred; without channels it is conda-forge.
    for (const char* text :
         {"channels: [conda-forge, https://a.example/ch]\ndependencies: [zlib=1.3=h0]\n", "dependencies: [zlib]\n"}) {
        auto first = make_lock(request_of(text), {}, fetcher);
        if (!first.ok()) FAIL(first.error().message);
        CHECK(first->lock.artifacts[0].url == "https://conda.anaconda.org/conda-forge/linux-64/zlib-1.3-h0.tar.bz2");
    }
    auto missing =
        make_lock(request_of("channels: [https://a.example/ch]\ndependencies:\n  - zlib=9=h0\n"), {}, fetcher);
    CHECK(missing.error().kind == ErrorKind::unsatisfiable);
    said.add(missing.error().message);
    CHECK(make_lock(request_of("channels: [https://b.example/ch]\ndependencies: [zlib]\n"), {}, fetcher).error().kind ==
          ErrorKind::network);
    fetcher.page("https://a.example/ch/linux-64/repodata.json", "<html>Log in</html>");
    auto page = make_lock(request, {}, fetcher);
    CHECK(page.error().kind == ErrorKind::network);
    said.add(page.error().message);
}

TEST_CASE("what is pinned stays, or is named", "[lock]") {
    GoldenSentences said("tests/unit/lock/lock.golden", "what is pinned stays, or is named");
    Lock before, after;
    before.artifacts = {LockedArtifact{parcel::ArtifactKind::conda, "a", "1", "0"},
                        LockedArtifact{parcel::ArtifactKind::wheel, "b-c", "1"},
                        LockedArtifact{parcel::ArtifactKind::wheel, "gone", "1"}};
    after.artifacts = {LockedArtifact{parcel::ArtifactKind::conda, "a", "2", "0"},
                       LockedArtifact{parcel::ArtifactKind::wheel, "b-c", "2"},
                       LockedArtifact{parcel::ArtifactKind::wheel, "new", "1"}};
    CHECK(check_pins(before, after, {"A", "B.C"}).ok());
    Status moved = check_pins(before, after, {"b_c"});
    REQUIRE(!moved.ok());
    CHECK(moved.error().kind == ErrorKind::unsatisfiable);
    said.add(moved.error().message);
    REQUIRE(changes(before, after).size() == 4);
    CHECK(changes(before, after)[0].after == "2 0");

    spec::Request request;
    REQUIRE(pin_to(before, "x.lock", {"b_c"}, request).ok());
    REQUIRE(request.conda_constraints.size() == 1);
    CHECK(request.conda_constraints[0].text == "a==1=0");
    REQUIRE(request.pip_constraints.size() == 1);
    CHECK(request.pip_constraints[0].text == "gone==1");
    CHECK(!pin_to(before, "x.lock", {"nope"}, request).ok());
}
