// The needs of an environment for GPU and driver: evidence in packages and sonames, libraries and their roles, floors.
#include "common/machine/gpu_code.hpp"
#include "generator/advise/cuda.hpp"
#include "generator/advise/gpu_needs.hpp"
#include "generator/advise/target.hpp"

#include <catch2/catch_test_macros.hpp>

#include <list>

using namespace tinderbox;
using namespace tinderbox::advise;

namespace {

format::PackageInfo package(std::string kind, std::string name, std::string version, std::string build = "") {
    format::PackageInfo out;
    out.kind = std::move(kind);
    out.name = std::move(name);
    out.version = std::move(version);
    out.build = std::move(build);
    return out;
}

std::string strongest(const std::vector<format::PackageInfo>& packages, const std::vector<std::string>& sonames = {}) {
    auto evidence = cuda_evidence(packages, {{"lib/x.so", sonames}});
    return evidence.empty() ? "" : evidence.front().version;
}

class Libraries {
  public:
    Libraries& add(std::string path, std::string package, std::map<elf::DeviceCode, std::uint32_t> code,
                   std::uint32_t containers = 100) {
        parcel::Parcel::ElfFact& fact = facts_.emplace_back();
        fact.device.emplace();
        fact.device->code = std::move(code);
        fact.device->containers = containers;
        files_.push_back({std::move(path), std::move(package), &fact});
        return *this;
    }
    format::Requirements needs(std::vector<format::PackageInfo> packages) const {
        format::Requirements out;
        add_gpu_needs(out, packages, files_);
        return out;
    }

  private:
    std::list<parcel::Parcel::ElfFact> facts_;
    std::vector<InstalledElf> files_;
};

elf::DeviceCode sm(std::uint32_t architecture, char variant = 0) {
    return {elf::DeviceCode::Kind::cubin, architecture, variant};
}
elf::DeviceCode ptx(std::uint32_t architecture, std::uint16_t major, std::uint16_t minor) {
    return {elf::DeviceCode::Kind::ptx, architecture, 0, major, minor};
}

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("CUDA versions from packages' names, versions and builds") {
    // Names and builds from conda's channels and package indexes, the most common first.
    CHECK(strongest({package("conda", "cudatoolkit", "11.8.0", "h6a678d5_0")}) == "11.8");
    CHECK(strongest({package("conda", "cuda-cudart", "12.4.127", "0")}) == "12.4");
    CHECK(strongest({package("conda", "cuda-version", "12.6", "h3060b56_3")}) == "12.6");
    CHECK(strongest({package("conda", "pytorch-cuda", "12.1", "ha16c6d3_6")}) == "12.1");
    CHECK(strongest({package("conda", "pytorch", "2.3.0", "py3.11_cuda12.1_cudnn8.9.2_0")}) == "12.1");
    CHECK(strongest({package("conda", "pytorch", "2.4.1", "cuda120_py311h25e04f2_303")}) == "12.0");
    CHECK(strongest({package("conda", "pytorch", "2.7.0", "cuda126_mkl_py311_1")}) == "12.6");
    CHECK(strongest({package("conda", "pytorch", "2.4.1", "cpu_generic_py311h1")}) == "");
    CHECK(strongest({package("wheel", "torch", "2.7.0+cu128")}) == "12.8");
    CHECK(strongest({package("wheel", "torch", "1.12.1+cu113")}) == "11.3");
    CHECK(strongest({package("wheel", "torch", "1.7.1+cu92")}) == "9.2");
    CHECK(strongest({package("wheel", "torch", "2.7.0+cpu")}) == "");
    CHECK(strongest({package("wheel", "jaxlib", "0.4.20+cuda12.cudnn89")}) == "12");
    CHECK(strongest({package("wheel", "jaxlib", "0.4.7+cuda11.cudnn86")}) == "11");
    CHECK(strongest({package("wheel", "nvidia-cuda-runtime-cu12", "12.8.90")}) == "12.8");
    CHECK(strongest({package("wheel", "nvidia-cuda-runtime", "13.0.96")}) == "13.0");
    CHECK(strongest({package("wheel", "cuda-toolkit", "13.0.2")}) == "13.0");
    CHECK(strongest({package("wheel", "nvidia-cublas-cu12", "12.9.3.13")}) == "12");
    CHECK(strongest({package("wheel", "cupy-cuda12x", "14.2.0")}) == "12");
    CHECK(strongest({package("wheel", "cupy-cuda112", "10.6.0")}) == "11");
    CHECK(strongest({package("wheel", "jax-cuda12-plugin", "0.10.2")}) == "12");
    CHECK(strongest({package("wheel", "numpy", "2.2.6")}) == "");
    CHECK(strongest({package("wheel", "custom", "1.0")}) == "");
    CHECK(strongest({}, {"libc.so.6", "libcudart.so.11.0"}) == "11");
    CHECK(strongest({}, {"libcublas.so.13"}) == "13");
    CHECK(strongest({}, {"libcufft.so.11"}) == ""); // cuFFT counts its own versions: its 11 belongs to CUDA 12
}

TEST_CASE("the strongest evidence decides, all of it is kept") {
    auto evidence = cuda_evidence(
        {package("wheel", "torch", "2.7.0+cu126"), package("wheel", "nvidia-cublas-cu12", "12.9.0"),
         package("wheel", "nvidia-cuda-runtime-cu12", "12.6.77"), package("conda", "cuda-version", "12.9")},
        {{"lib/a.so", {"libcudart.so.12"}}, {"lib/b.so", {"libcudart.so.12", "libcudart.so.13"}}});
    std::vector<std::string> because;
    for (const format::CudaEvidence& e : evidence) because.push_back(e.because);
    CHECK(because == Names{"nvidia-cuda-runtime-cu12 12.6.77", "cuda-version 12.9", "torch 2.7.0+cu126",
                           "nvidia-cublas-cu12 12.9.0", "lib/a.so needs libcudart.so.12",
                           "lib/b.so needs libcudart.so.13"});
    CHECK(evidence.front().major == 12);
    CHECK(evidence.front().version == "12.6");
    // Of two runtimes the newer counts: its driver also runs the older one.
    CHECK(strongest({package("conda", "cudatoolkit", "11.8.0"), package("conda", "cuda-cudart", "12.4.127")}) ==
          "12.4");
}

TEST_CASE("a framework's main library decides, by what most of its code is there for") {
    Libraries libraries;
    libraries
        .add("lib/torch/lib/libtorch_cuda.so", "torch",
             {{sm(37), 221}, {sm(35), 50}, {sm(80), 287}, {sm(90, 'a'), 3}, {ptx(90, 8, 4), 280}}, 302)
        .add("lib/torch/lib/libtorch_cuda_linalg.so", "torch", {{sm(80), 107}}, 107)
        .add("lib/nvidia/libcublas.so.12", "nvidia-cublas-cu12", {{sm(50), 10}, {sm(80), 900}, {ptx(120, 8, 8), 5}},
             900)
        .add("lib/x/libspecial.so", "x", {{sm(90), 1}, {{elf::DeviceCode::Kind::lto, 90}, 1}}, 1)
        .add("lib/x/libempty.so", "x", {{{elf::DeviceCode::Kind::lto, 90}, 1}}, 1);
    format::Requirements needs = libraries.needs({package("wheel", "nvidia-cuda-runtime-cu12", "12.4.99")});
    REQUIRE(needs.gpu_libraries.size() == 4);
    auto of = [&](std::string_view name) -> const format::GpuLibrary& {
        for (const format::GpuLibrary& l : needs.gpu_libraries)
            if (l.path.ends_with(name)) return l;
        FAIL(name);
        return needs.gpu_libraries.front();
    };
    CHECK(of("libtorch_cuda.so").role == "framework");
    CHECK(of("libtorch_cuda.so").sass == Names{"sm_37", "sm_80"});
    CHECK(of("libtorch_cuda.so").partial == Names{"sm_35", "sm_90a"});
    CHECK(of("libtorch_cuda.so").ptx == Names{"compute_90"});
    CHECK(of("libtorch_cuda_linalg.so").role == "part");
    CHECK(of("libcublas.so.12").role == "nvidia");
    CHECK(of("libcublas.so.12").partial.empty()); // NVIDIA's own libraries consist of many special kernels
    CHECK(of("libspecial.so").role == "other");
    CHECK(of("libspecial.so").sass == Names{"sm_90"});
    CHECK(needs.driver_floor == "525.60.13");
    CHECK(needs.ptx_cuda == "12.4"); // from the framework, not from cuBLAS
    CHECK(needs.ptx_driver_floor == "550.54.14");
    CHECK(needs.gpu_weakest == "lib/torch/lib/libtorch_cuda_linalg.so");
    CHECK(machine::code_for(needs, 86).name == "sm_80");
    CHECK(machine::code_for(needs, 100).name == "compute_90");
    CHECK(machine::code_for(needs, 61).name.empty());
    auto lines = machine::gpu_lines(needs);
    REQUIRE(lines.size() == 4);
    CHECK(lines[0].second == "12.4 (nvidia-cuda-runtime-cu12 12.4.99)");
    CHECK(lines[1].second ==
          "NVIDIA driver 525.60.13 or newer; 550.54.14 or newer for a GPU that has to compile PTX of CUDA 12.4");
    CHECK(lines[2].second == "sm_37 sm_80, PTX compute_90 (libtorch_cuda.so)");
    CHECK(lines[3].second == "libtorch_cuda_linalg.so: compute capability 8.0 to 8.9");
    CHECK(machine::gpu_lines(format::Requirements{}).empty());
}

TEST_CASE("targets as people write them") {
    CHECK(parse_target_gpu("RTX 3060")->compute == 86);
    CHECK(parse_target_gpu("8.6")->compute == 86);
    CHECK(parse_target_gpu("sm_86")->compute == 86);
    CHECK(parse_target_gpu("12.0")->compute == 120);
    CHECK(parse_target_gpu("sm_120")->compute == 120);
    CHECK(parse_target_gpu("compute_90")->compute == 90);
    for (const char* bad : {"", "RTX", "sm_", "8.66", "1.0", "sm_999", "8,6", "GPU"}) {
        INFO(bad);
        auto gpu = parse_target_gpu(bad);
        REQUIRE(!gpu.ok());
        CHECK(gpu.error().kind == ErrorKind::usage);
    }
    CHECK(parse_target_gpu("RTX").error().message.find("write the whole name, or the compute capability") !=
          std::string::npos);
    CHECK(parse_target_driver("470").value() == "470");
    CHECK(parse_target_driver("535.154.05").value() == "535.154.05");
    // The value of conda's __cuda for such a target.
    CHECK(cuda_of_target(*parse_target({}, "535")) == "12.2");
    CHECK(cuda_of_target(*parse_target({}, "525.60.13")) == "12.0");
    CHECK(cuda_of_target(*parse_target({"K80"}, "460.27.03")) == "11.2");
    CHECK(cuda_of_target(*parse_target({"3.7", "8.6"}, "")) == "11.4"); // no driver after 470 knows both
    CHECK(cuda_of_target(*parse_target({"7.0"}, "")) == "13.0");
    CHECK(cuda_of_target(*parse_target({"8.6"}, "")).empty());
    CHECK(cuda_of_target(*parse_target({}, "")).empty());
    for (const char* bad : {"", "new", "47", ".5", "535.", "535..1", "12.4"}) CHECK(!parse_target_driver(bad).ok());
}
