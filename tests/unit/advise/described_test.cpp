// What several described machines have in common, and the environment judged for each of them.
#include "generator/advise/described.hpp"

#include "common/base/file.hpp"
#include "generator/advise/target.hpp"
#include "tests/unit/golden_text.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

using namespace tinderbox;
using namespace tinderbox::advise;
using nlohmann::json;

namespace {

json document(const std::string& glibc, const std::string& kernel, int level) {
    return {{"tinderbox_machine", 1},
            {"system", "Linux"},
            {"kernel", kernel},
            {"processor", {{"architecture", "x86_64"}, {"level", level}}},
            {"libc", {{"kind", "glibc"}, {"version", glibc}}},
            {"gpus", json::array()},
            {"driver", {{"kind", "none"}}}};
}

json with_gpu(json machine, const std::string& name, const std::string& compute, const std::string& driver) {
    machine["gpus"] = {{{"count", 2}, {"name", name}, {"compute_capability", compute}, {"kernel_driver", "nvidia"}}};
    machine["driver"] = {{"kind", "proprietary"}, {"version", driver}, {"control", "opens"},
                         {"uvm", "opens"},        {"nodes", true},     {"libcuda", {{"version", driver}}}};
    return machine;
}

DescribedMachine described(const std::string& file, const json& machine) {
    return {file, machine::parse_description(machine.dump(), file).value()};
}

format::Manifest cuda_12() {
    format::Manifest out;
    out.platform = "linux-64";
    out.requires_.glibc = "2.28";
    out.requires_.glibc_because = "bin/python3.11";
    out.requires_.cuda_major = 12;
    out.requires_.cuda_runtime = "12.4";
    out.requires_.driver_floor = "525.60.13";
    return out;
}

} // namespace

TEST_CASE("several machines have the lowest of everything in common") {
    const std::vector<DescribedMachine> machines = {
        described("new.json", with_gpu(document("2.39", "6.8.0-45-generic", 4), "H100 PCIe", "9.0", "580.65.06")),
        described("old.json", with_gpu(document("2.31", "5.4.0", 3), "Tesla T4", "7.5", "535.161.07"))};
    const CommonTarget common = common_target({}, machines);
    CHECK(common.has_gpu);
    CHECK(common.glibc == "2.31");
    CHECK(common.gpu.gpus.size() == 4);
    CHECK(common.gpu.driver == "535.161.07");
    CHECK(cuda_of_target(common.gpu) == "12.2");
    CHECK(common.virtuals == std::map<std::string, std::string>{
                                 {"__linux", "5.4.0"}, {"__archspec", "1=x86_64_v3"}, {"__cuda_arch", "7.5"}});
    // What is named beside them is one more machine.
    machine::GpuTarget named;
    named.gpus = {parse_target_gpu("6.1").value()};
    named.driver = "470";
    const CommonTarget more = common_target(named, machines);
    CHECK(cuda_of_target(more.gpu) == "11.4");
    CHECK(more.virtuals.at("__cuda_arch") == "6.1");
}

TEST_CASE("what one machine does not tell is not assumed of the others") {
    const std::vector<DescribedMachine> machines = {
        described("gpu.json", with_gpu(document("2.39", "6.8", 4), "H100 PCIe", "9.0", "580.65.06")),
        described("plain.json", document("2.31", "custom", 0))};
    const CommonTarget common = common_target({}, machines);
    CHECK(common.virtuals == std::map<std::string, std::string>{{"__linux", "6.8"}, {"__cuda_arch", "9.0"}});
    CHECK(common.has_gpu);
    CHECK(cuda_of_target(common.gpu) == "13.0");
    const CommonTarget plain = common_target({}, {machines[1]});
    CHECK(!plain.has_gpu);
    CHECK(plain.gpu.driver.empty());
    CHECK(plain.virtuals.empty());
    CHECK(common_target({}, {}).virtuals.empty());
    json unknown = with_gpu(document("2.39", "6.8", 4), "a new one", "9.0", "580.65.06");
    unknown["gpus"][0].erase("compute_capability");
    CHECK(!common_target({}, {described("x.json", unknown)}).virtuals.contains("__cuda_arch"));
}

TEST_CASE("a cuda-compat library offers more than the driver") {
    json machine = with_gpu(document("2.31", "5.4.0", 3), "Tesla V100", "7.0", "470.42.01");
    machine["driver"]["libcuda"] = {{"version", "535.161.07"}, {"compat", true}};
    const std::vector<DescribedMachine> machines = {described("compat.json", machine)};
    CHECK(cuda_of_target(common_target({}, machines).gpu) == "12.2");
    CHECK(check_machines(machines, cuda_12()).ok());
}

TEST_CASE("the environment is judged for every machine") {
    test::GoldenSentences said("tests/unit/advise/described.golden", "every machine");
    json small = with_gpu(document("2.31", "5.4.0", 3), "Tesla T4", "7.5", "535.161.07");
    small["place"] = {{"free_bytes", 5000}, {"free_inodes", 3}, {"file_system", "ext4"}};
    json nouveau = document("2.36", "6.1.0", 3);
    nouveau["gpus"] = {
        {{"count", 1}, {"name", "GeForce RTX 3060"}, {"compute_capability", "8.6"}, {"kernel_driver", "nouveau"}}};
    nouveau["driver"]["kind"] = "nouveau";
    const std::vector<DescribedMachine> machines = {
        described("small.json", small), described("nouveau.json", nouveau),
        described("centos.json", with_gpu(document("2.17", "3.10.0", 2), "Tesla K80", "3.7", "470.42.01"))};
    format::InstallInfo needs;
    needs.bytes = 10'000;
    needs.inodes = 20;
    const auto refused = check_machines(machines, cuda_12(), needs);
    REQUIRE(!refused.ok());
    CHECK(refused.error().kind == ErrorKind::machine);
    said.add(refused.error().message);
    // A room that suffices, and one machine that fits.
    const auto fits = check_machines({machines[0]}, cuda_12(), format::InstallInfo{});
    REQUIRE(fits.ok());
    for (const machine::Finding& finding : *fits) said.add(finding.sentence);
    const auto room = check_places(machines, needs);
    REQUIRE(!room.ok());
    said.add(room.error().message);
}

TEST_CASE("machines of other processors are refused") {
    test::GoldenSentences said("tests/unit/advise/described.golden", "processors");
    auto directory = TemporaryDirectory::make().value();
    said.hide(directory.path().string(), "DIR");
    json arm = document("2.39", "6.8", 1);
    arm["processor"] = {{"architecture", "aarch64"}};
    const std::string intel_file = (directory.path() / "intel.json").string();
    const std::string arm_file = (directory.path() / "arm.json").string();
    REQUIRE(write_atomically(intel_file, document("2.39", "6.8", 1).dump()).ok());
    REQUIRE(write_atomically(arm_file, arm.dump()).ok());
    const auto both = read_machines({intel_file, arm_file});
    REQUIRE(!both.ok());
    CHECK(both.error().kind == ErrorKind::usage);
    said.add(both.error().message);
    const auto one = read_machines({arm_file});
    REQUIRE(one.ok());
    CHECK(check_processor(*one, "linux-aarch64").ok());
    const Status refused = check_processor(*one, "linux-64");
    REQUIRE(!refused.ok());
    CHECK(refused.error().kind == ErrorKind::usage);
    said.add(refused.error().message);
    const auto missing = read_machines({(directory.path() / "none.json").string()});
    REQUIRE(!missing.ok());
    said.add(missing.error().message);
}
