// Every described machine is judged as its tree is, fits its schema and a QR code, and names nobody.
#include "machine_tree.hpp"
#include "tests/unit/check_schema.hpp"
#include "tests/unit/golden_text.hpp"

#include "common/format/cuda_floors.hpp"
#include "common/machine/description.hpp"
#include "common/machine/gpu_table.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <set>

using namespace tinderbox;
using namespace tinderbox::machine;
using nlohmann::json;
using test::Machine;

namespace {

// The most bytes of a QR code (version 40, error correction L).
constexpr std::size_t qr_code_limit = 2953;

std::vector<fs::path> all_machines() {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(test::machines))
        if (entry.path().extension() == ".machine") out.push_back(entry.path());
    std::ranges::sort(out);
    return out;
}

format::Manifest environment(const std::string& cuda, std::vector<std::string> sass, std::vector<std::string> ptx,
                             const std::string& isa) {
    format::Manifest out;
    out.platform = "linux-64";
    out.requires_.glibc = "2.17";
    if (cuda.empty()) return out;
    out.requires_.cuda_runtime = cuda;
    out.requires_.cuda_major = std::stoi(cuda);
    out.requires_.driver_floor = format::driver_floor(*out.requires_.cuda_major);
    if (sass.empty() && ptx.empty()) return out;
    format::GpuLibrary library;
    library.path = "lib/python3.11/site-packages/torch/lib/libtorch_cuda.so";
    library.package = "torch";
    library.role = "framework";
    library.sass = std::move(sass);
    for (const std::string& one : ptx) library.ptx_isa[one] = isa;
    library.ptx = std::move(ptx);
    out.requires_.gpu_libraries.push_back(std::move(library));
    return out;
}

std::vector<format::Manifest> environments() {
    return {environment("", {}, {}, ""),
            environment("11.8", {"sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"}, {}, ""),
            environment("11.4", {"sm_35", "sm_37"}, {"compute_37"}, "7.4"),
            environment("12.4", {"sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"}, {}, ""),
            environment("12.8", {"sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"}, {"compute_120"}, "8.7"),
            environment("12.0", {}, {}, ""),
            environment("13.0", {"sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_110", "sm_120"}, {}, ""),
            environment("13.0", {}, {"compute_75"}, "9.0")};
}

std::vector<Finding> judge_tree(const GpuFacts& facts, const MachineFacts& machine, const Distribution& distribution,
                                const format::Manifest& manifest) {
    std::vector<Finding> out = judge_machine(machine, manifest);
    GpuJudgeOptions options;
    options.distribution = distribution;
    options.machine = machine.processor;
    options.override_advice.clear();
    options.driver_api = [&] { return api_of_compat_library(facts); };
    std::ranges::move(judge_gpu(facts, manifest.requires_, options).findings, std::back_inserter(out));
    return out;
}

// A description has no paths and no PCI addresses, so these sentences name the thing in other words. A tree without
// os-release has the distribution of this machine.
bool names_a_place(const Finding& finding, const GpuFacts& facts) {
    static const std::set<std::string> by_path = {"system", "gpu-stub-library", "gpu-libcuda-broken",
                                                  "gpu-driver-mismatch", "gpu-module-blacklisted"};
    return by_path.contains(finding.id) ||
           std::ranges::any_of(facts.devices, [](const GpuDevice& gpu) { return gpu.name.empty(); });
}

// A small description that is accepted, to be changed.
json good_document() {
    return {{"tinderbox_machine", 1},
            {"system", "Linux"},
            {"processor", {{"architecture", "x86_64"}}},
            {"libc", {{"kind", "glibc"}, {"version", "2.35"}}},
            {"gpus", {{{"count", 1}, {"name", "Tesla T4"}, {"compute_capability", "7.5"}}}},
            {"driver", {{"kind", "open"}, {"version", "550.54.14"}}}};
}

Result<Description> parse(const json& document) { return parse_description(description_text(document), "lab.json"); }

} // namespace

TEST_CASE("a described machine is judged as its tree") {
    const json schema = json::parse(*read_text(fs::path(TINDERBOX_SOURCE_DIR) / "docs/inside/machine.schema.json"));
    std::size_t machines = 0, findings = 0, longest = 0;
    for (const fs::path& file : all_machines()) {
        INFO(file.filename().string());
        const Machine tree(file);
        const GpuFacts facts = tree.facts();
        const MachineFacts machine = read_machine_facts(tree.root(), {}, tree.environment);
        const Distribution distribution = read_distribution(tree.root(), facts.kernel_release);
        Description described = tree.as_user(describe_machine);
        described.place = read_file_system(tree.directory.path());
        const json document = to_json(described);
        test::check_schema(schema, document, "machine");
        const std::string text = description_text(document);
        INFO(text);
        CHECK(text.size() <= qr_code_limit);
        longest = std::max(longest, text.size());
        auto again = parse_description(text, "lab.json");
        REQUIRE(again.ok());
        CHECK(description_text(to_json(*again)) == text);
        for (const format::Manifest& manifest : environments()) {
            INFO(manifest.requires_.cuda_runtime);
            const auto wanted = judge_tree(facts, machine, distribution, manifest);
            const auto found = judge_description(*again, manifest);
            REQUIRE(found.size() == wanted.size());
            for (std::size_t i = 0; i < found.size(); ++i) {
                CHECK(found[i].id == wanted[i].id);
                CHECK(found[i].severity == wanted[i].severity);
                if (!names_a_place(wanted[i], facts)) CHECK(found[i].sentence == wanted[i].sentence);
                if (!names_a_place(wanted[i], facts)) CHECK(found[i].advice == wanted[i].advice);
            }
            findings += found.size();
        }
        ++machines;
    }
    CHECK(machines >= 50);
    CHECK(findings > machines * environments().size());
    INFO("longest: " << longest);
    CHECK(longest > 400);
}

TEST_CASE("eight different GPUs fit a QR code, too") {
    Description machine = *parse(good_document());
    machine.gpu.devices.clear();
    for (int i = 0; i < 8; ++i) {
        GpuDevice gpu;
        gpu.name = fmt::format("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition {}", i);
        gpu.compute = 120 + i;
        gpu.memory_bytes = 102'625'181'696u + static_cast<unsigned>(i);
        gpu.kernel_driver = "nvidia";
        machine.gpu.devices.push_back(std::move(gpu));
    }
    CHECK(description_text(to_json(machine)).size() <= qr_code_limit);
}

TEST_CASE("nothing in a description tells whose machine it is") {
    std::map<std::string, std::string> environment = {{"HOME", "/home/canary"},
                                                      {"USER", "canary"},
                                                      {"container", "canary-box"},
                                                      {"LD_LIBRARY_PATH", "/home/canary/lib"},
                                                      {"CUDA_VISIBLE_DEVICES", "GPU-canary"}};
    for (const fs::path& file : all_machines()) {
        INFO(file.filename().string());
        const Machine tree(file);
        REQUIRE(write_atomically(tree.at("/proc/sys/kernel/hostname"), "canary\n").ok());
        REQUIRE(write_atomically(tree.at("/home/canary/lib/libcuda.so.1"), "").ok());
        const std::string text = description_text(to_json(describe_machine(tree.root(), environment)));
        INFO(text);
        CHECK(text.find("canary") == std::string::npos);
        for (const char* path : {"\"/", "/home", "/etc", "/usr", "/dev", "/lib"})
            CHECK(text.find(path) == std::string::npos);
        CHECK(text.find("GPU-") == std::string::npos);
        CHECK(text.find("0000:") == std::string::npos);
        CHECK(text.find("10de") == std::string::npos);
    }
}

TEST_CASE("equal GPUs are one entry") {
    const Description machine = Machine(test::machines / "hpc-8-gpus.machine").as_user(describe_machine);
    const json document = to_json(machine);
    REQUIRE(document["gpus"].size() == 1);
    CHECK(document["gpus"][0]["count"] == 8);
    CHECK(parse(document)->gpu.devices.size() == 8);
    const json two = to_json(Machine(test::machines / "two-generations.machine").as_user(describe_machine));
    CHECK(two["gpus"].size() == 2);
}

TEST_CASE("a machine's own facts are described") {
    Description machine = describe_machine(SystemRoot(), {});
    machine.place = read_file_system("/");
    const json document = to_json(machine);
    CHECK(document["system"] == "Linux");
    CHECK(document["processor"]["threads"] > 0);
    CHECK(document["memory_bytes"] > 0);
    CHECK(document["place"]["free_bytes"].is_number_unsigned());
    CHECK(!document.contains("host"));
    CHECK(platform_of(machine.machine).starts_with("linux-"));
}

TEST_CASE("room and libraries of a described machine") {
    Description machine = *parse(good_document());
    format::Manifest manifest = environment("", {}, {}, "");
    auto ids = [&](const std::optional<format::InstallInfo>& needs) {
        std::set<std::string> out;
        for (const Finding& finding : judge_description(machine, manifest, needs))
            if (finding.severity >= Severity::warning) out.insert(finding.id);
        return out;
    };
    format::InstallInfo needs;
    needs.bytes = 1000;
    needs.inodes = 10;
    CHECK(ids(needs).empty()); // no place was described
    machine.place.emplace().free_bytes = 999;
    machine.place->free_inodes = 9;
    CHECK(ids(needs) == std::set<std::string>{"disk-space", "inodes"});
    CHECK(ids(std::nullopt).empty());
    machine.place->no_symlinks = true;
    machine.place->free_bytes = 1000;
    machine.place->free_inodes = 10;
    CHECK(ids(needs) == std::set<std::string>{"no-symlinks"});
    manifest.requires_.libraries = {"libssl.so.3"};
    CHECK(ids(std::nullopt) == std::set<std::string>{"library-unknown"});
}

TEST_CASE("what is no description") {
    test::GoldenSentences said("tests/unit/machine/description.golden", "no description");
    auto refuse = [&](const std::string& text) {
        auto parsed = parse_description(text, "lab.json");
        REQUIRE(!parsed.ok());
        CHECK(parsed.error().kind == ErrorKind::usage);
        said.add(parsed.error().message);
    };
    refuse("");
    refuse(" \n");
    refuse("glibc 2.35");
    refuse("{\"tinderbox_machine\": 1,\n\"system\"");
    refuse("[]");
    refuse("{}");
    refuse("3");
    refuse(R"({"report": 1})");
    refuse(R"({"tinderbox_lock": 1})");
    refuse(R"({"probe": null, "findings": []})");
    refuse(R"({"error": "x", "exit_code": 3})");
    refuse(R"({"tinderbox_machine": 2})");
    refuse(R"({"tinderbox_machine": "1"})");
    refuse(R"({"tinderbox_machine": -1})");
    refuse(R"({"tinderbox_machine": 1})");
    refuse(std::string(200, '[') + std::string(200, ']'));
    refuse("[" + std::string(5'000'000, ',') + "]");
}

TEST_CASE("what was changed by hand into nonsense") {
    test::GoldenSentences said("tests/unit/machine/description.golden", "nonsense");
    auto refuse = [&](const char* pointer, const json& value) {
        json document = good_document();
        document[json::json_pointer(pointer)] = value;
        auto parsed = parse(document);
        INFO(pointer << " = " << value.dump());
        REQUIRE(!parsed.ok());
        CHECK(parsed.error().kind == ErrorKind::usage);
        said.add(parsed.error().message);
    };
    refuse("/libc/version", "abc");
    refuse("/libc/version", "2..35");
    refuse("/libc/version", 2.35);
    refuse("/libc/kind", "uclibc");
    refuse("/libc/kind", "musl"); // beside a version
    refuse("/memory_bytes", -1);
    refuse("/memory_bytes", 1e300);
    refuse("/memory_bytes", "16 GB");
    refuse("/memory_bytes", (std::uint64_t{1} << 60) + 1);
    refuse("/processor", "x86_64");
    refuse("/processor", nullptr);
    refuse("/processor/architecture", "riscv64");
    refuse("/processor/level", 5);
    refuse("/processor/threads", 2'000'000);
    refuse("/gpus", "a GPU");
    refuse("/gpus/0", 3);
    refuse("/gpus/0/compute_capability", "banana");
    refuse("/gpus/0/compute_capability", "8.65");
    refuse("/gpus/0/compute_capability", "-1.0");
    refuse("/gpus/0/compute_capability", 8.6);
    refuse("/gpus/0/name", "Tesla\x1b[31m T4");
    refuse("/gpus/0/name", std::string(300, 'x'));
    refuse("/gpus/0/count", 100'000);
    refuse("/gpus", json(std::vector<json>(100'000, good_document()["gpus"][0])));
    refuse("/driver/version", "five");
    refuse("/driver/version", "12.4");
    refuse("/driver/version", nullptr); // kind says that one is loaded
    refuse("/driver/kind", "nouveau");  // beside a version
    refuse("/driver/control", "ajar");
    refuse("/place", {{"file_system", "ext4"}});
    refuse("/place", {{"free_bytes", -5}});
    refuse("/wsl", {{"version", 3}});
    // JSON's own 1e999 is no value that a document of ours could hold.
    std::string text = description_text(good_document());
    text.replace(text.find("\"x86_64\""), 8, "\"x86_64\",\"threads\":1e999");
    auto parsed = parse_description(text, "lab.json");
    REQUIRE(!parsed.ok());
    said.add(parsed.error().message);
    CHECK(parse(good_document()).ok());
}

TEST_CASE("a description comes from a file, never from a directory") {
    auto directory = TemporaryDirectory::make().value();
    const fs::path file = directory.path() / "lab.json";
    CHECK(!read_description(directory.path().string()).ok());
    CHECK(!read_description(file.string()).ok());
    REQUIRE(write_atomically(file, description_text(good_document())).ok());
    auto read = read_description(file.string());
    REQUIRE(read.ok());
    CHECK(read->machine.glibc == "2.35");
    CHECK(read->gpu.devices.front().compute == 75);
}
