// Compares with pip's own choice on the configured package index; skipped where that cannot be reached.
#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "generator/lock/make_lock.hpp"
#include "generator/pip/config.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <gnu/libc-version.h>

using namespace tinderbox;
using namespace tinderbox::lock;
using nlohmann::json;

namespace {

std::string output_of(std::vector<std::string> argv) {
    ProcessSpec spec;
    spec.argv = std::move(argv);
    spec.timeout_seconds = 60;
    auto result = run_process(spec);
    return result.ok() && result->succeeded() ? result->output : "";
}

void add_pip_configuration(spec::Request& request) {
    auto config = pip::read_config();
    REQUIRE(config.ok());
    request.pip_options.add_defaults(config->options);
}

} // namespace

TEST_CASE("the wheels pip would choose", "[index][network]") {
    std::vector<std::string> pins = {"numpy==1.26.4", "markupsafe==2.1.5", "six==1.16.0", "cryptography==42.0.5",
                                     "pyyaml==6.0.1"};
    std::vector<std::string> pip = {
        "python3",       "-m",    "pip",      "install", "--dry-run", "--quiet", "--ignore-installed", "--no-deps",
        "--only-binary", ":all:", "--report", "-"};
    pip.insert(pip.end(), pins.begin(), pins.end());
    std::string python(
        trim(output_of({"python3", "-c", "import platform; print(platform.python_version(), platform.machine())"})));
    if (!python.ends_with("x86_64")) SKIP("no Python for x86-64 here to compare with");
    std::string text = output_of(pip);
    json report = json::parse(text, nullptr, false);
    if (!report.is_object()) SKIP("pip reaches no package index here");

    std::string list;
    for (const std::string& pin : pins) list += pin + "\n";
    auto request = spec::parse_spec(list, "requirements.txt");
    REQUIRE(request.ok());
    add_pip_configuration(*request);
    auto directory = TemporaryDirectory::make();
    REQUIRE(directory.ok());
    fetch::FetchOptions fetch;
    fetch.cache_root = directory->path();
    fetch.insecure_hosts = request->pip_options.trusted_hosts;
    auto fetcher = fetch::Fetcher::make(fetch);
    REQUIRE(fetcher.ok());
    LockOptions options;
    options.python = python.substr(0, python.find(' '));
    options.target_glibc = gnu_get_libc_version();
    options.provided = {{"cffi", "1.16.0"}}; // required by cryptography, absent from the list
    auto made = make_lock(*request, options, **fetcher);
    if (!made.ok()) FAIL(made.error().message);
    std::map<std::string, std::string> ours, theirs;
    for (const LockedArtifact& artifact : made->lock.artifacts) ours[artifact.file_name] = artifact.sha256;
    for (const json& row : report["install"]) {
        std::string url = row["download_info"]["url"];
        theirs[url.substr(url.rfind('/') + 1)] = row["download_info"]["archive_info"]["hashes"]["sha256"];
    }
    CHECK(ours == theirs);
    // A line without a pin is resolved.
    auto loose = spec::parse_spec("six\n", "requirements.txt");
    add_pip_configuration(*loose);
    auto resolved = make_lock(*loose, options, **fetcher);
    if (!resolved.ok()) FAIL(resolved.error().message);
    REQUIRE(resolved->lock.artifacts.size() == 1);
    CHECK(resolved->lock.artifacts[0].version.starts_with("1."));
}
