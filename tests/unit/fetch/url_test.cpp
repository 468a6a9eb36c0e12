#include "generator/fetch/url.hpp"

#include "common/base/process.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace tinderbox;
using fetch::check_reference;
using fetch::is_loopback_host;
using fetch::join_url;
using fetch::Url;

namespace {

struct Join {
    std::string base, reference, expected;
};

// Cases in which urljoin of Python, which pip uses, gives the same result.
const std::vector<Join> joins = {
    // RFC 3986, section 5.4.
    {"http://a/b/c/d;p?q", "g", "http://a/b/c/g"},
    {"http://a/b/c/d;p?q", "./g", "http://a/b/c/g"},
    {"http://a/b/c/d;p?q", "g/", "http://a/b/c/g/"},
    {"http://a/b/c/d;p?q", "/g", "http://a/g"},
    {"http://a/b/c/d;p?q", "?y", "http://a/b/c/d;p?y"},
    {"http://a/b/c/d;p?q", "g?y", "http://a/b/c/g?y"},
    {"http://a/b/c/d;p?q", "#s", "http://a/b/c/d;p?q#s"},
    {"http://a/b/c/d;p?q", "g#s", "http://a/b/c/g#s"},
    {"http://a/b/c/d;p?q", "g?y#s", "http://a/b/c/g?y#s"},
    {"http://a/b/c/d;p?q", ";x", "http://a/b/c/;x"},
    {"http://a/b/c/d;p?q", "", "http://a/b/c/d;p?q"},
    {"http://a/b/c/d;p?q", ".", "http://a/b/c/"},
    {"http://a/b/c/d;p?q", "..", "http://a/b/"},
    {"http://a/b/c/d;p?q", "../", "http://a/b/"},
    {"http://a/b/c/d;p?q", "../g", "http://a/b/g"},
    {"http://a/b/c/d;p?q", "../../g", "http://a/g"},
    {"http://a/b/c/d;p?q", "../../../g", "http://a/g"},
    {"http://a/b/c/d;p?q", "/./g", "http://a/g"},
    {"http://a/b/c/d;p?q", "g.", "http://a/b/c/g."},
    {"http://a/b/c/d;p?q", "..g", "http://a/b/c/..g"},
    {"http://a/b/c/d;p?q", "./../g", "http://a/b/g"},
    {"http://a/b/c/d;p?q", "g/../h", "http://a/b/c/h"},
    // A URL within a query does not make the reference absolute.
    {"https://h.example/simple/x/", "a.html?x=http://y", "https://h.example/simple/x/a.html?x=http://y"},
    {"https://h.example/simple/x/", "?u=https://y/z#k", "https://h.example/simple/x/?u=https://y/z#k"},
    {"https://h.example/simple/x/", "//other.example/a-1.whl", "https://other.example/a-1.whl"},
    {"https://h.example/simple/x/", "HTTPS://Other.Example/A-1.whl#sha256=00",
     "https://Other.Example/A-1.whl#sha256=00"},
    {"https://h.example/simple/x/", "../../f/a-1%2Bcu124.whl#sha256=12",
     "https://h.example/f/a-1%2Bcu124.whl#sha256=12"},
    {"https://h.example/simple/x/", "a-1+cu124.whl", "https://h.example/simple/x/a-1+cu124.whl"},
    {"https://h.example/simple/x/", "./a:b.whl", "https://h.example/simple/x/a:b.whl"},
    {"https://h.example", "c.whl", "https://h.example/c.whl"},
    {"https://u:p@h.example:8443/simple/x/", "../y/a-1.whl", "https://u:p@h.example:8443/simple/y/a-1.whl"},
    {"http://[::1]:8080/a", "b", "http://[::1]:8080/b"},
    {"file:///srv/a%20b/x/index.html", "../y/a-1.whl", "file:///srv/a%20b/y/a-1.whl"},
    {"FILE:///srv/x/", "c.whl", "file:///srv/x/c.whl"},
};

} // namespace

TEST_CASE("references are joined as RFC 3986 says", "[url]") {
    for (const Join& j : joins) {
        INFO(j.base << " + " << j.reference);
        auto joined = join_url(j.base, j.reference);
        REQUIRE(joined.ok());
        CHECK(*joined == j.expected);
    }
}

TEST_CASE("the joins are those of Python's urljoin", "[url]") {
    nlohmann::json cases = nlohmann::json::array(), expected = nlohmann::json::array();
    for (const Join& j : joins) {
        cases.push_back({j.base, j.reference});
        expected.push_back(j.expected);
    }
    ProcessSpec python;
    python.argv = {"python3", "-c",
                   "import json, sys, urllib.parse as u\n"
                   "print(json.dumps([u.urljoin(b, r) for b, r in json.load(sys.stdin)]))"};
    python.input = cases.dump();
    auto answer = run_process(python);
    if (!answer.ok() || !answer->succeeded()) SKIP("python3 is needed to compare with");
    CHECK(nlohmann::json::parse(answer->output) == expected);
}

TEST_CASE("a joined URL can be sent to a server, where Python's cannot", "[url]") {
    CHECK(*join_url("https://h.example/x/", "a b.whl") == "https://h.example/x/a%20b.whl");
    CHECK(*join_url("https://h.example/x/", "\xc3\xa4.whl") == "https://h.example/x/%c3%a4.whl");
    CHECK(*join_url("file:///srv/a b/index.html", "c.whl") == "file:///srv/a%20b/c.whl");
    CHECK(*join_url("http://a/b", "//g") == "http://g/");
}

TEST_CASE("references that are no URLs are errors without credentials", "[url]") {
    for (const char* reference : {"javascript:void(0)", "mailto:a@b.example", "http://h x/", "https://h:99999999/"}) {
        INFO(reference);
        CHECK_FALSE(join_url("https://h.example/x/", reference).ok());
    }
    auto joined = join_url("https://h.example/x/", "https://u:secret@h x/");
    REQUIRE_FALSE(joined.ok());
    CHECK(joined.error().message.find("secret") == std::string::npos);
}

TEST_CASE("the parts of a URL are those that it writes", "[url]") {
    const Url url = Url::parse("HTTPS://us%20er:pa%3Ass@Host.Example:8443/a/../b%20c/d+e?x=http://y#sha256=00");
    CHECK(url.scheme == "https");
    CHECK(url.userinfo == "us%20er:pa%3Ass");
    CHECK(url.host == "host.example");
    CHECK(url.port == "8443");
    CHECK(url.path == "/a/../b%20c/d+e");
    CHECK(url.query == "x=http://y");
    CHECK(url.fragment == "sha256=00");
    CHECK(url.origin() == "https://host.example:8443");
    CHECK(Url::parse("http://[::1]:80/x").host == "[::1]");
    for (const char* same :
         {"https://h.example", "https://h.example/", "https://h.example?x=1", "https://u@h.example/a",
          "https://u:@h.example/a", "git+https://u:p@h.example/x.git@main#egg=x", "file:///a%20b/c",
          "https://${USER}:${TOKEN}@h.example/a", "https://h_1.example/a b.whl"})
        CHECK(Url::parse(same).str() == same);
}

TEST_CASE("text that is no URL is a path", "[url]") {
    const Url relative = Url::parse("a.html?x=http://y#z");
    CHECK(relative.scheme.empty());
    CHECK(relative.path == "a.html");
    CHECK(relative.query == "x=http://y");
    CHECK(relative.fragment == "z");
    CHECK(Url::parse("/local/a.whl#sha256=00").fragment == "sha256=00");
    CHECK(Url::parse("http://h x/y").path == "http://h x/y");
}

TEST_CASE("this machine under its many names", "[url]") {
    for (const char* here : {"localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1", "127.1", "127.255.0.3",
                             "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0", "[::1]", "[::]",
                             "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"})
        CHECK(is_loopback_host(here));
    for (const char* there : {"127.evil.example", "127.0.0.1.example", "localhost.example", "128.0.0.1", "[::2]",
                              "[fe80::1]", "10.0.0.1", "h.example", "", "1.127.0.0"})
        CHECK_FALSE(is_loopback_host(there));
}

TEST_CASE("a page names what its own place can reach", "[url]") {
    const char* file = "file:///srv/index.html";
    const char* path = "/srv/index.html";
    const char* local = "http://127.0.0.1:8080/simple/";
    const char* server = "https://h.example/simple/";
    for (const char* from : {file, path})
        for (const char* to : {file, path, local, server}) CHECK(check_reference(from, to).ok());
    CHECK(check_reference(local, server).ok());
    CHECK(check_reference(local, "http://localhost:9/x").ok());
    CHECK(check_reference(server, "https://other.example/x").ok());
    CHECK(check_reference(server, "https://10.0.0.1/x").ok());
    for (const char* to : {file, path, "FILE:///etc/passwd", "file://localhost/etc/passwd", "file:/etc/passwd", ""})
        for (const char* from : {local, server}) CHECK_FALSE(check_reference(from, to).ok());
    for (const char* to : {local, "http://127.1/x", "http://[::ffff:127.0.0.1]/", "http://0/", "http://u@localhost/x",
                           "http://169.254.169.254/latest", "http://[fe80::1]/x", "http://[fe80::1%25eth0]/x"})
        CHECK_FALSE(check_reference(server, to).ok());
    CHECK(check_reference(server, local).error().kind == ErrorKind::network);
}
