#include "common/base/process.hpp"
#include "generator/fetch/fetch.hpp"
#include "generator/fetch/transfer.hpp"
#include "source_dir.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>

using namespace tinderbox;
using namespace tinderbox::fetch;

namespace {

// tests/unit/fetch/server.py as a child on loopback.
class Server {
  public:
    explicit Server(const std::vector<std::string>& arguments = {}) {
        int in[2], out[2];
        REQUIRE((::pipe2(in, O_CLOEXEC) == 0 && ::pipe2(out, O_CLOEXEC) == 0));
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(in[0], 0);
            ::dup2(out[1], 1);
            std::string script = std::string(TINDERBOX_SOURCE_DIR) + "/tests/unit/fetch/server.py";
            std::vector<const char*> argv = {"python3", script.c_str()};
            for (const auto& a : arguments) argv.push_back(a.c_str());
            argv.push_back(nullptr);
            ::execvp("python3", const_cast<char**>(argv.data()));
            ::_exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        stdin_.reset(in[1]);
        FILE* f = ::fdopen(out[0], "r");
        char sha[65] = "", md5[33] = "";
        if (std::fscanf(f, "%d %64s %32s", &port, sha, md5) != 3) {
            std::fclose(f);
            SKIP("python3 is needed for the loopback server");
        }
        std::fclose(f);
        sha256 = sha;
        this->md5 = md5;
    }
    ~Server() {
        stdin_.reset();
        ::waitpid(pid_, nullptr, 0);
    }
    std::string url(const std::string& path, const std::string& scheme = "http") const {
        return fmt::format("{}://127.0.0.1:{}{}", scheme, port, path);
    }
    int port = 0;
    std::string sha256, md5;

  private:
    pid_t pid_ = 0;
    Fd stdin_;
};

struct Bench {
    TemporaryDirectory directory = *TemporaryDirectory::make();
    FetchOptions options;
    Bench() {
        options.cache_root = directory.path() / "cache";
        options.retries = 3;
    }
    Result<std::vector<Fetched>> fetch(const Download& d) { return (*Fetcher::make(options))->fetch({d}); }
};

std::string message(const Result<std::vector<Fetched>>& result) {
    REQUIRE_FALSE(result.ok());
    return result.error().message;
}

} // namespace

TEST_CASE("an artifact is downloaded once, then comes from the cache, offline too", "[fetch]") {
    Server server;
    Bench bench;
    Download d{server.url("/ok/a.whl"), "a.whl", server.sha256, "", 300000};
    auto first = bench.fetch(d);
    INFO((first.ok() ? "" : first.error().message));
    REQUIRE(first.ok());
    CHECK_FALSE(first->front().from_cache);
    CHECK(fs::file_size(first->front().path) == 300000);
    CHECK(bench.fetch(d)->front().from_cache);
    bench.options.offline = true;
    CHECK(bench.fetch(d)->front().from_cache);
    d.sha256 = std::string(64, '0');
    CHECK(message(bench.fetch(d)).find("--offline: 'a.whl' is not in the cache") != std::string::npos);
    bench.options.offline = false;
    auto count = (*Fetcher::make(bench.options))->get(server.url("/count"), "");
    INFO((count.ok() ? "" : count.error().message));
    REQUIRE(count.ok());
    CHECK(nlohmann::json::parse(count->body)["/ok/a.whl"] == 1);
}

TEST_CASE("MD5 alone is enough to find it again, and its SHA-256 becomes known", "[fetch]") {
    Server server;
    Bench bench;
    Download d{server.url("/ok/b"), "b", "", server.md5, 0};
    CHECK(bench.fetch(d)->front().sha256 == server.sha256);
    CHECK(bench.fetch(d)->front().from_cache);
    d.md5 = std::string(32, '0');
    CHECK(message(bench.fetch(d)).find("the MD5 is") != std::string::npos);
}

TEST_CASE("bytes that do not match their hash are not used", "[fetch]") {
    Server server;
    Bench bench;
    auto result = bench.fetch({server.url("/ok/c"), "c", std::string(64, '1'), "", 0});
    CHECK(result.error().kind == ErrorKind::network);
    CHECK(message(result).find("the SHA-256 is") != std::string::npos);
    // A file that was damaged in the cache is downloaded again.
    Download d{server.url("/ok/c"), "c", server.sha256, "", 0};
    auto path = bench.fetch(d)->front().path;
    std::ofstream(path, std::ios::app) << "x";
    auto again = bench.fetch(d);
    REQUIRE(again.ok());
    CHECK_FALSE(again->front().from_cache);
}

TEST_CASE("a failing server is asked again, a cut connection is resumed", "[fetch]") {
    Server server;
    Bench bench;
    CHECK(bench.fetch({server.url("/flaky"), "flaky", server.sha256, "", 0}).ok());
    CHECK(bench.fetch({server.url("/cut"), "cut", server.sha256, "", 300000}).ok());
    // A second store, so that the file does not come from the cache.
    Bench other;
    auto restarted = other.fetch({server.url("/cut-no-range"), "cut", server.sha256, "", 300000});
    INFO((restarted.ok() ? "" : restarted.error().message));
    CHECK(restarted.ok());
    Bench third;
    third.options.retries = 1;
    CHECK(message(third.fetch({server.url("/always500"), "x", server.sha256, "", 0})).find("HTTP 500") !=
          std::string::npos);
}

TEST_CASE("a server that lets an answer trickle is not waited for, a slow one is", "[fetch]") {
    Server server;
    Bench bench;
    bench.options.stall_timeout_seconds = 2;
    bench.options.retries = 4;
    auto fetcher = *Fetcher::make(bench.options);
    const auto begin = std::chrono::steady_clock::now();
    auto page = fetcher->get(server.url("/trickle/page"), "");
    REQUIRE_FALSE(page.ok());
    CHECK(page.error().kind == ErrorKind::network);
    CHECK(page.error().message.find("/trickle/page: ") != std::string::npos);
    auto count = nlohmann::json::parse(fetcher->get(server.url("/count"), "")->body);
    CHECK(count["/trickle/page"] == 2); // asked for once more, not four times
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(60));
    bench.options.retries = 0;
    CHECK_FALSE(bench.fetch({server.url("/trickle/a.whl"), "a.whl", "", "", 0}).ok());
    CHECK(bench.fetch({server.url("/slow/b.whl"), "b.whl", "", "", 0}).ok());
}

TEST_CASE("what the server refuses is said with what to do", "[fetch]") {
    Server server;
    Bench bench;
    bench.options.retries = 0;
    auto says = [&](const std::string& path) { return message(bench.fetch({server.url(path), "x", "", "", 0})); };
    CHECK(says("/401").find("netrc") != std::string::npos);
    CHECK(says("/403").find("forbidden") != std::string::npos);
    CHECK(says("/nothing").find("HTTP 404") != std::string::npos);
    CHECK(says("/loop").find("in a circle") != std::string::npos);
    CHECK(says("/login").find("web page instead of the file") != std::string::npos);
    CHECK(says("/to-http").find("plain http") != std::string::npos);
    CHECK(bench.fetch({server.url("/moved"), "m", server.sha256, "", 0}).ok());
    // No server listens on this port.
    auto gone = bench.fetch({"http://127.0.0.1:9/x", "x", "", "", 0});
    CHECK(gone.error().kind == ErrorKind::network);
}

TEST_CASE("credentials are used and never shown", "[fetch]") {
    Server server;
    Bench bench;
    std::string url = server.url("/401");
    url.insert(7, "canary:secret@");
    CHECK(bench.fetch({url, "x", server.sha256, "", 0}).ok());
    url.replace(url.find("/401"), 4, "/404");
    auto result = bench.fetch({url, "x", "", "", 0});
    CHECK(message(result).find("canary") == std::string::npos);
    for (const auto& entry : fs::recursive_directory_iterator(bench.options.cache_root))
        if (entry.is_regular_file()) CHECK(read_text(entry.path())->find("canary") == std::string::npos);
}

TEST_CASE("plain http is for loopback and for hosts that were named", "[fetch]") {
    FetchOptions options;
    CHECK_FALSE(check_transport(options, "http://example.invalid/x").ok());
    CHECK(check_transport(options, "https://example.invalid/x").ok());
    CHECK(check_transport(options, "http://127.0.0.1:8000/x").ok());
    CHECK_FALSE(check_transport(options, "ftp://127.0.0.1/x").ok());
    options.insecure_hosts = {"Example.invalid"};
    CHECK(check_transport(options, "http://example.invalid/x").ok());
}

TEST_CASE("a certificate that nobody vouches for is refused, unless the host was named", "[fetch]") {
    auto directory = *TemporaryDirectory::make();
    std::string key = directory.path() / "key.pem", certificate = directory.path() / "cert.pem";
    ProcessSpec openssl;
    openssl.argv = {"openssl",  "req",           "-x509",   "-newkey",
                    "rsa:2048", "-nodes",        "-keyout", key,
                    "-out",     certificate,     "-days",   "2",
                    "-subj",    "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"};
    auto made = run_process(openssl);
    if (!made.ok() || !made->succeeded()) SKIP("openssl is needed to make a certificate");
    Server server({certificate, key});
    Bench bench;
    Download d{server.url("/ok/tls", "https"), "tls", server.sha256, "", 0};
    CHECK(message(bench.fetch(d)).find("is not trusted") != std::string::npos);
    bench.options.insecure_hosts = {"127.0.0.1"};
    auto named = bench.fetch(d);
    INFO((named.ok() ? "" : named.error().message));
    CHECK(named.ok());
}

TEST_CASE("two builds at once download an artifact once", "[fetch]") {
    Server server;
    Bench bench;
    Download d{server.url("/ok/shared"), "shared", server.sha256, "", 0};
    {
        std::jthread other([&] { CHECK(bench.fetch(d).ok()); });
        CHECK(bench.fetch(d).ok());
    }
    auto count = (*Fetcher::make(bench.options))->get(server.url("/count"), "");
    CHECK(nlohmann::json::parse(count->body)["/ok/shared"] == 1);
}

TEST_CASE("a document is revalidated, and served from the cache offline", "[fetch]") {
    Server server;
    Bench bench;
    std::string url = server.url("/ok/page");
    CHECK((*Fetcher::make(bench.options))->get(url, "text/html")->body.size() == 300000);
    auto second = (*Fetcher::make(bench.options))->get(url, "text/html");
    REQUIRE(second.ok());
    CHECK(second->body.size() == 300000);
    CHECK((*Fetcher::make(bench.options))->get(server.url("/none"), "")->status == 404);
    bench.options.offline = true;
    CHECK((*Fetcher::make(bench.options))->get(url, "text/html")->body.size() == 300000);
    CHECK((*Fetcher::make(bench.options))->get(server.url("/none"), "")->status == 404);
    CHECK_FALSE((*Fetcher::make(bench.options))->get(server.url("/ok/never"), "").ok());
}

TEST_CASE("local files are used where they lie and checked", "[fetch]") {
    Bench bench;
    auto path = bench.directory.path() / "local file.whl";
    REQUIRE(write_atomically(path, std::string_view("content")).ok());
    std::string sha = to_hex(sha256(as_bytes("content")));
    auto found = bench.fetch({path.string(), "local", sha, "", 0});
    REQUIRE(found.ok());
    CHECK(found->front().path == path);
    CHECK(bench.fetch({"file://" + bench.directory.path().string() + "/local%20file.whl", "local", sha, "", 7}).ok());
    auto wrong = bench.fetch({path.string(), "local", std::string(64, '0'), "", 0});
    CHECK(wrong.error().kind == ErrorKind::usage);
    CHECK_FALSE(bench.fetch({(bench.directory.path() / "none").string(), "none", "", "", 0}).ok());
}
