// Machines as trees of /proc, /sys and /dev, in the formats that the kernel and NVIDIA's driver publish.
// tests/fixtures/machines/NAME.machine is the tree, NAME.golden the facts and findings. To add a machine, write a
// .machine and run this test with TINDERBOX_UPDATE_GOLDEN=1; then read the diff. docs/inside/preflight.md describes the
// format.
#include "common/format/cuda_floors.hpp"
#include "common/machine/gpu_chips.hpp"
#include "common/machine/gpu_facts.hpp"
#include "common/machine/gpu_table.hpp"
#include "common/machine/gpu_verdict.hpp"

#include "common/base/hash.hpp"
#include "common/base/text.hpp"
#include "machine_tree.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>

using namespace tinderbox;
using namespace tinderbox::machine;
using test::Machine;
using test::machines;

namespace {

// The facts, then the findings for an environment of that CUDA.
std::string golden_of(const Machine& machine) {
    const GpuFacts facts = machine.facts();
    nlohmann::json found = to_json(facts);
    found.erase("table_version");
    std::string out = found.dump(1, ' ', true) + "\n";
    format::Requirements needs;
    needs.cuda_major = machine.cuda_major;
    needs.cuda_runtime = fmt::format("{}.0", machine.cuda_major);
    needs.driver_floor = format::driver_floor(machine.cuda_major);
    GpuJudgeOptions options;
    if (facts.libcuda_compat) options.driver_api = [&] { return std::optional(machine.cuda_major * 1000 + 20); };
    const GpuVerdict verdict = judge_gpu(facts, needs, options);
    out += fmt::format("\n{}\n", to_string(verdict.outcome));
    for (const Finding& f : verdict.findings) {
        out += fmt::format("{} {}: {}\n", to_string(f.severity), f.id, f.sentence);
        if (!f.advice.empty()) out += fmt::format("    -> {}\n", f.advice);
    }
    return out;
}

} // namespace

TEST_CASE("machines") {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(machines)) {
        if (entry.path().extension() != ".machine") continue;
        ++count;
        INFO(entry.path().filename().string());
        const std::string found = golden_of(Machine(entry.path()));
        const fs::path golden = fs::path(entry.path()).replace_extension(".golden");
        if (std::getenv("TINDERBOX_UPDATE_GOLDEN")) REQUIRE(write_atomically(golden, found).ok());
        auto wanted = read_text(golden);
        REQUIRE(wanted.ok());
        CHECK(found == *wanted);
        // No byte that controls a terminal may reach a report, whatever the files hold.
        for (char c : found) CHECK((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
        CHECK(found.find('\x7f') == std::string::npos);
    }
    CHECK(count >= 50);
}

TEST_CASE("rubbish in every file is no crash, and nothing of it is shown") {
    // Replaces each file of each machine by random bytes, an endless line, blanks, nothing, and empty lines.
    std::string noise(1u << 20, '\0');
    std::uint32_t state = 1;
    for (char& c : noise) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    const std::string texts[] = {noise, std::string(1u << 20, 'A'), std::string(1u << 20, ' '), "", "\n\n\n"};
    for (const char* name : {"hpc-mig.machine", "jetson-orin.machine", "wsl2.machine", "laptop-secure-boot.machine"}) {
        Machine machine(machines / name);
        std::vector<fs::path> files;
        for (const auto& entry : fs::recursive_directory_iterator(machine.directory.path()))
            if (entry.is_regular_file() && !entry.is_symlink()) files.push_back(entry.path());
        for (const fs::path& file : files) {
            const std::string before = *read_text(file);
            for (const std::string& text : texts) {
                REQUIRE(write_atomically(file, text).ok());
                const std::string found = to_json(machine.facts()).dump(1, ' ', true);
                CHECK(found.size() < 4096);
                for (char c : found) REQUIRE((c == '\n' || (c >= 0x20 && c < 0x7f)));
                CHECK(found.find("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                 "AAAAAAAAAA") == std::string::npos);
            }
            REQUIRE(write_atomically(file, before).ok());
        }
    }
}

TEST_CASE("lines for a terminal") {
    CHECK(printable_line("  GeForce \t\n second") == "GeForce");
    CHECK(printable_line("a\x1b[31mb\x07") == "a [31mb");
    CHECK(printable_line("\xc2\x9b"
                         "31m caf\xc3\xa9 \xff\xe2\x82") == "31m caf\xc3\xa9 ???");
    CHECK(printable_line("\xe2\x82\xac\xe2\x82\xac", 5) == "\xe2\x82\xac");
    CHECK(printable_line("").empty());
    CHECK(printable_line(std::string(300, 'x')).size() == 200);
}

TEST_CASE("vGPU profiles") {
    for (auto [model, profile, cuda] : {std::tuple{"GRID V100D-8C", "8C", true},
                                        {"NVIDIA A40-48Q", "48Q", true},
                                        {"GRID A100X-1-5CME", "1-5CME", true},
                                        {"GRID A100D-3-20C", "3-20C", true},
                                        {"NVIDIA A40-8A", "8A", false},
                                        {"GRID T4-2B4", "2B4", false},
                                        {"GRID T4-1B", "1B", false},
                                        {"NVIDIA A100-SXM4-40GB", "", false},
                                        {"Tesla V100-PCIE-32GB", "", false},
                                        {"NVIDIA GeForce RTX 3090", "", false},
                                        {"NVIDIA A100 80GB PCIe", "", false},
                                        {"-8C", "8C", true},
                                        {"-", "", false},
                                        {"8C", "", false}}) {
        INFO(model);
        CHECK(vgpu_profile_of(model) == profile);
        CHECK(vgpu_profile_has_cuda(profile) == cuda);
    }
}

TEST_CASE("what is no library") {
    std::string elf("\x7f"
                    "ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\x3e\0",
                    20);
#if defined(__aarch64__)
    elf[18] = '\xb7';
#endif
    elf.resize(64);
    elf[41] = 2; // section headers at 512
    elf[58] = 64;
    elf[60] = 4;
    CHECK(library_defect(elf, 768).empty());
    CHECK(library_defect(elf, 767) == "it is cut short at 767 bytes");
    CHECK(library_defect(elf, 64) == "it is cut short at 64 bytes");
    CHECK(library_defect(elf.substr(0, 40), 40) == "it is cut short at 40 bytes");
    CHECK(library_defect("", 0).empty());
    CHECK(library_defect("<!DOCTYPE html>\n", 16) == "it is a text");
    CHECK(library_defect(std::string("\0\1\2", 3), 3) == "it is no ELF file");
    std::string other = elf;
    other[18] = '\x08';
    CHECK(library_defect(other, 768) == "it is for another processor");
    other = elf;
    other[4] = 1;
    CHECK(library_defect(other, 768) == "it is a 32-bit library");
    other = elf;
    other[16] = 2;
    CHECK(library_defect(other, 768) == "it is no shared library");
    other = elf;
    other.replace(40, 8, "\xff\xff\xff\xff\xff\xff\xff\xff"); // the sum overflows
    CHECK(library_defect(other, 768) == "it is cut short at 768 bytes");
    // The libraries of this machine are in order.
    for (const char* path : {"/proc/self/exe"}) {
        auto bytes = read_text(path);
        if (bytes.ok()) CHECK(library_defect(*bytes, bytes->size()) != "it is a text");
    }
}

TEST_CASE("the table of models agrees with the table of chips") {
    int found = 0;
    for (int id = 0; id <= 0xffff; ++id) {
        const GpuModel* model = find_gpu_model(static_cast<std::uint16_t>(id));
        if (!model) continue;
        ++found;
        INFO(fmt::format("10de:{:04x} {}", id, model->name));
        const GpuChip* chip = find_gpu_chip(static_cast<std::uint16_t>(id));
        REQUIRE(chip);
        CHECK(chip->compute == model->compute);
    }
    CHECK(found > 200);
    CHECK(!find_gpu_chip(0x0fbf));
    CHECK(!find_gpu_chip(0x1aef)); // an audio function
    CHECK(!find_gpu_chip(0xffff));
    CHECK(find_gpu_chip(0x2d7a)->generation == "Blackwell");
}
