#include "generator/pip/config.hpp"
#include "generator/pip/html.hpp"
#include "generator/pip/index.hpp"
#include "tests/unit/pip/fakes.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::pip;

namespace {

const std::string hex(64, 'a');

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

Options only_index(std::string url) {
    Options options;
    options.index_url = std::move(url);
    return options;
}

} // namespace

TEST_CASE("HTML tags as sloppy pages write them", "[html]") {
    auto tags =
        *html_tags("<!DOCTYPE html><!-- <a href=no> --><A HREF = 'x&amp;y' data-requires-python=\"&gt;=3.8,&lt;4\""
                   " data-yanked >z</A><a\nhref=plain/>t</a><br/><a href=\"unclosed");
    REQUIRE(tags.size() == 4);
    CHECK(*tags[0].find("href") == "x&y");
    CHECK(*tags[0].find("data-requires-python") == ">=3.8,<4");
    CHECK(tags[0].find("data-yanked")->empty());
    CHECK(tags[0].find("nothing") == nullptr);
    CHECK(*tags[1].find("href") == "plain/");
    CHECK(tags[2].name == "br");
    CHECK((*html_tags("<a href='&#62;&#x3e;&unknown;&'>"))[0].attributes[0].second == ">>&unknown;&");
    CHECK(html_tags("a < b << c <>")->empty());
    CHECK(html_tags("<!-- open")->empty());
    CHECK(html_tags("<a b c><i>", "p", Budget{.nodes = 4}).ok());
    CHECK(html_tags("<a b c><i>", "p", Budget{.nodes = 3}).error().kind == ErrorKind::network);
    // Thousands of "&" without a ";" near them are looked at once each.
    CHECK(html_tags("<a href='" + std::string(300000, '&') + ";'>")->size() == 1);
}

TEST_CASE("a PEP 503 page", "[index]") {
    fetch::Document page{
        "<html><head><meta name='pypi:repository-version' content='1.3'><base href=\"https://files.example/p/\">"
        "</head><body><h1>Links</h1>\n"
        "<a href=\"../q/foo-1.0%2Bcu128-py3-none-any.whl#sha256=" +
            hex + "\" data-core-metadata=\"sha256=" + hex +
            "\" data-dist-info-metadata=\"sha256=bb\" data-requires-python=\"&gt;=3.8\">foo</a><br/>\n"
            "<a href='foo-1.1-py3-none-any.whl' data-yanked='broken &amp; bad' data-dist-info-metadata='true'>x</a>\n"
            "<a href='foo-0.9.tar.gz#md5=" +
            std::string(32, 'b') +
            "'>x</a>\n"
            "<a href='https://elsewhere.example/other'>project page</a>",
        "https://index.example/simple/foo/", "text/html; charset=UTF-8", 200};
    auto files = parse_index_page(page);
    REQUIRE(files.ok());
    REQUIRE(files->size() == 3);
    CHECK((*files)[0].url == "https://files.example/q/foo-1.0%2Bcu128-py3-none-any.whl");
    CHECK((*files)[0].file_name == "foo-1.0+cu128-py3-none-any.whl");
    CHECK((*files)[0].sha256 == hex);
    CHECK((*files)[0].has_metadata);
    CHECK((*files)[0].metadata_sha256 == hex);
    CHECK((*files)[0].requires_python == ">=3.8");
    CHECK(!(*files)[0].yanked);
    CHECK((*files)[1].yanked);
    CHECK((*files)[1].yanked_reason == "broken & bad");
    CHECK((*files)[1].has_metadata);
    CHECK((*files)[2].md5 == std::string(32, 'b'));
}

TEST_CASE("a PEP 691 page", "[index]") {
    fetch::Document page{R"({"meta":{"api-version":"1.1"},"name":"foo","files":[
      {"filename":"foo-1.0-py3-none-any.whl","url":"../../files/foo-1.0-py3-none-any.whl","hashes":{"sha256":")" +
                             hex + R"("},
       "requires-python":">=3.8","size":12345,"yanked":false,"core-metadata":{"sha256":")" +
                             hex + R"("}},
      {"filename":"foo-1.1-py3-none-any.whl","url":"https://f.example/foo-1.1-py3-none-any.whl#x","hashes":{},
       "requires-python":null,"yanked":"bad","dist-info-metadata":true},
      7, {"filename":"foo.exe","url":"x"}]})",
                         "https://index.example/simple/foo/", "application/vnd.pypi.simple.v1+json", 200};
    auto files = parse_index_page(page);
    REQUIRE(files.ok());
    REQUIRE(files->size() == 2);
    CHECK((*files)[0].url == "https://index.example/files/foo-1.0-py3-none-any.whl");
    CHECK((*files)[0].size == 12345);
    CHECK((*files)[0].metadata_sha256 == hex);
    CHECK(!(*files)[0].yanked);
    CHECK((*files)[1].url == "https://f.example/foo-1.1-py3-none-any.whl");
    CHECK((*files)[1].yanked_reason == "bad");
    CHECK((*files)[1].has_metadata);
}

TEST_CASE("a server's page names nothing on this machine", "[index]") {
    const std::string html = "<a href='file:///etc/demo-1.0-py3-none-any.whl'>x</a>"
                             "<a href='http://127.1/demo-1.1-py3-none-any.whl'>x</a>";
    const std::string json = R"({"meta":{"api-version":"1.0"},"files":[
        {"filename":"demo-1.0-py3-none-any.whl","url":"file:///etc/demo-1.0-py3-none-any.whl","hashes":{}}]})";
    const std::string based = "<base href='file:///etc/'><a href='demo-1.0-py3-none-any.whl'>x</a>";
    const std::string good = "<a href='demo-2.0-py3-none-any.whl'>x</a>";
    auto page = [](const std::string& body, const char* url) {
        return parse_index_page({body, url, body.starts_with('{') ? "application/json" : "text/html", 200});
    };
    for (const std::string& body : {html, json, based}) {
        auto refused = page(body, "https://h.example/simple/demo/");
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().kind == ErrorKind::network);
        CHECK(page(body, "file:///srv/simple/demo/")->size() >= 1); // of this machine
    }
    auto passed_over = page(html + good, "https://h.example/simple/demo/");
    REQUIRE(passed_over.ok());
    REQUIRE(passed_over->size() == 1);
    CHECK(passed_over->front().url == "https://h.example/simple/demo/demo-2.0-py3-none-any.whl");
    CHECK(page(html, "http://localhost:80/simple/demo/")->size() == 1); // a server here may name others here, no file
}

TEST_CASE("what is no index is said to be none", "[index]") {
    auto refused = [](std::string body, std::string type) {
        auto files =
            parse_index_page({std::move(body), "https://u:canary@index.example/simple/foo/", std::move(type), 200});
        REQUIRE(!files.ok());
        CHECK(files.error().kind == ErrorKind::network);
        CHECK(!contains(files.error().message, "canary"));
        return files.error().message;
    };
    CHECK(contains(refused("<html><body><form action=/login><input type=password></form></body></html>", "text/html"),
                   "login page"));
    CHECK(contains(refused("<form></form><a href='/forgot'>Forgot?</a>", "text/html"), "login page"));
    CHECK(contains(refused("It works!", "text/html"), "no package index"));
    CHECK(contains(refused("{\"error\": 1}", "application/json"), "no list 'files'"));
    CHECK(contains(refused("{\"files\": [", "application/vnd.pypi.simple.v1+json"), "no package index"));
    CHECK(contains(refused("<x/>", "application/xml"), "application/xml"));
    CHECK(contains(refused("{\"meta\":{\"api-version\":\"2.0\"},\"files\":[]}", "application/json"), "version 2.0"));
    CHECK(contains(refused("<meta name=pypi:repository-version content=2.0>", "text/html"), "version 2.0"));
    // An index may know a project that has no files.
    CHECK(parse_index_page({"<html><body></body></html>", "https://x/", "text/html", 200}).value().empty());
}

TEST_CASE("indexes are asked in order and once", "[index]") {
    FakeFetcher fetcher;
    fetcher.page("https://u:canary@extra.example/simple/foo/",
                 "<a href=foo-1.0-py3-none-any.whl>x</a><a href=bar-1.0-py3-none-any.whl>x</a>"
                 "<a href=https://cdn.example/foo-1.1-py3-none-any.whl>");
    fetcher.page("https://main.example/simple/foo/", "<a href=foo-2.0-py3-none-any.whl>x</a>");
    fetcher.page("https://main.example/simple/bar/", "<a href=bar-2.0-py3-none-any.whl>x</a>");
    Options options = only_index("https://main.example/simple/");
    options.extra_index_urls = {"https://u:canary@extra.example/simple"};
    PackageIndex index(fetcher, options);
    auto foo = index.project("foo");
    REQUIRE(foo.ok());
    REQUIRE(foo->size() == 1); // only files of the first index that knows the project
    REQUIRE((*foo)[0].files.size() == 2);
    CHECK((*foo)[0].files[0].url == "https://u:canary@extra.example/simple/foo/foo-1.0-py3-none-any.whl");
    CHECK((*foo)[0].files[1].url == "https://cdn.example/foo-1.1-py3-none-any.whl");
    CHECK((*foo)[0].location == "https://extra.example/simple");
    auto bar = index.project("bar");
    REQUIRE(bar->size() == 2);
    CHECK(!(*bar)[0].known);
    auto before = fetcher.asked.size();
    CHECK(index.project("foo").ok());
    CHECK(fetcher.asked.size() == before);
    PackageIndex all(fetcher, options, IndexStrategy::unsafe_best_match);
    CHECK(all.project("foo")->size() == 2);
    options.no_index = true;
    CHECK(PackageIndex(fetcher, options).project("foo")->empty());
    fetcher.pages["https://main.example/simple/down/"] = fetch::Document{"", "", "text/html", 503};
    PackageIndex down(fetcher, only_index("https://main.example/simple"));
    CHECK(contains(down.project("down").error().message, "status 503"));
    CHECK(parse_index_strategy("unsafe-first-match").ok());
    CHECK(parse_index_strategy("best").error().kind == ErrorKind::usage);
}

TEST_CASE("find-links: directories, pages, single files", "[index]") {
    FakeFetcher fetcher;
    auto directory = std::move(TemporaryDirectory::make()).value();
    fs::path wheels = directory.path() / "my wheels";
    fs::create_directories(wheels / "sub");
    for (const char* name : {"foo-1.0-py3-none-any.whl", "foo-0.5.tar.gz", "bar-1.0-py3-none-any.whl", "notes.txt"})
        REQUIRE(write_atomically(wheels / name, "x").ok());
    REQUIRE(
        write_atomically(directory.path() / "links.html", "<a href='my%20wheels/foo-1.0-py3-none-any.whl'>x</a>").ok());
    fetcher.page("https://links.example/torch.html", "<a href=whl/foo-3.0-py3-none-any.whl#sha256=" + hex + ">x</a>");
    Options options;
    options.no_index = true;
    options.find_links = {wheels.string(),
                          (directory.path() / "links.html").string(),
                          "https://links.example/torch.html",
                          "https://links.example/foo-4.0-py3-none-any.whl#sha256=" + hex,
                          "/nonexistent/wheels",
                          "file://" + percent_encode_path(wheels.string())};
    PackageIndex index(fetcher, options);
    auto foo = index.project("foo");
    if (!foo.ok()) FAIL(foo.error().message);
    REQUIRE(foo->size() == 5);
    CHECK((*foo)[0].files.size() == 2);
    CHECK((*foo)[0].files[1].local);
    CHECK((*foo)[0].files[1].url == (wheels / "foo-1.0-py3-none-any.whl").string());
    CHECK((*foo)[1].files[0].url == (wheels / "foo-1.0-py3-none-any.whl").string());
    CHECK((*foo)[1].files[0].local);
    CHECK((*foo)[2].files[0].url == "https://links.example/whl/foo-3.0-py3-none-any.whl");
    CHECK((*foo)[3].files[0].sha256 == hex);
    REQUIRE(index.warnings().size() == 1);
    CHECK(contains(index.warnings()[0], "/nonexistent/wheels"));
}

TEST_CASE("pip's configuration: files, sections and variables", "[config]") {
    std::map<std::string, std::string> variables = {{"HOME", "/home/me"}}, files;
    ConfigSources sources{[&](const std::string& name) -> std::optional<std::string> {
                              auto found = variables.find(name);
                              if (found == variables.end()) return std::nullopt;
                              return found->second;
                          },
                          [&](const std::string& path) -> std::optional<std::string> {
                              auto found = files.find(path);
                              if (found == files.end()) return std::nullopt;
                              return found->second;
                          }};
    CHECK(!read_config(sources)->options.index_url);
    files["/etc/pip.conf"] = "# global\n[global]\nindex-url = https://one.example/simple\ncert = /etc/ca.pem\n"
                             "extra_index_url =\n    https://a.example/simple\n    https://b.example/simple\n";
    files["/home/me/.config/pip/pip.conf"] = "[install]\nindex-url: https://two.example/simple\nno-index = yes\n"
                                             "[global]\nindex-url = https://not.this/\n[list]\nformat = columns\n";
    auto config = read_config(sources);
    REQUIRE(config.ok());
    CHECK(config->options.index_url == "https://two.example/simple");
    CHECK(config->options.extra_index_urls ==
          std::vector<std::string>{"https://a.example/simple", "https://b.example/simple"});
    CHECK(config->options.cert == "/etc/ca.pem");
    CHECK(config->options.no_index);
    CHECK(config->files.size() == 2);
    variables["PIP_INDEX_URL"] = "https://three.example/simple";
    variables["PIP_FIND_LINKS"] = "/opt/a /opt/b";
    variables["PIP_NO_INDEX"] = "0";
    variables["PIP_TRUSTED_HOST"] = "h.example";
    variables["VIRTUAL_ENV"] = "/venv";
    files["/venv/pip.conf"] = "[global]\npre = true\n";
    config = read_config(sources);
    CHECK(config->options.index_url == "https://three.example/simple");
    CHECK(config->options.find_links == std::vector<std::string>{"/opt/a", "/opt/b"});
    CHECK(!config->options.no_index);
    CHECK(config->options.trusted_hosts == std::vector<std::string>{"h.example"});
    CHECK(config->options.pre);
    variables["PIP_CONFIG_FILE"] = "/dev/null";
    CHECK(read_config(sources)->files.empty());
    variables["PIP_CONFIG_FILE"] = "/my/pip.conf";
    files["/my/pip.conf"] = "[global\n";
    CHECK(contains(read_config(sources).error().message, "/my/pip.conf:1: "));
    files["/my/pip.conf"] = "[global]\nnonsense\n";
    CHECK(contains(read_config(sources).error().message, "/my/pip.conf:2: "));
    Options own;
    own.index_url = "https://own.example/";
    own.extra_index_urls = {"https://x.example/"};
    own.add_defaults(config->options);
    CHECK(own.index_url == "https://own.example/");
    CHECK(own.extra_index_urls.size() == 3);
}
