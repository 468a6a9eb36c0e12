// The scenarios of astral-sh/packse: expected answers of a resolver, written by the authors of uv.
#include "common/base/text.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/pip/resolve.hpp"
#include "source_dir.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <set>

using namespace tinderbox;
using namespace tinderbox::pip;
using nlohmann::json;

namespace {

// tests/tools/packse_server.py as a child process; it ends when its standard input closes.
class PackseServer {
  public:
    explicit PackseServer(const std::string& scenarios) {
        int in[2], out[2];
        REQUIRE((::pipe2(in, O_CLOEXEC) == 0 && ::pipe2(out, O_CLOEXEC) == 0));
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(in[0], 0);
            ::dup2(out[1], 1);
            std::string script = std::string(TINDERBOX_SOURCE_DIR) + "/tests/tools/packse_server.py";
            ::execlp("python3", "python3", script.c_str(), scenarios.c_str(), nullptr);
            ::_exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        stdin_.reset(in[1]);
        FILE* said = ::fdopen(out[0], "r");
        if (std::fscanf(said, "%d", &port) != 1) port = 0;
        std::fclose(said);
    }
    ~PackseServer() {
        stdin_.reset();
        ::waitpid(pid_, nullptr, 0);
    }
    int port = 0;

  private:
    pid_t pid_ = -1;
    Fd stdin_;
};

// Scenarios with another answer without --allow-sdist, and the reason.
const std::map<std::string, std::string> differences = {
    {"no-binary", "the answer is a source archive, and an installer carries wheels only"},
    {"incompatible-python-compatible-override-no-compatible-wheels", "the answer is a source archive"},
    {"incompatible-python-compatible-override-unavailable-no-wheels", "the answer is a source archive"},
    {"no-wheels-with-matching-platform", "the answer is a source archive"},
};

// A requirement without a URL, as on the command line.
Result<RequirementLine> line_of(const std::string& text) {
    TRY_ASSIGN(Requirement requirement, Requirement::parse(text));
    RequirementLine out;
    out.text = text;
    out.name = requirement.name;
    out.extras = requirement.extras;
    out.specifier = requirement.specifier.str();
    if (auto semicolon = text.find(';'); semicolon != std::string::npos) out.marker = trim(text.substr(semicolon + 1));
    out.line = {"command line: --pip", 0};
    return out;
}

Result<WheelSelection> answer(const json& scenario, const std::string& base, fetch::Fetcher& fetcher,
                              const fs::path& cache, std::array<std::size_t, 3>& ways, bool allow_sdist) {
    std::vector<RequirementLine> requirements;
    for (const json& text : scenario["root"].value("requires", json::array())) {
        TRY_ASSIGN(RequirementLine line, line_of(text.get<std::string>()));
        requirements.push_back(std::move(line));
    }
    const json options = scenario.value("resolver_options", json::object());
    Options pip;
    pip.index_url = base + "/" + scenario["key"].get<std::string>() + "/simple";
    pip.pre = options.value("prereleases", false);
    for (const json& name : options.value("no_binary", json::array())) pip.no_binary.push_back(name);
    SelectOptions select;
    select.target.python =
        options.value("python", scenario.value("environment", json::object()).value("python", "3.12"));
    if (options.value("python_platform", "") == "x86_64-manylinux2014") select.target.glibc = "2.17";
    for (const json& name : options.value("no_build", json::array())) pip.only_binary.push_back(name);
    select.allow_sdist = allow_sdist;
    PackageIndex index(fetcher, pip);
    MetadataSource metadata(fetcher, cache);
    WheelBuilderOptions build;
    build.target = select.target;
    build.cache_root = cache;
    WheelBuilder builder(fetcher, build); // never builds: the archives have their metadata
    if (allow_sdist) metadata.build_with(builder);
    auto selection = resolve(requirements, {}, select, index, metadata);
    ways[0] += metadata.counts().beside;
    ways[1] += metadata.counts().ranged;
    ways[2] += metadata.counts().whole;
    return selection;
}

} // namespace

TEST_CASE("packse: every scenario has the answer its authors expect", "[resolve][packse]") {
    const bool allow_sdist = GENERATE(false, true);
    const std::string scenarios = TINDERBOX_SOURCE_DIR "/tests/data/packse/scenarios";
    PackseServer server(scenarios);
    if (server.port == 0) SKIP("python3 with tomllib (3.11) is needed for the loopback index");
    auto directory = std::move(TemporaryDirectory::make()).value();
    fetch::FetchOptions fetch;
    fetch.cache_root = directory.path();
    auto fetcher = fetch::Fetcher::make(fetch);
    REQUIRE(fetcher.ok());
    std::string base = "http://127.0.0.1:" + std::to_string(server.port);
    auto list = (*fetcher)->get(base + "/scenarios.json", "");
    REQUIRE(list.ok());

    std::array<std::size_t, 3> ways{};
    std::set<std::string> differing;
    std::size_t count = 0;
    for (const json& scenario : json::parse(list->body)) {
        ++count;
        const std::string key = scenario["key"];
        auto selection = answer(scenario, base, **fetcher, directory.path(), ways, allow_sdist);
        const json expected = scenario["expected"];
        std::map<std::string, std::string> wanted, found;
        if (expected.contains("packages")) wanted = expected["packages"].get<std::map<std::string, std::string>>();
        if (selection.ok())
            for (const ChosenWheel& wheel : selection->wheels) found[wheel.name] = wheel.version;
        bool same = selection.ok() == expected["satisfiable"].get<bool>() && (wanted.empty() || wanted == found);
        if (!same) differing.insert(key);
        INFO(key << (allow_sdist ? " (--allow-sdist): " : ": ")
                 << (selection.ok() ? json(found).dump() : selection.error().message) << "; expected "
                 << expected.dump());
        CHECK(same == (allow_sdist || !differences.contains(key)));
        if (!selection.ok()) {
            CHECK((selection.error().kind == ErrorKind::unsatisfiable || selection.error().kind == ErrorKind::network ||
                   selection.error().kind == ErrorKind::usage));
            if (std::getenv("PACKSE_MESSAGES"))
                std::fprintf(stderr, "== %s\n%s\n", key.c_str(), selection.error().message.c_str());
        }
    }
    // No scenario is left out.
    std::size_t tomls = 0;
    for (const auto& item : fs::recursive_directory_iterator(scenarios)) tomls += item.path().extension() == ".toml";
    CHECK(count == tomls);
    CHECK(count >= 58);
    CHECK(differing.size() == (allow_sdist ? 0 : differences.size()));
    for (std::size_t way : ways) CHECK(way > 0);
}
