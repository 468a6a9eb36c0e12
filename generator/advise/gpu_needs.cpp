#include "generator/advise/gpu_needs.hpp"

#include "common/base/last_component.hpp"
#include "common/base/text.hpp"
#include "common/base/version_order.hpp"
#include "common/format/cuda_floors.hpp"
#include "common/machine/gpu_code.hpp"
#include "common/machine/gpu_table.hpp"
#include "generator/advise/cuda.hpp"

#include <algorithm>

namespace tinderbox::advise {
namespace {

std::string role_of(std::string_view path) {
    const std::string_view name = last_component(path);
    auto begins = [&](std::string_view stem) { return name.starts_with(stem); };
    // PyTorch, TensorFlow and JAX reach the GPU through these libraries only. CuPy and Numba compile their kernels on
    // the target, so that their libraries decide nothing.
    for (std::string_view stem : {"libtorch_cuda", "libtensorflow_cc.so", "libtensorflow_framework.so",
                                  "_pywrap_tensorflow_internal.so", "xla_cuda_plugin.so"})
        if (begins(stem)) return "framework";
    for (std::string_view stem : {"libcublas.so", "libcublasLt.so", "libcudnn", "libcufft.so", "libcurand.so",
                                  "libcusparse.so", "libcusolver.so", "libnccl.so"})
        if (begins(stem)) return "nvidia";
    return "other";
}

// A few kernels for one architecture, or linked code of NCCL and cuDNN (in older torch wheels: sm_35 in 50 of 302
// fatbins), do not make a framework run on a GPU. Architectures in less than half of its fatbins are listed apart.
bool is_partial(const format::GpuLibrary& library, std::uint32_t containers, std::uint32_t most) {
    return (library.role == "framework" || library.role == "part") && containers * 2 < most;
}

format::GpuLibrary library_of(const InstalledElf& file) {
    format::GpuLibrary out;
    out.path = file.path;
    out.package = file.package;
    out.role = role_of(file.path);
    std::map<elf::DeviceCode, std::uint32_t> all = file.fact->device->code;
    for (const auto& [code, containers] : file.fact->device->data) all[code] += containers;
    std::uint32_t most = 0;
    for (const auto& [code, containers] : all) most = std::max(most, containers);
    for (const auto& [code, containers] : all) {
        if (code.kind == elf::DeviceCode::Kind::lto) continue; // only the device linker of a build can use it
        const std::string name = code.name();
        if (is_partial(out, containers, most)) out.partial.push_back(name);
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

} // namespace

void add_gpu_needs(format::Requirements& needs, const std::vector<format::PackageInfo>& packages,
                   const std::vector<InstalledElf>& files) {
    std::vector<std::pair<std::string, std::vector<std::string>>> sonames;
    std::map<std::string, std::uint32_t> containers;
    for (const InstalledElf& file : files) {
        sonames.emplace_back(file.path, file.fact->needed);
        if (!file.fact->device) continue;
        containers[file.path] = file.fact->device->containers;
        if (format::GpuLibrary library = library_of(file);
            !library.sass.empty() || !library.ptx.empty() || !library.partial.empty())
            needs.gpu_libraries.push_back(std::move(library));
    }
    std::ranges::sort(needs.gpu_libraries, {}, &format::GpuLibrary::path);
    choose_main_libraries(needs.gpu_libraries, containers);
    needs.cuda_evidence = cuda_evidence(packages, sonames);
    if (needs.cuda_evidence.empty()) return;
    const format::CudaEvidence& strongest = needs.cuda_evidence.front();
    needs.cuda_major = strongest.major;
    needs.cuda_runtime = strongest.version;
    needs.driver_floor = format::driver_floor(strongest.major);
    for (const format::GpuLibrary* library : machine::deciding_libraries(needs))
        for (const auto& [name, isa] : library->ptx_isa)
            if (std::string cuda = machine::cuda_of_ptx_isa(isa); compare_versions(cuda, needs.ptx_cuda) > 0)
                needs.ptx_cuda = cuda;
    needs.ptx_driver_floor = machine::driver_of_cuda(needs.ptx_cuda);
    std::size_t fewest = SIZE_MAX;
    for (const char* role : {"framework", "part", "nvidia"})
        for (const format::GpuLibrary& library : needs.gpu_libraries)
            if (library.role == role)
                if (const std::size_t count = machine::supported_compute(library).size(); count < fewest) {
                    fewest = count;
                    needs.gpu_weakest = library.path;
                }
}

} // namespace tinderbox::advise
