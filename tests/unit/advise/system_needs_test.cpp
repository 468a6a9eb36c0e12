// What an environment needs of the target's own system: of a captured Python before it is packed, and as lines.
#include "generator/advise/cuda.hpp"
#include "generator/advise/system_needs.hpp"
#include "generator/parcel/universal.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

using namespace tinderbox;
using namespace tinderbox::advise;
using nlohmann::json;

namespace {

json captured_debian() {
    return {{"python", {{"version", "3.11.2"}, {"stdlib", "lib/python3.11"}}},
            {"glibc", {{"version", "2.35"}, {"needed_by", "bin/python3.11"}}},
            {"libraries",
             {{{"name", "libssl.so.3"}, {"needed_by", {"lib/python3.11/lib-dynload/_ssl.so"}}},
              {{"name", "libexpat.so.1"}, {"needed_by", {"lib/python3.11/site-packages/x.so", "bin/python3.11"}}},
              {{"name", "librare.so.7"}, {"needed_by", {"lib/python3.11/site-packages/plugin.so"}}},
              {{"name", "libcuda.so.1"}, {"needed_by", {"bin/tool"}}}}}};
}

format::PythonInfo python_311() {
    format::PythonInfo out;
    out.version = "3.11.2";
    out.stdlib = "lib/python3.11";
    return out;
}

} // namespace

TEST_CASE("a captured Python's needs are known before it is packed") {
    format::Requirements needs;
    raise_glibc(needs, "2.28", "lib/x.so");
    add_captured_needs(needs, captured_debian());
    CHECK(needs.glibc == "2.35");
    CHECK(needs.glibc_because == "bin/python3.11");
    // Neither a plugin's rare library nor the driver's.
    CHECK(needs.libraries == std::vector<std::string>{"libexpat.so.1", "libssl.so.3"});
    add_captured_needs(needs, json::object());
    raise_glibc(needs, "2.9", "lib/old.so");
    raise_glibc(needs, "", "lib/static.so");
    CHECK(needs.glibc_because == "bin/python3.11");
}

TEST_CASE("packages for every platform do without their compiled files") {
    const json wheel = {{"tags", {"py2-none-any", "py3-none-any"}}};
    CHECK(parcel::is_of_universal_package(wheel, "x.so"));
    CHECK(parcel::is_of_universal_package({{"conda", {{"noarch", "generic"}}}}, "x.so"));
    CHECK(parcel::is_of_universal_package({{"universal", {"lib/x.so"}}}, "lib/x.so"));
    CHECK_FALSE(parcel::is_of_universal_package({{"universal", {"lib/x.so"}}}, "lib/y.so"));
    CHECK_FALSE(parcel::is_of_universal_package({{"conda", {{"noarch", ""}}}}, "x.so"));
    CHECK_FALSE(parcel::is_of_universal_package({{"tags", json::array()}}, "x.so"));
    CHECK_FALSE(parcel::is_of_universal_package({{"tags", {"py3-none-any", "py3-none-linux_x86_64"}}}, "x.so"));

    parcel::Parcel universal, compiled;
    universal.metadata = wheel;
    compiled.metadata = {{"tags", {"cp311-cp311-manylinux_2_17_x86_64"}}};
    parcel::Parcel::ElfFact extra, module;
    extra.glibc = "2.34";
    module.glibc = "2.17";
    format::Requirements needs;
    add_glibc_need(needs, compiled, module, "module.so");
    add_glibc_need(needs, universal, extra, "attach.so");
    CHECK(needs.glibc == "2.17");
    REQUIRE(needs.partial_glibc);
    CHECK(needs.partial_glibc->because == "attach.so");
    CHECK(system_lines(needs, python_311()).size() == 2);
    drop_covered_glibc(needs);
    CHECK(needs.partial_glibc);
    add_glibc_need(needs, compiled, extra, "new.so");
    drop_covered_glibc(needs);
    CHECK_FALSE(needs.partial_glibc);
    CHECK(needs.glibc == "2.34");
}

TEST_CASE("the needs are said, with a Python that has none") {
    format::Requirements needs;
    CHECK(system_lines(needs, python_311()).empty());
    raise_glibc(needs, "2.17", "bin/python3.11"); // conda's
    CHECK(system_lines(needs, python_311()).size() == 1);
    raise_glibc(needs, "2.34", "lib/python3.11/site-packages/x.so"); // another Python would not help
    CHECK(system_lines(needs, python_311()).size() == 1);
    add_captured_needs(needs, captured_debian());
    const auto lines = system_lines(needs, python_311());
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].second.find("2.35") != std::string::npos);
    CHECK(lines[1].second.find("libexpat.so.1, libssl.so.3") != std::string::npos);
    CHECK(lines[2].first == "instead");
    CHECK(lines[2].second.find("--python 3.11") != std::string::npos);
}

TEST_CASE("the packages of a captured prefix tell its CUDA") {
    const json captured = {
        {"distributions", {{{"name", "torch"}, {"version", "2.0.1+cu118"}, {"requested", true}}}},
        {"conda_packages", {{{"name", "cudatoolkit"}, {"version", "11.7.1"}, {"build", "h4bc3d14_12"}}}}};
    const auto packages = captured_packages(captured);
    REQUIRE(packages.size() == 2);
    CHECK((packages[0].kind == "captured" && packages[0].requested && packages[0].build.empty()));
    const auto evidence = cuda_evidence(packages, {});
    REQUIRE(evidence.size() == 2);
    CHECK(evidence[0].version == "11.7"); // the packaged runtime
    CHECK(captured_packages(json::object()).empty());
}

TEST_CASE("libraries that another check covers") {
    for (const char* soname : {"libc.so.6", "libresolv.so.2", "libthread_db.so.1", "ld-linux-x86-64.so.2",
                               "libcuda.so.1", "libnvidia-ml.so.1", "libcrypt.so.1"})
        CHECK(is_judged_elsewhere(soname));
    for (const char* soname : {"libssl.so.3", "libcurl.so.4", "libcrypt.so.2", "libcudart.so.12"})
        CHECK_FALSE(is_judged_elsewhere(soname));
}
