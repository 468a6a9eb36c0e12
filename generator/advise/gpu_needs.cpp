#include "generator/advise/gpu_needs.hpp"

#include "common/base/last_component.hpp"
#include "common/base/version_order.hpp"
#include "common/format/cuda_floors.hpp"
#include "common/machine/gpu_code.hpp"
#include "common/machine/gpu_table.hpp"
#include "generator/advise/cuda.hpp"
#include "generator/advise/library_name.hpp"

#include <algorithm>
#include <tuple>

namespace tinderbox::advise {
namespace {

std::string role_of(std::string_view path) {
    const std::string_view stem = library_name(path).stem;
    if (stem.starts_with("libtorch_cuda")) return "framework"; // also the _cu, _cpp and _linalg of torch 1.9 and later
    if (stem.starts_with("libcudnn")) return "nvidia";
    // PyTorch (before 1.5: all in one libtorch), TensorFlow, JAX, MXNet and ONNX Runtime reach the GPU through these
    // libraries only. CuPy and Numba compile their kernels on the target, so that their libraries decide nothing.
    for (std::string_view one :
         {"libtorch", "libtensorflow_cc", "libtensorflow_framework", "_pywrap_tensorflow_internal", "xla_cuda_plugin",
          "xla_extension", "libmxnet", "libonnxruntime_providers_cuda"})
        if (stem == one) return "framework";
    for (std::string_view one :
         {"libcublas", "libcublasLt", "libcufft", "libcurand", "libcusparse", "libcusolver", "libnccl"})
        if (stem == one) return "nvidia";
    return "other";
}

// A few kernels for one architecture, or linked code of NCCL and cuDNN (in older torch wheels: sm_35 in 50 of 302
// fatbins), do not make a framework run on a GPU. Architectures whose GPUs less than half of its fatbins run on are
// listed apart. Code runs on later GPUs of its generation too: of torch 1.9.1's 1,027 fatbins 497 have sm_35 and 464
// others sm_37, so a GPU of 3.7 runs 961, one of 3.5 runs 497. Only loaded fatbins count, where there are some:
// TensorFlow 2.8 has 288, and 1,823 of a linked library in .data.
class Partial {
  public:
    Partial(const std::string& role, const elf::FatbinInfo& device)
        : counts_(device.code.empty() ? device.data : device.code), judged_(role == "framework" || role == "part") {
        if (device.code.empty() || device.data.empty()) whole_ = device.containers; // of one kind of section
        else
            for (const auto& [code, containers] : counts_) whole_ = std::max(whole_, containers);
    }
    bool operator()(const elf::DeviceCode& code) const { return judged_ && runnable(code) * 2 < whole_; }

  private:
    // The fatbins with code that a GPU of this architecture runs, if no fatbin has code for two of them.
    std::uint64_t runnable(const elf::DeviceCode& wanted) const {
        std::uint64_t out = 0;
        for (const auto& [code, containers] : counts_) {
            const bool earlier = wanted.kind == elf::DeviceCode::Kind::cubin && code.kind == wanted.kind &&
                                 !code.variant && !wanted.variant &&
                                 code.architecture / 10 == wanted.architecture / 10 &&
                                 code.architecture < wanted.architecture;
            if (code == wanted || earlier) out += containers;
        }
        return out;
    }

    const std::map<elf::DeviceCode, std::uint32_t>& counts_;
    bool judged_;
    std::uint32_t whole_ = 0;
};

// What each framework says that its own kernels were compiled for, where it does. torch 1.13.1 says it in one library
// and has most kernels in another, so the word counts for all its libraries: of one package, directory and name.
class OwnWords {
  public:
    explicit OwnWords(const std::vector<InstalledElf>& files) {
        for (const InstalledElf& file : files) {
            if (!file.fact->device || role_of(file.path) != "framework") continue;
            const auto& said = file.fact->device->compiled_for;
            auto& word = words_[framework_of(file)];
            word.insert(word.end(), said.begin(), said.end());
        }
    }

    // Whether kernels of the framework itself run on the GPUs that this code of one of its libraries is for. True where
    // it does not say: then the number of fatbins alone decides. PTX is for all later GPUs, so only PTX vouches for it.
    bool own(const InstalledElf& file, const elf::DeviceCode& code) const {
        const auto word = words_.find(framework_of(file));
        if (word == words_.end() || word->second.empty() || role_of(file.path) != "framework") return true;
        const int compute = static_cast<int>(code.architecture);
        return std::ranges::any_of(word->second, [&](const elf::DeviceCode& told) {
            if (told.kind == elf::DeviceCode::Kind::ptx) return machine::ptx_runs_on(told.name(), compute);
            return code.kind != elf::DeviceCode::Kind::ptx && machine::sass_runs_on(told.name(), compute);
        });
    }

  private:
    using Framework = std::tuple<std::string, std::string, std::string>; // package, directory, name
    static Framework framework_of(const InstalledElf& file) {
        const std::string_view name = last_component(file.path), stem = library_name(file.path).stem;
        return {file.package, file.path.substr(0, file.path.size() - name.size()),
                std::string(stem.starts_with("libtorch") ? "libtorch" : stem)};
    }

    std::map<Framework, std::vector<elf::DeviceCode>> words_;
};

format::GpuLibrary library_of(const InstalledElf& file, const OwnWords& words) {
    format::GpuLibrary out;
    out.path = file.path;
    out.package = file.package;
    out.role = role_of(file.path);
    const elf::FatbinInfo& device = *file.fact->device;
    std::map<elf::DeviceCode, std::uint32_t> all = device.code;
    all.insert(device.data.begin(), device.data.end());
    const Partial is_partial(out.role, device);
    for (const auto& [code, containers] : all) {
        if (code.kind == elf::DeviceCode::Kind::lto) continue; // only the device linker of a build can use it
        const std::string name = code.name();
        if (is_partial(code) || !words.own(file, code)) out.partial.push_back(name);
        else if (code.kind == elf::DeviceCode::Kind::cubin) out.sass.push_back(name);
        else {
            // Sorted by ISA within a name: the last one is the newest.
            if (out.ptx.empty() || out.ptx.back() != name) out.ptx.push_back(name);
            out.ptx_isa[name] = fmt::format("{}.{}", code.isa_major, code.isa_minor);
        }
    }
    return out;
}

// The library with the most code stands for its framework, the others are parts of it.
void choose_main_libraries(std::vector<format::GpuLibrary>& libraries,
                           const std::map<std::string, std::uint32_t>& containers) {
    std::map<std::string, format::GpuLibrary*> main; // by package
    for (format::GpuLibrary& library : libraries) {
        if (library.role != "framework") continue;
        format::GpuLibrary*& best = main[library.package];
        if (best && containers.at(best->path) >= containers.at(library.path)) {
            library.role = "part";
        } else {
            if (best) best->role = "part";
            best = &library;
        }
    }
}

// The newest CUDA that wrote PTX of the library; "" = it has none, or the tables do not know its version.
std::string ptx_cuda_of(const format::GpuLibrary& library) {
    std::string out;
    for (const auto& [name, isa] : library.ptx_isa)
        if (std::string cuda = machine::cuda_of_ptx_isa(isa); compare_versions(cuda, out) > 0) out = std::move(cuda);
    return out;
}

// Before 11 there is no minor-version compatibility: the driver that came with the very release is the floor.
std::string floor_of(const format::CudaEvidence& cuda) {
    if (cuda.major < 11)
        if (std::string driver = machine::driver_of_cuda(cuda.version); !driver.empty()) return driver;
    return std::string(format::driver_floor(cuda.major));
}

// Lists the libraries with code for GPUs, and returns what tells the environment's CUDA. `unknown` becomes a sentence
// about the first library with code that cannot be read.
std::vector<LinkedLibrary> add_libraries(format::Requirements& needs, const std::vector<InstalledElf>& files,
                                         std::string& unknown) {
    std::vector<LinkedLibrary> out;
    std::map<std::string, std::uint32_t> containers;
    const OwnWords words(files);
    for (const InstalledElf& file : files) {
        LinkedLibrary& linked = out.emplace_back();
        linked.path = file.path;
        linked.needed = file.fact->needed;
        const auto& device = file.fact->device;
        if (!device) continue;
        if (!device->problem.empty() && unknown.empty()) unknown = fmt::format("'{}': {}", file.path, device->problem);
        containers[file.path] = device->containers;
        format::GpuLibrary library = library_of(file, words);
        if (library.sass.empty() && library.ptx.empty() && library.partial.empty()) continue;
        linked.ptx_cuda = ptx_cuda_of(library);
        needs.gpu_libraries.push_back(std::move(library));
    }
    std::ranges::sort(needs.gpu_libraries, {}, &format::GpuLibrary::path);
    choose_main_libraries(needs.gpu_libraries, containers);
    return out;
}

void add_ptx_needs(format::Requirements& needs) {
    for (const format::GpuLibrary* library : machine::deciding_libraries(needs))
        if (std::string cuda = ptx_cuda_of(*library); compare_versions(cuda, needs.ptx_cuda) > 0)
            needs.ptx_cuda = std::move(cuda);
    needs.ptx_driver_floor = machine::driver_of_cuda(needs.ptx_cuda);
}

void choose_weakest(format::Requirements& needs) {
    std::size_t fewest = SIZE_MAX;
    for (const char* role : {"framework", "part", "nvidia"})
        for (const format::GpuLibrary& library : needs.gpu_libraries)
            if (library.role == role)
                if (const std::size_t count = machine::supported_compute(library).size(); count < fewest) {
                    fewest = count;
                    needs.gpu_weakest = library.path;
                }
}

} // namespace

void add_gpu_needs(format::Requirements& needs, const std::vector<format::PackageInfo>& packages,
                   const std::vector<InstalledElf>& files) {
    std::string unknown;
    needs.cuda_evidence = cuda_evidence(packages, add_libraries(needs, files, unknown));
    if (!needs.cuda_evidence.empty()) {
        const format::CudaEvidence& strongest = needs.cuda_evidence.front();
        needs.cuda_major = strongest.major;
        needs.cuda_runtime = strongest.version;
        needs.driver_floor = floor_of(strongest);
    } else if (unknown.empty() && !needs.gpu_libraries.empty()) {
        unknown = fmt::format("'{}' has code for GPUs, and nothing tells of which CUDA",
                              machine::deciding_libraries(needs).front()->path);
    }
    if (!unknown.empty()) needs.cuda_evidence.push_back({0, "", std::move(unknown)});
    if (needs.cuda_evidence.empty()) return;
    add_ptx_needs(needs);
    choose_weakest(needs);
}

} // namespace tinderbox::advise
