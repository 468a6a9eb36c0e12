// Classes of redistribution, licences, comparing, plans, bills of materials.
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/wrap.hpp"
#include "generator/report/columns.hpp"
#include "generator/report/difference.hpp"
#include "generator/report/licenses.hpp"
#include "generator/report/plan.hpp"
#include "generator/report/sbom.hpp"
#include "source_dir.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <set>

using namespace tinderbox;
using namespace tinderbox::report;
using nlohmann::json;

namespace {

RedistributionTable table() {
    auto text = read_text(std::string(TINDERBOX_SOURCE_DIR) + "/templates/redistribution.json");
    REQUIRE(text.ok());
    auto out = RedistributionTable::parse(*text);
    if (!out.ok()) FAIL(out.error().message);
    return *out;
}

format::PackageInfo package(std::string kind, std::string name, std::string version, std::string url = "",
                            std::string license = "") {
    format::PackageInfo out;
    out.kind = std::move(kind);
    out.name = std::move(name);
    out.version = std::move(version);
    out.url = std::move(url);
    out.license = std::move(license);
    return out;
}

// A fetcher without answers: facts that need a request stay unknown.
class NoFetcher : public fetch::Fetcher {
  public:
    int asked = 0;
    Result<std::vector<fetch::Fetched>> fetch(const std::vector<fetch::Download>&) override {
        return make_error(ErrorKind::network, "nothing");
    }
    Result<fetch::Document> get(const std::string&, const std::string&) override {
        return make_error(ErrorKind::network, "nothing");
    }
    Result<fetch::RangeReply> range(const std::string&, std::uint64_t, std::uint64_t, bool) override {
        ++asked;
        return make_error(ErrorKind::network, "nothing");
    }
};

lock::Lock sample_lock() {
    lock::Lock lock;
    lock.name = "lab";
    lock.platform = "linux-64";
    lock.target_glibc = "2.28";
    auto add = [&](std::string kind, std::string name, std::string version, std::string url, std::uint64_t size,
                   bool requested, std::string requirement) {
        lock::LockedArtifact a;
        a.kind = parcel::artifact_kind(kind);
        a.name = std::move(name);
        a.version = std::move(version);
        a.url = std::move(url);
        a.file_name = a.url.substr(a.url.rfind('/') + 1);
        a.size = size;
        a.requested = requested;
        a.requirement = std::move(requirement);
        a.sha256 = std::string(64, 'a');
        lock.artifacts.push_back(std::move(a));
    };
    add("conda", "python", "3.11.9", "https://conda.anaconda.org/conda-forge/linux-64/python-3.11.9-h1_0_cpython.conda",
        30'000'000, true, "python=3.11");
    lock.artifacts.back().build = "h1_0_cpython";
    add("wheel", "torch", "2.9.1", "https://files.test/torch-2.9.1-cp311-cp311-manylinux_2_28_x86_64.whl", 900'000'000,
        true, "torch");
    lock.artifacts.back().index = "https://index.test/simple";
    add("wheel", "nvidia-cuda-runtime-cu12", "12.8.90",
        "https://files.test/nvidia_cuda_runtime_cu12-12.8.90-py3-none-manylinux2014_x86_64.whl", 1'000'000, false,
        "torch 2.9.1 requires nvidia-cuda-runtime-cu12==12.8.90");
    lock.artifacts.back().index = "https://index.test/simple";
    return lock;
}

} // namespace

TEST_CASE("redistribution classes by place, name and licence", "[report][redistribution]") {
    RedistributionTable rules = table();
    struct Case {
        format::PackageInfo package;
        const char* expected;
    };
    const std::string main = "https://repo.anaconda.com/pkgs/main/linux-64/x.conda",
                      forge = "https://conda.anaconda.org/conda-forge/linux-64/x.conda";
    for (const Case& c :
         {Case{package("conda", "numpy", "2.0", main, "BSD-3-Clause"), "anaconda"},
          Case{package("conda", "numpy", "2.0", "https://mirror.test/pkgs/main/linux-64/x.conda", "BSD-3-Clause"),
               "anaconda"},
          Case{package("conda", "numpy", "2.0", forge, "BSD-3-Clause"), "free"},
          Case{package("base", "miniconda", "py312_26.7.1-1"), "anaconda"},
          Case{package("base", "Miniconda3", "py312_26.7.1-1"), "anaconda"},
          Case{package("base", "miniforge", "26.3.2-3"), "unknown"},
          Case{package("wheel", "nvidia-cublas-cu12", "12.8.4.1"), "nvidia"},
          Case{package("wheel", "nvidia-ml-py", "13.580", "", "BSD License"), "free"},
          Case{package("wheel", "torch", "1.12.1+cu113", "", "BSD-3"), "nvidia"},
          Case{package("wheel", "torch", "1.12.1", "", "BSD-3"), "free"},
          Case{package("conda", "cudatoolkit", "11.3.1", forge, "LicenseRef-NVIDIA-End-User-License-Agreement"),
               "nvidia"},
          Case{package("conda", "mkl", "2024.2", forge, "LicenseRef-IntelSimplifiedSoftwareOct2022"), "intel"},
          Case{package("wheel", "secret", "1", "", "Proprietary"), "proprietary"},
          Case{package("wheel", "weights", "1", "", "CC-BY-NC-4.0"), "proprietary"},
          Case{package("wheel", "x", "1", "", "License :: OSI Approved :: MIT License"), "free"},
          Case{package("wheel", "x", "1", "", "ask Bob"), "unknown"}}) {
        INFO(c.package.kind << " " << c.package.name << " " << c.package.license);
        CHECK(rules.classify(c.package) == c.expected);
    }
    std::vector<format::PackageInfo> all = {package("conda", "numpy", "2.0", main),
                                            package("wheel", "nvidia-cublas-cu12", "12"),
                                            package("conda", "mkl", "1", forge)};
    rules.classify_all(all);
    auto lines = rules.restrictions(all);
    REQUIRE(lines.size() == 2); // Intel's terms allow it
    CHECK(lines[0].find("--base miniforge") != std::string::npos);
    CHECK(lines[1].find("nvidia-cublas-cu12") != std::string::npos);
    CHECK_FALSE(RedistributionTable::parse("{}").ok());
    CHECK_FALSE(RedistributionTable::parse(R"({"version":1,"classes":[],"rules":[{"class":"x","name":"y"}]})").ok());
}

TEST_CASE("licences as SPDX expressions", "[report][license]") {
    CHECK(spdx_expression("mit") == "MIT");
    CHECK(spdx_expression("MIT AND (apache-2.0 or BSD-3-Clause)") == "MIT AND (Apache-2.0 OR BSD-3-Clause)");
    CHECK(spdx_expression("GPL-3.0-only WITH GCC-exception-3.1") == "GPL-3.0-only WITH GCC-exception-3.1");
    CHECK(spdx_expression("LGPL-2.1+") == "LGPL-2.1+");
    CHECK(spdx_expression("License :: OSI Approved :: Apache Software License") == "Apache-2.0");
    CHECK(spdx_expression("BSD 3-Clause License") == "BSD-3-Clause");
    for (const char* text : {"", "BSD", "MIT AND", "AND MIT", "(MIT", "MIT)", "MIT MIT", "MIT WITH MIT", "see LICENSE",
                             "LicenseRef-x", "()"})
        CHECK(spdx_expression(text).empty());
    CHECK(is_free_license("BSD"));
    CHECK(is_free_license("MIT OR Apache-2.0"));
    CHECK_FALSE(is_free_license("CC-BY-NC-4.0"));
    CHECK_FALSE(is_free_license(""));
}

TEST_CASE("differences of two inventories", "[report][diff]") {
    lock::Lock before = sample_lock(), after = sample_lock();
    CHECK(difference_of(inventory_of(before), inventory_of(after)).empty());
    Inventory fast = inventory_of(before), most = fast;
    fast.settings["level"] = "fast";
    most.settings["level"] = "max";
    const Difference built = difference_of(fast, most);
    CHECK(built.empty()); // the packages are the same
    CHECK(difference_text(built, false).find("level was 'fast', is 'max'") != std::string::npos);
    CHECK(to_json(built)["settings"]["level"]["after"] == "max");
    after.artifacts[1].version = "2.10.0";
    after.artifacts[1].size += 1000;
    after.artifacts[0].build = "h2_0_cpython";
    after.artifacts[2].name = "nvidia-cuda-runtime";
    before.artifacts.push_back(before.artifacts[2]);
    before.artifacts.back().name = "same-version";
    after.artifacts.push_back(before.artifacts.back());
    after.artifacts.back().sha256 = std::string(64, 'b');
    Difference difference = difference_of(inventory_of(before), inventory_of(after));
    json out = to_json(difference);
    REQUIRE(out["changed"].size() == 3);
    CHECK(out["added"].size() == 1);
    CHECK(out["removed"].size() == 1);
    std::map<std::string, json> what;
    for (const json& row : out["changed"]) what[row["name"]] = row["what"];
    CHECK(what["torch"] == json({"version"}));
    CHECK(what["python"] == json({"build"}));
    CHECK(what["same-version"] == json({"file"}));
    std::string text = difference_text(difference, false);
    CHECK(text.find("1 added, 1 removed, 3 changed, 0 the same") != std::string::npos);
    CHECK(text.find('\033') == std::string::npos);
    CHECK(text.find("(another file)") != std::string::npos);
    for (std::string_view line : split_lines(text)) CHECK_FALSE(line.ends_with(' '));
}

TEST_CASE("a plan says what is known, and how", "[report][plan]") {
    NoFetcher fetcher;
    SilentReporter silent;
    lock::Lock lock = sample_lock();
    PlanOptions options;
    auto directory = TemporaryDirectory::make();
    REQUIRE(directory.ok());
    options.gpu = advise::planned_gpu_needs(lock, parcel::ParcelCache(directory->path()), parcel::Level::standard);
    BuildPlan plan = make_build_plan(lock, table(), options, fetcher, silent);
    CHECK(fetcher.asked == 1); // only torch is large enough to ask for its size
    CHECK(plan.download == 931'000'000);
    CHECK(plan.without_size == 0);
    CHECK(to_json(plan)["cuda_major"] == 12);
    CHECK(to_json(plan)["driver_floor"] == "525.60.13");
    REQUIRE(plan.rows.size() == 3);
    CHECK(plan.rows[0].from == "conda-forge");
    CHECK(plan.rows[1].from == "index.test/simple");
    CHECK(plan.rows[1].installed_source == SizeSource::estimated);
    std::string text = plan_text(plan, 0, false);
    CHECK(text.find("525.60.13") != std::string::npos);
    CHECK(text.find("estimated from the downloads' sizes") != std::string::npos);
    CHECK(text.find("torch 2.9.1 requires nvidia-cuda-runtime-cu12==12.8.90") != std::string::npos);
    // On a terminal no line is wider than the terminal.
    const std::string narrow = plan_text(plan, 100, false);
    for (std::string_view line : split_lines(narrow)) {
        if (line.empty()) break; // the end of the table
        CHECK(display_width(line) <= 100);
    }
    json out = to_json(plan);
    CHECK(out["packages"].size() == 3);
    CHECK(out["packages"][2]["redistribution"] == "nvidia");
    CHECK(out["restrictions"].size() == 1);
    options.ask_servers = false;
    (void)make_build_plan(lock, table(), options, fetcher, silent);
    CHECK(fetcher.asked == 1);
    lock.artifacts[0].size = 0;
    CHECK(make_build_plan(lock, table(), options, fetcher, silent).without_size == 1);
}

TEST_CASE("package URLs and bills of materials", "[report][sbom]") {
    Inventory inventory = inventory_of(sample_lock());
    CHECK(package_url(inventory.packages[0], "linux-64") ==
          "pkg:conda/python@3.11.9?build=h1_0_cpython&channel=conda-forge&subdir=linux-64&type=conda");
    CHECK(package_url(inventory.packages[2], "linux-64") == "pkg:pypi/"
                                                            "nvidia-cuda-runtime-cu12@12.8.90?file_name=nvidia_cuda_"
                                                            "runtime_cu12-12.8.90-py3-none-manylinux2014_x86_64.whl");
    CHECK(package_url(package("wheel", "Torch", "1.12.1+cu113"), "linux-64") == "pkg:pypi/torch@1.12.1%2Bcu113");
    inventory.packages.push_back(inventory.packages[0]); // in the base as well
    inventory.packages.back().prefix.kind = format::PrefixKind::base;
    SbomOptions options{"0.1.0", "2026-01-01T00:00:00Z"};
    json bom = cyclonedx(inventory, options), document = spdx(inventory, options);
    std::set<std::string> references;
    for (const json& component : bom["components"]) references.insert(component["bom-ref"]);
    CHECK(references.size() == 4);
    CHECK(document["packages"].size() == 5);
    CHECK(cyclonedx(inventory, options) == bom);
}
