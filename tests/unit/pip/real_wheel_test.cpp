// Packs and unpacks real wheels from the configured package index and compares them with pip's installation.
#include "common/base/process.hpp"
#include "generator/pip/wheel.hpp"
#include "tests/unit/parcel/unpack.hpp"

#include <catch2/catch_test_macros.hpp>

#include <map>

using namespace tinderbox;
using namespace tinderbox::pip;

namespace {

// Maps paths below `root` to permission bits and SHA-256, without the files that each installer writes itself.
std::map<std::string, std::string> listing(const fs::path& root) {
    std::map<std::string, std::string> out;
    for (const auto& item : fs::recursive_directory_iterator(root)) {
        if (!item.is_regular_file()) continue;
        const std::string path = item.path().lexically_relative(root).string(), name = item.path().filename().string();
        if (name == "RECORD" || name == "INSTALLER" || name == "REQUESTED" || name == "direct_url.json") continue;
        const auto mode = static_cast<unsigned>(fs::status(item.path()).permissions());
        out[path] = fmt::format("{:o} {}", mode, to_hex(sha256(read_bytes(item.path()).value())));
    }
    return out;
}

bool run_pip(std::vector<std::string> arguments) {
    ProcessSpec spec;
    spec.argv = {"python3", "-m", "pip", "--disable-pip-version-check", "-q"};
    spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
    spec.timeout_seconds = 60;
    auto result = run_process(spec);
    return result.ok() && result->succeeded();
}

} // namespace

TEST_CASE("wheel: real wheels become the files that pip installs") {
    const fs::path wheels = cache_directory() / "wheels-unit";
    REQUIRE(make_directories(wheels).ok());
    // A single module, extension modules, and files in .data/data.
    const std::vector<std::string> pins = {"six==1.17.0", "pyyaml==6.0.3", "ipykernel==7.4.0"};
    if (fs::is_empty(wheels)) {
        std::vector<std::string> arguments = {"download",
                                              "--no-deps",
                                              "--only-binary",
                                              ":all:",
                                              "--python-version",
                                              "3.11",
                                              "--platform",
                                              "manylinux_2_28_x86_64",
                                              "--platform",
                                              "manylinux2014_x86_64",
                                              "--platform",
                                              "any",
                                              "-d",
                                              wheels.string()};
        arguments.insert(arguments.end(), pins.begin(), pins.end());
        if (!run_pip(arguments)) SKIP("pip or its package index is not here");
    }
    TemporaryDirectory directory = TemporaryDirectory::make().value();
    const fs::path ours = directory.path() / "ours", theirs = directory.path() / "theirs";
    std::vector<std::string> arguments = {
        "install", "--no-deps", "--no-compile", "--no-index", "--ignore-requires-python", "--target", theirs.string()};
    std::map<std::string, bool> generated; // scripts of entry points
    for (const auto& item : fs::directory_iterator(wheels)) {
        arguments.push_back(item.path().string());
        auto wheel = open_wheel(item.path());
        if (!wheel.ok()) FAIL(wheel.error().message);
        CHECK((*wheel)->metadata()["record_problems"].empty());
        for (const auto& group : (*wheel)->metadata()["entry_points"])
            for (const auto& [name, reference] : group.items()) generated["bin/" + name] = true;
        parcel::PackOptions options;
        options.level = parcel::Level::fast;
        auto parcel = parcel::pack(**wheel, "key", options, directory.path() / item.path().filename());
        if (!parcel.ok()) FAIL(parcel.error().message);
        CHECK(parcel->mismatches.empty());
        // pip's --target puts all files but scripts into one directory.
        Status status = test::unpack(*parcel, [&](const format::Destination& d) {
            return d.root == format::Root::scripts ? ours / "bin" : ours;
        });
        if (!status.ok()) FAIL(status.error().message);
    }
    if (!run_pip(arguments)) SKIP("this pip cannot install wheels for CPython 3.11");
    auto expected = listing(theirs);
    for (const auto& [path, yes] : generated) expected.erase(path);
    CHECK(listing(ours) == expected);
    CHECK(expected.size() > 60);
}
