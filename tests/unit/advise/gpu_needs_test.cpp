// The needs of an environment for GPU and driver: evidence in packages and sonames, libraries and their roles, floors.
#include "common/machine/gpu_code.hpp"
#include "generator/advise/cuda.hpp"
#include "generator/advise/gpu_needs.hpp"
#include "generator/advise/library_name.hpp"
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
    auto evidence = cuda_evidence(packages, {{"lib/x.so", sonames, ""}});
    return evidence.empty() ? "" : evidence.front().version;
}

class Libraries {
  public:
    Libraries& add(std::string path, std::string package, std::map<elf::DeviceCode, std::uint32_t> code,
                   std::uint32_t containers = 100, std::map<elf::DeviceCode, std::uint32_t> data = {}) {
        parcel::Parcel::ElfFact& fact = facts_.emplace_back();
        fact.device.emplace();
        fact.device->code = std::move(code);
        fact.device->data = std::move(data);
        fact.device->containers = containers;
        files_.push_back({std::move(path), std::move(package), &fact});
        return *this;
    }
    // The last library's own word for what it was compiled for.
    Libraries& says(std::vector<elf::DeviceCode> compiled_for) {
        facts_.back().device->compiled_for = std::move(compiled_for);
        return *this;
    }
    Libraries& link(std::string path, std::vector<std::string> needed) {
        parcel::Parcel::ElfFact& fact = facts_.emplace_back();
        fact.needed = std::move(needed);
        files_.push_back({std::move(path), "", &fact});
        return *this;
    }
    Libraries& broken(std::string path, std::string problem) {
        add(std::move(path), "", {});
        facts_.back().device->problem = std::move(problem);
        return *this;
    }
    format::Requirements needs(std::vector<format::PackageInfo> packages = {}) const {
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
    CHECK(strongest({package("wheel", "cupy-cuda112", "10.6.0")}) == "11.2");
    CHECK(strongest({package("wheel", "cupy-cuda92", "8.6.0")}) == "9.2");
    CHECK(strongest({package("wheel", "mxnet-cu80", "1.4.1")}) == "8.0");
    CHECK(strongest({package("wheel", "torch-scatter", "2.1.1+pt113cu117")}) == "11.7");
    CHECK(strongest({package("wheel", "vllm", "0.6.0+cu12")}) == "12");
    CHECK(strongest({package("conda", "pytorch3d", "0.7.5", "py310_cu117_pyt1130")}) == "11.7");
    CHECK(strongest({package("conda", "libfaiss", "1.8.0", "h046e95b_0_cuda11.4.4_raft")}) == "11.4");
    CHECK(strongest({package("captured", "cudatoolkit", "11.8.0", "h6a678d5_0")}) == "11.8");
    CHECK(strongest({package("captured", "torch", "2.0.1+cu118")}) == "11.8");
    CHECK(strongest({package("conda", "cudnn", "8.9", "hcuda_0")}) == "");
    CHECK(strongest({package("conda", "curl", "8.5.0", "hca28451_0")}) == "");
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
        {{"lib/a.so", {"libcudart.so.12"}, ""}, {"lib/b.so", {"libcudart.so.12", "libcudart.so.13"}, ""}});
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

// As list_fatbins counts them in torch 1.9.1, whose own kernels have sm_37 and whose linked libraries have sm_35.
TEST_CASE("code counts for the later GPUs of its generation") {
    Libraries libraries;
    libraries.add(
        "torch/lib/libtorch_cuda.so", "torch",
        {{sm(35), 497}, {sm(37), 464}, {sm(50), 919}, {sm(60), 922}, {sm(61), 296}, {sm(70), 943}, {sm(75), 469}},
        1027);
    const format::Requirements needs = libraries.needs({package("wheel", "torch", "1.9.1")});
    REQUIRE(needs.gpu_libraries.size() == 1);
    CHECK(needs.gpu_libraries.front().sass == Names{"sm_37", "sm_50", "sm_60", "sm_61", "sm_70", "sm_75"});
    CHECK(needs.gpu_libraries.front().partial == Names{"sm_35"});
}

// As list_fatbins counts them in torch 1.11.0: linked libraries have more than half of the fatbins, with sm_35.
TEST_CASE("code of linked libraries is not a framework's, where that says what it was compiled for") {
    const std::map<elf::DeviceCode, std::uint32_t> code = {{sm(35), 516}, {sm(37), 271}, {sm(50), 745}, {sm(60), 748},
                                                           {sm(61), 293}, {sm(70), 769}, {sm(75), 488}};
    const std::vector<elf::DeviceCode> word = {sm(37), sm(50), sm(60), sm(70)};
    auto first = [](const Libraries& libraries) { return libraries.needs().gpu_libraries.front(); };
    auto torch = [&](const char* path) { return std::move(Libraries().add(path, "torch", code, 853)); };
    CHECK(first(torch("torch/lib/libtorch_cuda.so")).sass.front() == "sm_35"); // as the numbers alone tell
    const format::GpuLibrary told = first(torch("torch/lib/libtorch_cuda.so").says(word));
    CHECK(told.sass == Names{"sm_37", "sm_50", "sm_60", "sm_61", "sm_70", "sm_75"});
    CHECK(told.partial == Names{"sm_35"});
    CHECK(machine::code_for(told, 35).name.empty());
    CHECK(machine::code_for(told, 37).name == "sm_37");
    // The word only takes away: too few fatbins stay too few.
    CHECK(first(torch("torch/lib/libtorch_cuda.so").says({sm(35), sm(50), sm(60), sm(70)})).partial.empty());
    CHECK(first(Libraries().add("libtorch_cuda.so", "torch", {{sm(50), 9}, {sm(80), 1}}, 9).says({sm(50), sm(80)}))
              .partial == Names{"sm_80"});
    // Nor does it speak for libraries that are no framework's.
    CHECK(first(torch("torch/lib/libtorch_nvshmem.so").says(word)).sass.front() == "sm_35");
    // It counts for the framework's other libraries (torch 1.13.1), and for nobody else's.
    const format::Requirements needs = torch("torch/lib/libtorch_cuda_cpp.so")
                                           .says(word)
                                           .add("torch/lib/libtorch_cuda_cu.so", "torch", code, 853)
                                           .add("other/lib/libtorch_cuda.so", "torch", code, 853)
                                           .add("torch/lib/libmxnet.so", "torch", code, 853)
                                           .add("torch/lib/libtorch.so", "fork", code, 853)
                                           .needs();
    for (const format::GpuLibrary& library : needs.gpu_libraries) {
        INFO(library.path);
        CHECK(library.partial.empty() != library.path.starts_with("torch/lib/libtorch_cuda_c"));
    }
}

TEST_CASE("PTX of linked libraries does not make a framework run on later GPUs") {
    auto library = [](std::vector<elf::DeviceCode> word) {
        return Libraries()
            .add("lib/libtorch_cuda.so", "torch", {{sm(80), 100}, {ptx(80, 7, 8), 100}})
            .says(std::move(word))
            .needs()
            .gpu_libraries.front();
    };
    CHECK(machine::code_for(library({}), 90).name == "compute_80");
    CHECK(library({sm(80)}).partial == Names{"compute_80"});
    CHECK(machine::code_for(library({sm(80)}), 90).name.empty());
    CHECK(library({sm(70), {elf::DeviceCode::Kind::ptx, 75}}).partial.empty()); // its own PTX runs on 8.0, too
    CHECK(library({sm(70), {elf::DeviceCode::Kind::ptx, 86}}).partial == Names{"compute_80", "sm_80"});
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

TEST_CASE("a library's name in each form that packages give it") {
    auto taken = [](std::string_view path) {
        const LibraryName name = library_name(path);
        return fmt::format("{} {}", name.stem, name.version);
    };
    CHECK(taken("torch/lib/libcudart-80664282.so.10.2") == "libcudart 10.2"); // torch 1.6.0
    CHECK(taken("torch.libs/libcudart-d0da41ae3b4c5566.so.11.0") == "libcudart 11.0");
    CHECK(taken("lib/libcublasLt.so.12") == "libcublasLt 12");
    CHECK(taken("libtorch_cuda.so") == "libtorch_cuda ");
    CHECK(taken("lib/libfoo-cafe.so.1") == "libfoo-cafe 1");      // too few digits
    CHECK(taken("lib/libfoo-deadlock.so") == "libfoo-deadlock "); // no number
    CHECK(taken("lib/a.sound-12345678") == "a.sound-12345678 ");  // no library
    CHECK(taken("lib/x/") == " ");
    CHECK(taken("_pywrap.cpython-38-x86_64-linux-gnu.so") == "_pywrap.cpython-38-x86_64-linux-gnu ");
}

TEST_CASE("CUDA is seen under grafted names, as a file, and in PTX where nothing names it") {
    const elf::DeviceCode old = sm(70);
    format::Requirements needs = Libraries()
                                     .add("torch/lib/libtorch_cuda.so", "torch", {{old, 9}})
                                     .link("torch/lib/libc10_cuda.so", {"libcudart-80664282.so.10.2"})
                                     .needs({package("wheel", "torch", "1.6.0")});
    CHECK(needs.cuda_runtime == "10.2");
    CHECK(needs.driver_floor == "440.33");
    CHECK(needs.cuda_evidence.front().because == "torch/lib/libc10_cuda.so needs libcudart-80664282.so.10.2");
    CHECK(machine::unknown_gpu_code(needs).empty());
    // A runtime that is linked by nothing, but lies there.
    needs = Libraries().link("torch/lib/libcudart-1b201d85.so.10.1", {}).needs({package("wheel", "torch", "1.4.0")});
    CHECK(needs.cuda_runtime == "10.1");
    CHECK(needs.driver_floor == "418.39"); // the release's own: before 11 there is no minor-version compatibility
    // TensorFlow puts the names of CUDA's libraries together when it runs.
    needs = Libraries()
                .add("tensorflow/python/_pywrap_tensorflow_internal.so", "tensorflow",
                     {{sm(80), 288}, {ptx(80, 7, 2), 287}}, 2111, {{sm(70), 1823}, {ptx(80, 6, 3), 1823}})
                .needs({package("wheel", "tensorflow", "2.8.4")});
    CHECK(needs.cuda_runtime == "11.2");
    CHECK(needs.gpu_libraries.front().role == "framework");
    CHECK(needs.gpu_libraries.front().sass == Names{"sm_80"}); // what is in .data alone is another library's
    CHECK(machine::code_for(needs, 86).name == "sm_80");
    // Static CUDA without PTX: there is GPU code, and that is all that is known.
    needs = Libraries().add("lib/libkernels.so", "x", {{old, 3}}).needs();
    CHECK_FALSE(needs.cuda_major);
    CHECK(machine::unknown_gpu_code(needs).find("lib/libkernels.so") != std::string::npos);
    CHECK(machine::gpu_lines(needs).front().second == "unknown");
}

TEST_CASE("GPU code that cannot be read is unknown, and refused for a named GPU") {
    const auto target = parse_target({"RTX 3060"}, "").value();
    const format::Requirements alone = Libraries().broken("lib/x.so", "its fatbin at byte 64 cannot be read").needs();
    CHECK_FALSE(alone.cuda_major);
    CHECK_FALSE(machine::unknown_gpu_code(alone).empty());
    CHECK(check_target(target, alone).error().kind == ErrorKind::machine);
    CHECK(check_target(parse_target({}, "535").value(), alone).error().kind == ErrorKind::machine);
    // Also beside code that can be read, with and without code for that GPU.
    for (const std::uint32_t architecture : {80u, 70u}) {
        const format::Requirements beside = Libraries()
                                                .add("lib/libtorch_cuda.so", "torch", {{sm(architecture), 9}})
                                                .broken("lib/x.so", "its fatbin at byte 64 cannot be read")
                                                .needs({package("wheel", "torch", "1.9.0+cu111")});
        CHECK(beside.cuda_major == 11);
        auto refused = check_target(target, beside);
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().message.find("lib/x.so") != std::string::npos);
        CHECK(check_target(parse_target({}, "535").value(), beside).ok()); // CUDA's major answers for the driver
    }
    CHECK(check_target(target, Libraries().needs()).ok()); // no code for GPUs at all
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
