#include "generator/advise/lint.hpp"
#include "generator/lock/cuda_request.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>

using namespace tinderbox;
using namespace tinderbox::advise;

namespace {

lock::LockedArtifact conda(std::string name, std::string version, std::string build = "0",
                           std::string channel = "https://conda.anaconda.org/conda-forge", std::string why = "") {
    lock::LockedArtifact out;
    out.kind = parcel::ArtifactKind::conda;
    out.requirement = why.empty() ? name : why;
    out.name = std::move(name);
    out.version = std::move(version);
    out.build = std::move(build);
    out.channel = std::move(channel);
    return out;
}

lock::LockedArtifact wheel(std::string name, std::string version, std::string url = "https://files.example/x.whl") {
    lock::LockedArtifact out;
    out.kind = parcel::ArtifactKind::wheel;
    out.name = std::move(name);
    out.version = std::move(version);
    out.url = std::move(url);
    return out;
}

// The names of the rules that apply, in order.
std::string rules(std::vector<lock::LockedArtifact> artifacts, const std::string& cuda = "",
                  const spec::Request& request = {}) {
    lock::Lock lock;
    lock.artifacts = std::move(artifacts);
    std::string out;
    for (const LintWarning& one : lint(lock, request, cuda)) {
        CHECK(one.str().ends_with("[" + one.rule + "]"));
        out += (out.empty() ? "" : " ") + one.rule;
    }
    return out;
}

constexpr const char* table = R"({"version": 1, "base": "https://whl.example", "indexes": [
    {"cuda": "10.2", "find_links": "stable.html"}, {"cuda": "11.3", "index": "cu113"}, {"cuda": "12.1", "index": "cu121"}, {"cuda": "12.4", "index": "cu124"}]})";

} // namespace

TEST_CASE("the classic mistakes have names", "[lint]") {
    CHECK(rules({}).empty());
    CHECK(rules({conda("numpy", "1"), wheel("torch", "1.12.1+cu113")}).empty());
    CHECK(rules({conda("cudatoolkit", "11.3.1"), wheel("torch", "1.12.1+cu113")}) == "unused-cudatoolkit");
    // No warning when a conda package uses it or the request asks for it.
    CHECK(rules({conda("cudatoolkit", "11.3.1"), conda("cupy", "12"), wheel("torch", "1.12.1+cu113")}).empty());
    CHECK(rules({conda("cudatoolkit", "11.3.1"), wheel("torch", "1.12.1+cu113")}, "11.3").empty());
    CHECK(rules({conda("cudatoolkit", "11.3.1", "0", "x", "cupy 12 requires cudatoolkit"),
                 wheel("torch", "1.12.1+cu113")})
              .empty());
    CHECK(rules({conda("cuda-version", "12.4"), wheel("torch", "1.12.1+cu113")}) == "two-cuda-majors");
    CHECK(rules({wheel("nvidia-cublas-cu12", "12.1"), wheel("cupy", "1+cu118")}) == "two-cuda-majors");
    CHECK(rules({wheel("x", "1+cu121"), wheel("y", "1+cu124")}).empty());
    CHECK(rules({conda("pytorch", "2.1", "cuda118"), wheel("torchvision", "0.16")}) == "torch-twice");
    CHECK(rules({conda("pytorch", "2.1", "cpu_py39")}, "11.8") == "cpu-torch");
    CHECK(rules({conda("pytorch", "2.1", "cuda118_py39")}, "11.8").empty());
    CHECK(rules({conda("pytorch", "2.1", "cpu_py39")}).empty());
    CHECK(rules({wheel("torch", "2.1+cpu")}, "11.8") == "cpu-torch");
    CHECK(rules({wheel("torch", "2.1")}, "11.8") == "cpu-torch");
    CHECK(rules({wheel("torch", "2.1"), wheel("nvidia-cudnn-cu12", "9")}, "12.4").empty());
    CHECK(rules({conda("a", "1"), conda("b", "1", "0", "https://repo.anaconda.com/pkgs/main")}) == "mixed-channels");
    spec::Request extra;
    extra.pip_options.extra_index_urls = {"https://extra.example/simple"};
    pip::RequirementLine open;
    open.name = "private";
    extra.pip = {open};
    CHECK(rules({wheel("private", "1", "https://extra.example/p.whl")}, "", extra) == "unpinned-index");
    extra.pip[0].specifier = "==1";
    CHECK(rules({wheel("private", "1", "https://extra.example/p.whl")}, "", extra).empty());
}

TEST_CASE("--cuda and --python become entries", "[cuda]") {
    auto conda_words = [](const spec::Request& request) {
        std::string out;
        for (const spec::CondaSpec& spec : request.conda) out += (out.empty() ? "" : " ; ") + spec.text;
        return out;
    };
    spec::Request request;
    REQUIRE(lock::add_python(request, "3.9").ok());
    REQUIRE(lock::add_cuda(request, "11.3", table).ok());
    CHECK(conda_words(request) == "python=3.9 ; cudatoolkit=11.3");
    CHECK(request.pip_options.extra_index_urls.empty()); // without a pip requirement no index is added
    pip::RequirementLine torch;
    torch.name = "torch";
    request.pip = {torch};
    REQUIRE(lock::add_cuda(request, "12.4", table).ok());
    CHECK(conda_words(request) == "python=3.9 ; cudatoolkit=11.3 ; cuda-version=12.4");
    CHECK(request.pip_options.extra_index_urls == std::vector<std::string>{"https://whl.example/cu124"});
    REQUIRE(lock::add_cuda(request, "12.4", table).ok()); // adding it twice adds one index
    CHECK(request.pip_options.extra_index_urls.size() == 1);
    spec::Request newest;
    newest.pip = {torch};
    REQUIRE(lock::add_cuda(newest, "12", table).ok());
    CHECK(newest.pip_options.extra_index_urls.back() == "https://whl.example/cu124");
    spec::Request old;
    old.pip = {torch};
    REQUIRE(lock::add_cuda(old, "10.2", table).ok());
    CHECK(old.pip_options.find_links == std::vector<std::string>{"https://whl.example/stable.html"});
    spec::Request none;
    none.pip = {torch};
    Status unknown = lock::add_cuda(none, "9.0", table);
    CHECK(unknown.error().message.find("there are 10.2, 11.3, 12.1, 12.4") != std::string::npos);
    CHECK(!lock::add_cuda(none, "new", table).ok());
    CHECK(!lock::add_python(none, "three").ok());
    CHECK(!lock::add_python(none, "").ok());
    REQUIRE(lock::add_python(none, ">=3.9,<3.12").ok());
    CHECK(conda_words(none) == "python>=3.9,<3.12");
    ::setenv("TINDERBOX_CUDA_INDEX_URL", "https://mirror.example/whl/", 1);
    spec::Request mirrored;
    mirrored.pip = {torch};
    REQUIRE(lock::add_cuda(mirrored, "11.3", table).ok());
    CHECK(mirrored.pip_options.extra_index_urls.back() == "https://mirror.example/whl/cu113");
    ::unsetenv("TINDERBOX_CUDA_INDEX_URL");
}
