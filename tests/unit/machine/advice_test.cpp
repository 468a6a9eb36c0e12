// Distributions, and advice with commands to type.
#include "common/base/file.hpp"
#include "common/machine/driver_advice.hpp"
#include "common/machine/gpu_suggestion.hpp"
#include "common/machine/gpu_table.hpp"

#include <catch2/catch_test_macros.hpp>

#include <set>

using namespace tinderbox;
using namespace tinderbox::machine;

namespace {

class Tree {
  public:
    Tree() : directory_(TemporaryDirectory::make().value()) {}
    Tree& file(const std::string& path, std::string_view text) {
        const fs::path at = directory_.path().string() + path;
        fs::create_directories(at.parent_path());
        REQUIRE(write_atomically(at, text).ok());
        return *this;
    }
    Distribution read() const { return read_distribution(SystemRoot(directory_.path().string()), "6.1.0-18-amd64"); }

  private:
    TemporaryDirectory directory_;
};

constexpr const char* debian = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n";
constexpr const char* ubuntu = "PRETTY_NAME=\"Ubuntu 24.04.1 LTS\"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"24.04\"\n";
constexpr const char* rocky =
    "PRETTY_NAME=\"Rocky Linux 9.4\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n";

DriverRequest request(std::string at_least, std::vector<int> compute) {
    DriverRequest w;
    w.at_least = std::move(at_least);
    w.compute = std::move(compute);
    w.kernel_release = "6.1.0-18-amd64";
    return w;
}

} // namespace

TEST_CASE("distributions and whether a repository has the driver") {
    SECTION("Debian, one-line format") {
        Tree tree;
        tree.file("/etc/os-release", debian)
            .file("/etc/apt/sources.list", "# deb x\ndeb cdrom:[Debian]/ bookworm main\n");
        CHECK_FALSE(tree.read().repositories);
        tree.file("/etc/apt/sources.list", "deb [signed-by=/k] http://mirror/debian bookworm main non-free-firmware\n");
        CHECK(tree.read().repositories);
        CHECK_FALSE(tree.read().driver_repository);
        tree.file("/etc/apt/sources.list.d/x.sources",
                  "Types: deb\nURIs: http://mirror/debian\nSuites: bookworm\nComponents: main contrib non-free\n");
        CHECK(tree.read().driver_repository);
        CHECK(tree.read().family == "debian");
        CHECK(tree.read().version == "12");
    }
    SECTION("RHEL's relatives: a disabled repository is none") {
        Tree tree;
        tree.file("/etc/os-release", rocky)
            .file("/etc/yum.repos.d/cuda.repo",
                  "[cuda-rhel9]\nname=cuda\nbaseurl=http://x/compute/cuda/rhel9\nenabled=0\n");
        CHECK_FALSE(tree.read().repositories);
        tree.file("/etc/yum.repos.d/a.repo",
                  "[baseos]\nname=BaseOS\nmirrorlist=http://x\nenabled=1\n\n[media]\nbaseurl=cd:///\n");
        CHECK(tree.read().repositories);
        CHECK_FALSE(tree.read().driver_repository);
        tree.file("/etc/yum.repos.d/cuda.repo",
                  "[cuda-rhel9]\nname=cuda\nbaseurl=http://x/compute/cuda/rhel9\nenabled=1\n");
        CHECK(tree.read().driver_repository);
        CHECK(tree.read().family == "rhel");
    }
    SECTION("nothing known, rubbish") {
        Tree tree;
        CHECK(tree.read().family.empty());
        tree.file("/etc/os-release", std::string_view("\0\xff=\"\nID=\"\n=\n", 13));
        CHECK(tree.read().family.empty());
    }
}

TEST_CASE("the driver branch for GPUs and a floor") {
    CHECK(driver_branch(request("525.60.13", {86})) == 580);
    CHECK(driver_branch(request("525.60.13", {61, 86})) == 580);
    CHECK(driver_branch(request("450.80.02", {37})) == 470);
    CHECK(driver_branch(request("525.60.13", {37})) == 0);
    // 620 is a long-term branch that few distributions have: it is chosen when 580 is too old. Beyond 620 the requested
    // branch is named.
    CHECK(driver_branch(request("590.44.01", {86})) == 620);
    CHECK(driver_branch(request("580.65.06", {107})) == 620);
    CHECK(driver_branch(request("590.44.01", {61})) == 0);
    CHECK(driver_branch(request("650.10", {86})) == 650);
    CHECK(driver_branch(request("590.44.01", {61})) == 0);
}

TEST_CASE("advice has a command where a repository is configured, and always what to carry") {
    Tree tree;
    tree.file("/etc/os-release", ubuntu)
        .file("/etc/apt/sources.list", "deb http://mirror/ubuntu noble main restricted\n");
    CHECK(driver_advice(request("525.60.13", {86}), tree.read(), "install") ==
          "install NVIDIA's driver 525.60.13 or newer: as root 'apt install nvidia-driver-580' and reboot; without "
          "that repository: fetch "
          "NVIDIA-Linux-x86_64-580.*.run (NVIDIA's Unix driver archive, the newest of branch 580) and "
          "linux-headers-6.1.0-18-amd64, gcc and make on a "
          "machine with internet; here install those, run 'sh NVIDIA-Linux-x86_64-580.*.run' as root and reboot");
    CHECK(
        driver_advice(request("570.26", {120}), tree.read(), "install").find("'apt install nvidia-driver-580-open'") !=
        std::string::npos);
    // The kernel headers exist, so only the driver must be carried.
    Tree bare;
    bare.file("/etc/os-release", debian).file("/lib/modules/6.1.0-18-amd64/build/Makefile", "");
    CHECK(driver_advice(request("525.60.13", {61}), bare.read(), "upgrade to") ==
          "upgrade to NVIDIA's driver 525.60.13 or newer, of branch 580 at most (the last one for this GPU): fetch "
          "NVIDIA-Linux-x86_64-580.*.run "
          "(NVIDIA's Unix driver archive, the newest of branch 580) on a machine with internet; here run 'sh "
          "NVIDIA-Linux-x86_64-580.*.run' as root and reboot");
    // What is past its end is said as such: Kepler's last branch, and that of Debian 12's own driver, 535.
    CHECK(driver_advice(request("450.80.02", {37}), bare.read(), "install")
              .find("of branch 470 at most (the last one for this GPU; its support has ended)") != std::string::npos);
    bare.file("/etc/apt/sources.list", "deb http://mirror/debian bookworm main contrib non-free\n");
    CHECK(driver_advice(request("525.60.13", {86}), bare.read(), "install")
              .find("'apt install nvidia-driver' and reboot (NVIDIA's branch 535: its support ended in June 2026)") !=
          std::string::npos);
    CHECK(driver_advice(request("580.65.06", {86}), bare.read(), "install").find("apt") == std::string::npos);
    Tree red;
    red.file("/etc/os-release", rocky)
        .file("/etc/yum.repos.d/cuda.repo", "[cuda]\nbaseurl=http://x/compute/cuda/rhel9\n");
    CHECK(driver_advice(request("525.60.13", {80}), red.read(), "install")
              .find("'dnf module install nvidia-driver:580-dkms'") != std::string::npos);
    CHECK(driver_advice(request("525.60.13", {80}), red.read(), "install").find("kernel-devel-6.1.0-18-amd64") !=
          std::string::npos);
    DriverRequest inside = request("525.60.13", {80});
    inside.container = true;
    CHECK(driver_advice(inside, red.read(), "upgrade to") ==
          "upgrade to NVIDIA's driver 525.60.13 or newer on the host: a container uses the host's driver");
}

TEST_CASE("which build would fit") {
    format::Requirements needs;
    needs.frameworks = {"torch"};
    const std::string pascal = suggest_build(needs, 61, 580);
    CHECK(pascal.starts_with("build the installer with torch 2."));
    CHECK(pascal.find("the newest known to have code for 6.1 (sm_60, CUDA 12.") != std::string::npos);
    CHECK(suggest_build(needs, 37, 470).find("torch 2.0.1: the newest known to have code for 3.7 (sm_37, CUDA 11.7") !=
          std::string::npos);
    CHECK(suggest_build(needs, 120, 0).find("sm_120") != std::string::npos);
    needs.frameworks.clear();
    CHECK(suggest_build(needs, 61, 580).ends_with("the newest CUDA that writes code for 6.1 is 12.9"));
}

TEST_CASE("GPU names as people write them") {
    auto compute = [](std::string_view name) {
        std::set<int> out;
        for (const GpuModel* model : find_gpu_models(name)) out.insert(model->compute);
        return out;
    };
    CHECK(compute("RTX 3060") == std::set{86});
    CHECK(compute("NVIDIA GeForce RTX 3060") == std::set{86});
    CHECK(compute("geforce gtx 1080 ti") == std::set{61});
    CHECK(compute("T4") == std::set{75});
    CHECK(compute("Tesla T4") == std::set{75});
    CHECK(compute("H100") == std::set{90});
    CHECK(compute("RTX").size() > 1);
    CHECK(find_gpu_models("RTX 9999").empty());
    CHECK(find_gpu_models("").empty());
    CHECK(find_gpu_models("NVIDIA").empty());
}

TEST_CASE("CUDA releases, drivers and PTX versions") {
    CHECK(driver_of_cuda("12.8") == "570.26");
    CHECK(driver_of_cuda("13.4") == "615.71.09");
    CHECK(driver_of_cuda("13.5") == "620.70.06");
    CHECK(driver_of_cuda("99.0").empty());
    CHECK(cuda_of_ptx_isa("8.5") == "12.5");
    CHECK(cuda_of_ptx_isa("9.4") == "13.4");
    CHECK(cuda_of_ptx_isa("42.0").empty());
    REQUIRE(generation_of(61));
    CHECK(generation_of(61)->last_branch == 580);
    CHECK(generation_of(999) == nullptr);
    for (int c : known_compute) CHECK(generation_of(c) != nullptr);
}
