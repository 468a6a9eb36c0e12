// The GPU verdict: one test for each row of docs/inside/design.md's table, first through fake /proc, /sys and /dev
// trees.
#include "common/base/version_order.hpp"
#include "common/format/cuda_floors.hpp"
#include "common/machine/gpu_table.hpp"
#include "common/machine/gpu_verdict.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

using namespace tinderbox;
using namespace tinderbox::machine;
using Outcome = GpuVerdict::Outcome;

namespace {

constexpr const char* nvrm_550 =
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\n"
    "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n";
constexpr const char* nvrm_open = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  "
                                  "(dvs-builder@U22-I3)  Tue Sep 23 10:11:16 UTC 2025\n";
constexpr const char* nvrm_470 =
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.42.01  Tue Jun 15 21:26:37 UTC 2021\n";

// A machine as a tree of files.
class FakeMachine {
  public:
    FakeMachine() : directory_(TemporaryDirectory::make().value()) {
        file("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
        fs::create_directories(at("/dev"));
    }
    fs::path at(const std::string& path) const { return directory_.path().string() + path; }
    FakeMachine& file(const std::string& path, std::string_view text) {
        fs::create_directories(at(path).parent_path());
        REQUIRE(write_atomically(at(path), text).ok());
        return *this;
    }
    FakeMachine& link(const std::string& path, const std::string& target) {
        fs::create_directories(at(path).parent_path());
        fs::create_symlink(target, at(path));
        return *this;
    }
    FakeMachine& gpu(std::string_view id, const std::string& driver = "nvidia", std::string_view pci_class = "0x030000",
                     const std::string& address = "0000:01:00.0") {
        const std::string device = "/sys/bus/pci/devices/" + address;
        file(device + "/vendor", "0x10de\n").file(device + "/device", std::string(id) + "\n");
        file(device + "/class", std::string(pci_class) + "\n");
        if (!driver.empty()) link(device + "/driver", "../../../bus/pci/drivers/" + driver);
        return *this;
    }
    FakeMachine& module(std::string_view nvrm) { return file("/proc/driver/nvidia/version", nvrm); }
    FakeMachine& nodes() { return file("/dev/nvidiactl", "").file("/dev/nvidia0", "").file("/dev/nvidia-uvm", ""); }
    FakeMachine& libcuda(const std::string& version, const std::string& directory = "/usr/lib/x86_64-linux-gnu") {
        file(directory + "/libcuda.so." + version, "");
        return link(directory + "/libcuda.so.1", "libcuda.so." + version);
    }
    FakeMachine& module_on_disk() {
        return file("/lib/modules/6.1.0-18-amd64/modules.dep", "updates/dkms/nvidia.ko: kernel/drivers/x.ko\n");
    }
    GpuFacts facts(const std::map<std::string, std::string>& environment = {}) const {
        return read_gpu_facts(SystemRoot(directory_.path().string()), environment);
    }

  private:
    TemporaryDirectory directory_;
};

format::Requirements cuda(int major = 12, std::string floor = "525.60.13") {
    format::Requirements r;
    r.cuda_major = major;
    r.cuda_runtime = fmt::format("{}.4", major);
    r.driver_floor = std::move(floor);
    return r;
}

format::GpuLibrary library(std::string path, std::string role, std::vector<std::string> sass,
                           std::vector<std::string> ptx = {}) {
    format::GpuLibrary out;
    out.path = std::move(path);
    out.role = std::move(role);
    out.sass = std::move(sass);
    out.ptx = std::move(ptx);
    return out;
}

const Finding* find(const GpuVerdict& verdict, std::string_view id) {
    for (const Finding& f : verdict.findings)
        if (f.id == id) return &f;
    return nullptr;
}

void require_refused(const GpuFacts& facts, std::string_view id, std::string_view sentence, std::string_view advice) {
    auto verdict = judge_gpu(facts, cuda());
    REQUIRE(verdict.outcome == Outcome::refused);
    REQUIRE(verdict.findings.size() == 1);
    CHECK(verdict.findings[0].id == id);
    CHECK(verdict.findings[0].severity == Severity::error);
    CHECK(verdict.findings[0].sentence == sentence);
    CHECK(verdict.findings[0].advice == std::string(advice) + "; --no-gpu installs all the same");
    CHECK(failure_of(verdict.findings) == ErrorKind::machine);

    // With --no-gpu the same row is a warning and no failure.
    auto forced = judge_gpu(facts, cuda(), {true, {}});
    CHECK(forced.outcome == Outcome::refused);
    REQUIRE(find(forced, id));
    CHECK(find(forced, id)->severity == Severity::warning);
    CHECK(find(forced, id)->advice == advice);
    CHECK(!failure_of(forced.findings));
}

} // namespace

TEST_CASE("no NVIDIA GPU: install, not verified") {
    FakeMachine machine;
    machine.file("/sys/bus/pci/devices/0000:00:02.0/vendor", "0x8086\n");
    machine.file("/sys/bus/pci/devices/0000:00:02.0/class", "0x030000\n");
    // The audio function of a passed-through card is no GPU.
    machine.gpu("0x10fa", "snd_hda_intel", "0x040300", "0000:01:00.1");
    auto verdict = judge_gpu(machine.facts(), cuda());
    CHECK(verdict.outcome == Outcome::not_verified);
    REQUIRE(verdict.findings.size() == 1);
    CHECK(verdict.findings[0].severity == Severity::note);
    CHECK(verdict.findings[0].sentence == "GPU: not verified: no NVIDIA GPU was found");
    CHECK(verdict.findings[0].advice == "the environment needs one with driver 525.60.13 or newer to compute on a GPU");
}

TEST_CASE("GPU code with unknown needs: noted, never 'not needed', and not held against the GPU") {
    format::Requirements unknown;
    unknown.cuda_evidence.push_back({0, "", "'lib/x.so': its fatbin at byte 64 cannot be read"});
    FakeMachine machine;
    auto verdict = judge_gpu(machine.facts(), unknown);
    CHECK(verdict.outcome == Outcome::not_verified);
    CHECK(verdict.findings[0].advice == "the environment needs one to compute on a GPU");
    machine.gpu("0x20b0").module(nvrm_550).nodes().libcuda("550.54.14");
    verdict = judge_gpu(machine.facts(), unknown);
    CHECK(verdict.outcome == Outcome::usable); // the probe decides
    REQUIRE(find(verdict, "gpu-code-unknown"));
    CHECK(find(verdict, "gpu-code-unknown")->severity == Severity::note);
    // Beside code that can be read, which is for other GPUs.
    format::Requirements beside = cuda();
    beside.gpu_libraries.push_back({"lib/y.so", "y", "framework", {"sm_70"}, {}, {}, {}});
    CHECK(judge_gpu(machine.facts(), beside).outcome == Outcome::refused);
    beside.cuda_evidence = unknown.cuda_evidence;
    verdict = judge_gpu(machine.facts(), beside);
    CHECK(verdict.outcome == Outcome::usable);
    CHECK(find(verdict, "gpu-code-unknown"));
}

TEST_CASE("a container without its GPU: install, not verified") {
    FakeMachine machine;
    machine.gpu("0x20b0").module(nvrm_550).file("/.dockerenv", "");
    auto verdict = judge_gpu(machine.facts(), cuda());
    CHECK(verdict.outcome == Outcome::not_verified);
    REQUIRE(verdict.findings.size() == 1);
    CHECK(verdict.findings[0].sentence == "GPU: not verified: this is a container (docker) to which no GPU is passed");
    CHECK(!failure_of(verdict.findings));

    SECTION("with its GPU it is judged like a machine") {
        machine.nodes().libcuda("550.54.14");
        CHECK(judge_gpu(machine.facts(), cuda()).outcome == Outcome::usable);
    }
}

TEST_CASE("nouveau") {
    FakeMachine machine;
    machine.gpu("0x2204", "nouveau").file("/sys/module/nouveau/refcnt", "4");
    require_refused(machine.facts(), "gpu-nouveau", "GeForce RTX 3090 is driven by nouveau, which has no CUDA",
                    "install NVIDIA's driver 525.60.13 or newer, which replaces nouveau, and reboot");
    machine.module_on_disk();
    require_refused(machine.facts(), "gpu-nouveau", "GeForce RTX 3090 is driven by nouveau, which has no CUDA",
                    "blacklist nouveau (echo 'blacklist nouveau' > /etc/modprobe.d/nouveau.conf, rebuild the "
                    "initramfs) and reboot");
}

TEST_CASE("no driver") {
    FakeMachine machine;
    machine.gpu("0x1eb8", "", "0x030200").gpu("0x1eb8", "", "0x030200", "0000:02:00.0");
    require_refused(machine.facts(), "gpu-no-driver", "2 × Tesla T4: no NVIDIA driver is installed",
                    "install NVIDIA's driver 525.60.13 or newer");
}

TEST_CASE("a GPU lent to a virtual machine") {
    FakeMachine machine;
    machine.gpu("0x27b8", "vfio-pci", "0x030200").module_on_disk();
    require_refused(machine.facts(), "gpu-vfio", "L4 is bound to vfio-pci, which lends it to a virtual machine",
                    "give it back to the nvidia driver, or install inside the virtual machine");
}

TEST_CASE("the module is installed but not loaded") {
    constexpr const char* advice =
        "run 'modprobe nvidia' as root and look at 'dmesg' if it fails; after a kernel update rebuild "
        "the module or reboot";
    constexpr const char* sentence = "A40: NVIDIA's driver is installed, but its kernel module is not loaded";
    FakeMachine machine;
    machine.gpu("0x2235", "", "0x030200");
    SECTION("a module on disk") {
        machine.module_on_disk();
        require_refused(machine.facts(), "gpu-module-not-loaded", sentence, advice);
    }
    SECTION("a device node without a module: ENXIO") {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::string path = machine.at("/dev/nvidiactl").string();
        REQUIRE(path.size() < sizeof address.sun_path);
        path.copy(address.sun_path, path.size());
        int fd = ::socket(AF_UNIX, SOCK_STREAM, 0); // opening a socket's name gives ENXIO
        REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        CHECK(machine.facts().control_errno == ENXIO);
        require_refused(machine.facts(), "gpu-module-not-loaded", sentence, advice);
        ::close(fd);
    }
    SECTION("only the user-space part") {
        machine.libcuda("535.161.07");
        require_refused(machine.facts(), "gpu-module-not-loaded", sentence, advice);
    }
    SECTION("Secure Boot refused it") {
        machine.module_on_disk();
        machine.file("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
                     std::string_view("\6\0\0\0\1", 5));
        require_refused(machine.facts(), "gpu-secure-boot",
                        "the nvidia kernel module is installed but not loaded, and Secure Boot is on, which refuses "
                        "modules "
                        "without an enrolled signature",
                        "enrol the key that signed the module (mokutil --import) and reboot, or turn Secure Boot off");
    }
    SECTION("Secure Boot is off") {
        machine.module_on_disk();
        machine.file("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
                     std::string_view("\6\0\0\0\0", 5));
        require_refused(machine.facts(), "gpu-module-not-loaded", sentence, advice);
    }
}

TEST_CASE("user space and kernel mismatch") {
    FakeMachine machine;
    machine.gpu("0x2684").module(nvrm_550).nodes().libcuda("560.28.03");
    require_refused(machine.facts(), "gpu-driver-mismatch",
                    "the loaded kernel module is 550.54.14, but "
                    "'/usr/lib/x86_64-linux-gnu/libcuda.so.560.28.03' belongs to "
                    "driver 560.28.03",
                    "reboot, so that the kernel loads the new driver; if it stays, remove the stray libcuda");
}

TEST_CASE("a kernel module without libcuda") {
    FakeMachine machine;
    machine.gpu("0x2684").module(nvrm_550).nodes();
    require_refused(machine.facts(), "gpu-no-libcuda",
                    "the kernel module 550.54.14 is loaded, but libcuda.so.1 was not found",
                    "install the user-space part of the same driver (Debian: libcuda1, Ubuntu: libnvidia-compute-…, "
                    "RHEL: nvidia-driver-cuda-libs); in a container pass 'compute' in NVIDIA_DRIVER_CAPABILITIES");
}

TEST_CASE("driver below the floor of the environment's CUDA major") {
    FakeMachine machine;
    machine.gpu("0x1db4", "nvidia", "0x030200").module(nvrm_470).nodes().libcuda("470.42.01");
    require_refused(machine.facts(), "gpu-driver-too-old",
                    "driver 470.42.01 is below 525.60.13, the lowest that runs CUDA 12",
                    "upgrade the driver to 525.60.13 or newer");
    // 450.80.02 runs all of CUDA 11.
    CHECK(judge_gpu(machine.facts(), cuda(11, "450.80.02")).outcome == Outcome::usable);
    CHECK(judge_gpu(machine.facts(), cuda(11, "")).outcome == Outcome::usable); // the floor comes from our own table

    SECTION("cuda-compat: a child that opened libcuda reports a newer API") {
        auto verdict = judge_gpu(machine.facts(), cuda(), {false, [] { return std::optional(12020); }});
        CHECK(verdict.outcome == Outcome::usable);
        REQUIRE(find(verdict, "gpu-compat"));
        CHECK(find(verdict, "gpu-compat")->sentence ==
              "driver 470.42.01 is below 525.60.13, the lowest that runs CUDA 12, but "
              "libcuda answers with CUDA 12.2 (cuda-compat is in use)");
        CHECK(!failure_of(verdict.findings));
    }
    SECTION("a child that reports the old API, or nothing") {
        CHECK(judge_gpu(machine.facts(), cuda(), {false, [] { return std::optional(11040); }}).outcome ==
              Outcome::refused);
        CHECK(judge_gpu(machine.facts(), cuda(), {false, [] { return std::optional<int>(); }}).outcome ==
              Outcome::refused);
    }
    SECTION("a compat library is not a mismatch") {
        machine.libcuda("535.161.07", "/usr/local/cuda/compat");
        auto facts = machine.facts({{"LD_LIBRARY_PATH", "/usr/local/cuda/compat"}});
        CHECK(facts.libcuda_compat);
        CHECK(judge_gpu(facts, cuda(), {false, [] { return std::optional(12020); }}).outcome == Outcome::usable);
    }
}

TEST_CASE("no code for any of its GPUs") {
    FakeMachine machine;
    machine.gpu("0x1b06").module(nvrm_550).nodes().libcuda("550.54.14"); // 6.1
    format::Requirements needs = cuda();
    const std::string torch = "lib/python3.11/site-packages/torch/lib/libtorch_cuda.so";
    needs.gpu_libraries = {
        library("lib/python3.11/site-packages/nvidia/cublas/lib/libcublas.so.12", "nvidia", {"sm_50", "sm_60"}),
        library(torch, "framework", {"sm_75", "sm_80", "sm_86", "sm_90"})};
    auto verdict = judge_gpu(machine.facts(), needs);
    REQUIRE(verdict.outcome == Outcome::refused);
    CHECK(verdict.findings.back().sentence == "'" + torch + "' has no code for GeForce GTX 1080 Ti (6.1)");
    CHECK(verdict.findings.back().advice ==
          "build the installer from packages made for this GPU; the newest CUDA that writes code for 6.1 is 12.9; "
          "--no-gpu installs all the same");
    CHECK(judge_gpu(machine.facts(), needs, {true, {}}).findings.back().severity == Severity::warning);

    SECTION("a second GPU that it has code for") {
        machine.gpu("0x2204", "nvidia", "0x030000", "0000:02:00.0");
        auto mixed = judge_gpu(machine.facts(), needs);
        CHECK(mixed.outcome == Outcome::usable);
        REQUIRE(find(mixed, "gpu-no-code-for-some"));
        CHECK(find(mixed, "gpu-no-code-for-some")->severity == Severity::warning);
    }
    SECTION("an unknown GPU is not judged") {
        FakeMachine unknown;
        unknown.gpu("0x3fff").module(nvrm_550).nodes().libcuda("550.54.14");
        auto u = judge_gpu(unknown.facts(), needs);
        CHECK(u.outcome == Outcome::usable);
        REQUIRE(find(u, "gpu-unknown-model"));
        CHECK(find(u, "gpu-unknown-model")->sentence ==
              "10de:3fff at 0000:01:00.0 is not in this installer's table of GPUs: "
              "whether the environment has code for it was not judged");
    }
    SECTION("PTX serves it, if the driver can compile it") {
        needs.gpu_libraries = {library(torch, "framework", {"sm_80"}, {"compute_50"})};
        auto slow = judge_gpu(machine.facts(), needs);
        CHECK(slow.outcome == Outcome::usable);
        CHECK(find(slow, "gpu-ptx-only")->severity == Severity::note);
        needs.cuda_runtime = "12.8"; // for manifests without the PTX version
        auto newer = judge_gpu(machine.facts(), needs);
        CHECK(newer.outcome == Outcome::refused);
        CHECK(find(newer, "gpu-ptx-too-new")->sentence ==
              "for GeForce GTX 1080 Ti there is only PTX of CUDA 12.8, and driver 550.54.14 compiles PTX up "
              "to CUDA 12.4");
        CHECK(find(newer, "gpu-ptx-too-new")->advice ==
              "upgrade to NVIDIA's driver 570.26 or newer, of branch 580 at most (the last one for this GPU); --no-gpu "
              "installs all the same");
        // The PTX is of an older version than the environment's CUDA.
        needs.gpu_libraries[0].ptx_isa["compute_50"] = "8.4";
        CHECK(judge_gpu(machine.facts(), needs).outcome == Outcome::usable);
        needs.gpu_libraries[0].ptx_isa["compute_50"] = "99.0";
        CHECK(find(judge_gpu(machine.facts(), needs), "gpu-ptx-unknown"));
        // Another GPU has machine code, so this is a warning.
        needs.gpu_libraries[0].ptx_isa["compute_50"] = "8.7";
        machine.gpu("0x2204", "nvidia", "0x030000", "0000:02:00.0");
        auto mixed = judge_gpu(machine.facts(), needs);
        CHECK(mixed.outcome == Outcome::usable);
        CHECK(find(mixed, "gpu-ptx-too-new")->severity == Severity::warning);
    }
}

TEST_CASE("drivers that do not know a GPU, and GPUs that no driver knows any more") {
    SECTION("Kepler and CUDA 12") {
        FakeMachine machine;
        machine.gpu("0x102d", "nvidia", "0x030200").module(nvrm_470).nodes().libcuda("470.42.01");
        auto verdict = judge_gpu(machine.facts(), cuda());
        REQUIRE(verdict.outcome == Outcome::refused);
        CHECK(verdict.findings.back().id == "gpu-no-driver-exists");
        CHECK(verdict.findings.back().sentence ==
              "Tesla K80: the last driver branch for it is 470, and CUDA 12 needs driver 525.60.13");
        CHECK(verdict.findings.back().advice.starts_with(
            "build the installer from packages made for this GPU; the newest CUDA that writes code for 3.7 is 11.8"));
        CHECK(judge_gpu(machine.facts(), cuda(11, "450.80.02")).outcome == Outcome::usable);
    }
    SECTION("a branch after the last one for Pascal") {
        FakeMachine machine;
        machine.gpu("0x1b06", "")
            .module("NVRM version: NVIDIA UNIX x86_64 Kernel Module  590.44.01  Release\n")
            .nodes()
            .libcuda("590.44.01");
        auto verdict = judge_gpu(machine.facts(), cuda());
        REQUIRE(find(verdict, "gpu-driver-unsuitable"));
        CHECK(find(verdict, "gpu-driver-unsuitable")->sentence ==
              "driver 590.44.01 does not support GeForce GTX 1080 Ti");
    }
}

TEST_CASE("GPUs that are not for computing on, and half a driver") {
    FakeMachine machine;
    machine.gpu("0x2330").module(nvrm_550).nodes().libcuda("550.54.14");
    const GpuFacts good = machine.facts();
    auto rule_of = [&](const std::function<void(GpuFacts&)>& change) {
        GpuFacts facts = good;
        change(facts);
        auto verdict = judge_gpu(facts, cuda());
        for (const Finding& f : verdict.findings)
            if (f.severity != Severity::ok) return std::pair(f.id, f.sentence);
        return std::pair(std::string(), std::string());
    };
    CHECK(rule_of([](GpuFacts&) {}).first.empty());
    CHECK(rule_of([](GpuFacts& f) {
              f.jetson = "NVIDIA Jetson Nano";
              f.tegra = "tegra210";
          }).second.starts_with("this is NVIDIA Jetson Nano (tegra210): its GPU"));
    CHECK(rule_of([](GpuFacts& f) { f.wsl_version = 1; }) ==
          std::pair(std::string("gpu-wsl1"), std::string("GPU: not verified: this is WSL 1, which has no GPU")));
    CHECK(rule_of([](GpuFacts& f) { f.vgpu_host = true; }).first == "gpu-vgpu-host");
    CHECK(rule_of([](GpuFacts& f) { f.devices[0].vgpu_profile = "8A"; }).second ==
          "the vGPU profile of H100 SXM5 80GB (8A) has no CUDA");
    CHECK(rule_of([](GpuFacts& f) { f.devices[0].vgpu_profile = "8C"; }).first.empty());
    CHECK(rule_of([](GpuFacts& f) { f.devices[0].excluded = true; }).first == "gpu-excluded");
    CHECK(rule_of([](GpuFacts& f) { f.devices[0].denied = true; }).first == "gpu-denied");
    CHECK(rule_of([](GpuFacts& f) { f.libcuda_defect = "it is a text"; }).second ==
          "'/usr/lib/x86_64-linux-gnu/libcuda.so.550.54.14' cannot be loaded: it is a text");
    CHECK(rule_of([](GpuFacts& f) { f.uvm_errno = ENXIO; }).first == "gpu-no-uvm");
    CHECK(rule_of([](GpuFacts& f) { f.nvswitches = 4; }).first == "gpu-no-fabric-manager");
    CHECK(rule_of([](GpuFacts& f) {
              f.nvswitches = 4;
              f.fabric_manager = true;
          }).first.empty());
    CHECK(rule_of([](GpuFacts& f) {
              f.module_version.clear();
              f.devices[0].kernel_driver = "nova_core";
          }).second == "H100 SXM5 80GB is driven by nova, which has no CUDA");
    CHECK(rule_of([](GpuFacts& f) {
              f.module_version.clear();
              f.module_on_disk = true;
              f.blacklisted_by = "/etc/modprobe.d/x.conf";
          }).first == "gpu-module-blacklisted");
}

TEST_CASE("libraries that do not decide") {
    FakeMachine machine;
    machine.gpu("0x1eb8").module(nvrm_550).nodes().libcuda("550.54.14"); // 7.5
    format::Requirements needs = cuda();
    needs.gpu_libraries = {library("a/libtorch_cuda.so", "framework", {"sm_75"}),
                           library("a/libtorch_cuda_linalg.so", "part", {"sm_80"}),
                           library("a/libcusparseLt.so.0", "other", {"sm_80"})};
    auto verdict = judge_gpu(machine.facts(), needs);
    CHECK(verdict.outcome == Outcome::usable);
    REQUIRE(find(verdict, "gpu-library-without-code"));
    CHECK(find(verdict, "gpu-library-without-code")->sentence ==
          "libtorch_cuda_linalg.so has no code for Tesla T4 (7.5): calls into it fail on that GPU");
    CHECK(find(verdict, "gpu-special-without-code")->sentence ==
          "no code for Tesla T4 (7.5) in libcusparseLt.so.0: it matters only to programs that use it");
    CHECK(find(verdict, "gpu")->sentence.ends_with("; code for it: sm_75 in libtorch_cuda.so"));
    CHECK(find(verdict, "gpu")->docs == "docs/inside/gpu.md#gpu");
}

TEST_CASE("a target that is only described") {
    format::Requirements needs = cuda();
    needs.gpu_libraries = {library("a/libtorch_cuda.so", "framework", {"sm_80", "sm_86"}, {"compute_90"})};
    needs.gpu_libraries[0].ptx_isa["compute_90"] = "8.7";
    GpuJudgeOptions options;
    options.override_advice.clear();
    auto judge = [&](int compute, std::string driver) {
        return judge_gpu_target({{{"", 0, "this GPU", compute, ""}}, std::move(driver)}, needs, options);
    };
    CHECK(judge(86, "535.54.03").outcome == Outcome::usable);
    CHECK(judge(86, "").findings.back().sentence == "this GPU (8.6): the environment's CUDA 12.4 needs driver "
                                                    "525.60.13 or newer; code for it: sm_86 in libtorch_cuda.so");
    CHECK(judge(86, "470").findings.back().id == "gpu-driver-too-old");
    CHECK(judge(86, "470").findings.back().advice == "upgrade the driver to 525.60.13 or newer");
    CHECK(judge(75, "").findings.back().id == "gpu-no-code");
    CHECK(judge(120, "").outcome == Outcome::usable); // it runs the PTX: the driver is new enough
    CHECK(judge(120, "570.26").findings.front().id == "gpu-ptx-only");
    CHECK(judge(120, "550.54.14").findings.back().id == "gpu-driver-unsuitable"); // this driver does not know Blackwell
    CHECK(judge(90, "550.54.14").findings.back().id == "gpu-ptx-too-new");
    CHECK(judge_gpu_target({{}, "470"}, needs, options).outcome == Outcome::refused);
    CHECK(judge_gpu_target({{}, "550"}, needs, options).outcome == Outcome::usable);
}

TEST_CASE("a machine in order, proprietary and open module") {
    FakeMachine machine;
    machine.gpu("0x2330", "nvidia", "0x030200").nodes();
    SECTION("proprietary") {
        machine.module(nvrm_550).libcuda("550.54.14");
        auto verdict = judge_gpu(machine.facts(), cuda());
        CHECK(verdict.outcome == Outcome::usable);
        REQUIRE(verdict.findings.size() == 1);
        CHECK(verdict.findings[0].sentence == "H100 SXM5 80GB, driver 550.54.14 of CUDA 12.4; the "
                                              "environment's CUDA 12.4 needs 525.60.13 or newer");
    }
    SECTION("open") {
        machine.module(nvrm_open).libcuda("580.95.05");
        auto facts = machine.facts();
        CHECK(facts.module_version == "580.95.05");
        CHECK(facts.module_open);
        CHECK(judge_gpu(facts, cuda(13, "580.65.06")).findings[0].sentence ==
              "H100 SXM5 80GB, driver 580.95.05 (open) of CUDA 13.0; the environment's CUDA 13.4 needs "
              "580.65.06 or newer");
    }
    SECTION("a driver newer than the tables counts as the newest they know, and is never refused for it") {
        machine.file("/sys/module/nvidia/version", "700.10.01\n").libcuda("700.10.01");
        auto verdict = judge_gpu(machine.facts(), cuda(13, "580.65.06"));
        CHECK(verdict.outcome == Outcome::usable);
        CHECK(verdict.numbers.driver_cuda == "13.5");
        REQUIRE(verdict.findings.size() == 1);
        CHECK(verdict.findings[0].sentence ==
              "H100 SXM5 80GB, driver 700.10.01 of CUDA 13.5 or newer; the environment's CUDA 13.4 needs "
              "580.65.06 or newer");
        // An environment of an unknown CUDA major has no floor.
        CHECK(judge_gpu(machine.facts(), cuda(14, "")).outcome == Outcome::usable);
    }
    SECTION("the version from /sys alone") {
        machine.file("/sys/module/nvidia/version", "550.54.14\n").libcuda("550.54.14");
        CHECK(judge_gpu(machine.facts(), cuda()).outcome == Outcome::usable);
    }
}

TEST_CASE("WSL2 has no /proc/driver/nvidia") {
    FakeMachine machine;
    machine.file("/dev/dxg", "").file("/usr/lib/wsl/lib/libcuda.so.1", "");
    auto verdict = judge_gpu(machine.facts(), cuda());
    CHECK(verdict.outcome == Outcome::usable);
    REQUIRE(find(verdict, "gpu-wsl"));
    CHECK(verdict.findings.size() == 1);
}

TEST_CASE("an environment without CUDA does not care") {
    FakeMachine machine;
    machine.gpu("0x2204", "nouveau");
    auto verdict = judge_gpu(machine.facts(), format::Requirements{});
    CHECK(verdict.outcome == Outcome::not_needed);
    CHECK(verdict.findings.empty());
}

TEST_CASE("what may fail later is a warning") {
    FakeMachine machine;
    machine.gpu("0x2204").module(nvrm_550).nodes().libcuda("550.54.14");
    GpuFacts facts = machine.facts({{"CUDA_VISIBLE_DEVICES", ""}});
    auto hidden = judge_gpu(facts, cuda());
    CHECK(hidden.outcome == Outcome::usable);
    CHECK(find(hidden, "gpu-hidden")->sentence == "CUDA_VISIBLE_DEVICES is '', which hides every GPU");
    facts.control_errno = EACCES;
    CHECK(find(judge_gpu(facts, cuda()), "gpu-permission")->sentence ==
          "/dev/nvidiactl may not be opened by this user (EACCES)");
    facts.control_errno = ENOENT;
    CHECK(find(judge_gpu(facts, cuda()), "gpu-no-nodes"));
    facts.libcuda = facts.libcuda_file = "/usr/local/cuda/lib64/stubs/libcuda.so";
    facts.libcuda_version.clear();
    facts.libcuda_stub = true;
    CHECK(find(judge_gpu(facts, cuda()), "gpu-stub-library")->severity == Severity::warning);
}

TEST_CASE("which code runs on which GPU") {
    CHECK(sass_runs_on("sm_80", 86));
    CHECK(sass_runs_on("sm_80", 89));
    CHECK(!sass_runs_on("sm_86", 80));
    CHECK(!sass_runs_on("sm_75", 80));
    CHECK(sass_runs_on("sm_90a", 90));
    CHECK(!sass_runs_on("sm_100a", 103));
    CHECK(sass_runs_on("sm_100f", 103));
    CHECK(ptx_runs_on("compute_90", 120));
    CHECK(!ptx_runs_on("compute_90a", 120));
    CHECK(!ptx_runs_on("compute_90", 89));
    CHECK(!sass_runs_on("nonsense", 80));
    CHECK(!sass_runs_on("sm_", 80));
}

TEST_CASE("driver tables") {
    CHECK(cuda_of_driver("535.54.03") == "12.2");
    CHECK(cuda_of_driver("535.54.02") == "12.1");
    CHECK(cuda_of_driver("390.10") == "9.0");
    CHECK(cuda_of_driver("340.108") == "");
    CHECK(cuda_of_driver("615.71.09") == "13.4");
    CHECK(cuda_of_driver("999.1") == "13.5");
    CHECK(cuda_label_of_driver("620.99.01") == "13.5");
    CHECK(cuda_label_of_driver("625.10") == "13.5 or newer");
    CHECK(format::driver_floor(11) == "450.80.02");
    CHECK(format::driver_floor(14) == "");
    CHECK(compare_versions("525.60.13", "525.60.13") == 0);
    CHECK(compare_versions("525.105", "525.60.13") == 1);
    CHECK(compare_versions("5", "525") == -1);
    REQUIRE(find_gpu_model(0x2330));
    CHECK(find_gpu_model(0x2330)->compute == 90);
}

TEST_CASE("damaged or strange texts in /proc and /sys are not a crash") {
    CHECK(version_of_nvrm("").empty());
    CHECK(version_of_nvrm("NVRM version:").empty());
    CHECK(version_of_nvrm("something else 550.54.14").empty());
    FakeMachine machine;
    machine.file("/sys/bus/pci/devices/0000:01:00.0/vendor", "zzz")
        .file("/sys/bus/pci/devices/0000:02:00.0/vendor", "0x10de");
    machine.file("/sys/firmware/efi/efivars/SecureBoot-x", "12");
    machine.file("/etc/ld.so.cache", "glibc-ld.so.cache1.1\xff\xff\xff\xff");
    machine.link("/usr/lib/libcuda.so.1", "libcuda.so.1"); // a loop
    GpuFacts facts = machine.facts();
    CHECK(facts.devices.empty());
    CHECK(!facts.secure_boot);
    CHECK(facts.libcuda.empty());
    CHECK(to_json(facts)["driver"] == "");
}
