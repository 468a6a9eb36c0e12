#include "common/machine/gpu_rules.hpp"

#include <iterator>

namespace tinderbox::machine {
namespace {

using R = GpuRule;
using S = Severity;

constexpr GpuRuleRow rows[] = {
    {R::none, "gpu-none", S::note, "GPU: not verified: no NVIDIA GPU was found",
     "the environment needs one{with_floor} to compute on a GPU"},
    {R::container, "gpu-container", S::note,
     "GPU: not verified: this is a container ({container}) to which no GPU is passed",
     "start the container with its GPUs (docker: --gpus all, podman: --device nvidia.com/gpu=all, apptainer: --nv)"},
    {R::wsl1, "gpu-wsl1", S::note, "GPU: not verified: this is WSL 1, which has no GPU",
     "in Windows run 'wsl --set-version' with this distribution's name and 2"},
    {R::wsl_no_gpu, "gpu-wsl-no-gpu", S::note, "GPU: not verified: this is WSL 2, to which Windows passes no GPU",
     "install NVIDIA's driver in Windows, none here, and run 'wsl --update' there"},
    {R::jetson, "gpu-jetson", S::error,
     "this is {jetson}{tegra}: its GPU is a part of the chip and needs the CUDA and the packages of NVIDIA's JetPack, "
     "which are not these",
     "use JetPack's own packages on it; installers for servers are for GPUs on the PCI bus"},
    {R::vgpu_host, "gpu-vgpu-host", S::error,
     "the loaded driver is that of a vGPU host: it lends {gpus} to virtual machines and has no CUDA itself",
     "install inside a virtual machine, or replace the driver by the one for data centers"},
    {R::vgpu_profile, "gpu-vgpu-profile", S::error, "the vGPU profile of {gpus} ({profile}) has no CUDA",
     "ask the administrator of the virtual machine for a profile that ends in C or Q"},
    {R::excluded, "gpu-excluded", S::error,
     "{gpus} is excluded by a parameter of the kernel module (NVreg_ExcludedGpus)",
     "remove it from the options in /etc/modprobe.d and reboot"},
    {R::vfio, "gpu-vfio", S::error, "{gpus} is bound to vfio-pci, which lends it to a virtual machine",
     "give it back to the nvidia driver, or install inside the virtual machine"},
    {R::nouveau, "gpu-nouveau", S::error, "{gpus} is driven by nouveau, which has no CUDA",
     "{install}, which replaces nouveau, and reboot"},
    {R::nouveau_driver_installed, "gpu-nouveau", S::error, "{gpus} is driven by nouveau, which has no CUDA",
     "blacklist nouveau (echo 'blacklist nouveau' > /etc/modprobe.d/nouveau.conf, rebuild the initramfs) and reboot"},
    {R::excluded_some, "gpu-excluded", S::warning,
     "{gpus} is excluded by a parameter of the kernel module (NVreg_ExcludedGpus)",
     "compute on the other GPU, or remove it from the options in /etc/modprobe.d and reboot"},
    {R::nova, "gpu-nouveau", S::error, "{gpus} is driven by nova, which has no CUDA",
     "{install}, which replaces nova, and reboot"},
    {R::secure_boot, "gpu-secure-boot", S::error,
     "the nvidia kernel module is installed but not loaded, and Secure Boot is on, which refuses modules without an "
     "enrolled signature",
     "enrol the key that signed the module (mokutil --import) and reboot, or turn Secure Boot off"},
    {R::module_blacklisted, "gpu-module-blacklisted", S::error,
     "{gpus}: NVIDIA's driver is installed, but '{file}' keeps its kernel module from loading",
     "remove the line about nvidia from it, rebuild the initramfs and reboot"},
    {R::module_not_loaded, "gpu-module-not-loaded", S::error,
     "{gpus}: NVIDIA's driver is installed, but its kernel module is not loaded",
     "run 'modprobe nvidia' as root and look at 'dmesg' if it fails; after a kernel update rebuild the module or "
     "reboot"},
    {R::no_driver, "gpu-no-driver", S::error, "{gpus}: no NVIDIA driver is installed", "{install}"},

    {R::no_libcuda, "gpu-no-libcuda", S::error, "the kernel module {driver} is loaded, but libcuda.so.1 was not found",
     "install the user-space part of the same driver (Debian: libcuda1, Ubuntu: libnvidia-compute-…, RHEL: "
     "nvidia-driver-cuda-libs); in a "
     "container pass 'compute' in NVIDIA_DRIVER_CAPABILITIES"},
    {R::libcuda_broken, "gpu-libcuda-broken", S::error, "'{libcuda}' cannot be loaded: {defect}",
     "install the user-space part of driver {driver} again, or remove the stray file"},
    {R::stub_library, "gpu-stub-library", S::warning,
     "the toolkit's stub '{libcuda}' would be loaded instead of the driver's libcuda",
     "remove the 'stubs' directory from LD_LIBRARY_PATH"},
    {R::driver_mismatch, "gpu-driver-mismatch", S::error,
     "the loaded kernel module is {driver}, but '{libcuda}' belongs to driver {libcuda_driver}",
     "reboot, so that the kernel loads the new driver; if it stays, remove the stray libcuda"},

    {R::no_driver_exists, "gpu-no-driver-exists", S::error,
     "{gpus}: the last driver branch for it is {branch}, and CUDA {cuda_major} needs driver {floor}", "{suggest}"},
    {R::driver_unsuitable, "gpu-driver-unsuitable", S::error, "driver {driver} does not support {gpus}", "{install}"},
    {R::driver_too_old, "gpu-driver-too-old", S::error,
     "driver {driver} is below {floor}, the lowest that runs CUDA {cuda_major}", "{upgrade}"},
    {R::compat, "gpu-compat", S::note,
     "driver {driver} is below {floor}, the lowest that runs CUDA {cuda_major}, but libcuda answers with CUDA {api} "
     "(cuda-compat is in use)",
     ""},

    {R::unknown_model, "gpu-unknown-model", S::note,
     "{gpus} is not in this installer's table of GPUs: whether the environment has code for it was not judged", ""},
    {R::no_code, "gpu-no-code", S::error, "'{library}' has no code for {gpus}", "{suggest}"},
    {R::no_code_for_some, "gpu-no-code-for-some", S::warning, "'{library}' has no code for {gpus}",
     "compute on the other GPU: set CUDA_VISIBLE_DEVICES"},
    {R::ptx_only, "gpu-ptx-only", S::note,
     "for {gpus} there is only PTX: the first use of the GPU compiles it and takes long", ""},
    {R::ptx_too_new, "gpu-ptx-too-new", S::error,
     "for {gpus} there is only PTX of CUDA {ptx_cuda}, and driver {driver} compiles PTX up to CUDA {driver_cuda}",
     "{upgrade_for_ptx}"},
    {R::ptx_too_new_for_some, "gpu-ptx-too-new", S::warning,
     "for {gpus} there is only PTX of CUDA {ptx_cuda}, and driver {driver} compiles PTX up to CUDA {driver_cuda}",
     "compute on the other GPU: set CUDA_VISIBLE_DEVICES; or {upgrade_for_ptx}"},
    {R::ptx_unknown, "gpu-ptx-unknown", S::note,
     "for {gpus} there is only PTX of version {isa}, which is newer than this installer's tables: whether driver "
     "{driver} compiles it was not judged",
     ""},
    {R::library_without_code, "gpu-library-without-code", S::warning,
     "{libraries} has no code for {gpus}: calls into it fail on that GPU", "{suggest}"},
    {R::special_without_code, "gpu-special-without-code", S::note,
     "no code for {gpus} in {libraries}: it matters only to programs that use it", ""},

    {R::code_unknown, "gpu-code-unknown", S::note, "the needs of the environment's GPU code are not known: {unknown}",
     "the first use of the GPU shows whether it runs"},
    {R::code_unknown_target, "gpu-code-unknown", S::error,
     "the needs of the environment's GPU code are not known: {unknown}",
     "take another build of that package, or build without --target-gpu and --target-driver and try it there"},

    {R::wsl, "gpu-wsl", S::note, "this is WSL2: the driver is Windows' and is judged by running the probe", ""},
    {R::permission, "gpu-permission", S::warning, "/dev/nvidiactl may not be opened by this user ({errno})",
     "add the user to the node's group (often 'video' or 'render'), or ask the scheduler for a GPU"},
    {R::denied, "gpu-denied", S::warning, "{gpus}: its /dev/nvidiaN may not be read and written by this user",
     "add the user to the node's group (often 'video' or 'render'), or ask the scheduler for a GPU"},
    {R::no_nodes, "gpu-no-nodes", S::note,
     "/dev/nvidiactl does not exist yet; NVIDIA's helper makes it at the first use",
     "if the probe fails, run 'nvidia-modprobe -c0 -u' as root"},
    {R::node_without_module, "gpu-node-without-module", S::warning,
     "/dev/nvidiactl exists, but no driver answers behind it", "run 'nvidia-modprobe -c0 -u' as root"},
    {R::mig, "gpu-mig", S::note, "MIG is on, with {instances}; a program computes on one at a time", ""},
    {R::no_uvm, "gpu-no-uvm", S::warning,
     "/dev/nvidia-uvm exists, but the module nvidia_uvm is not loaded: CUDA answers with error 999",
     "run 'nvidia-modprobe -c0 -u' as root"},
    {R::no_fabric_manager, "gpu-no-fabric-manager", S::warning,
     "there are NVSwitches, and the fabric manager does not run: CUDA answers with error 802",
     "run 'systemctl enable --now nvidia-fabricmanager' as root; it has to be of the driver's version, {driver}"},
    {R::hidden, "gpu-hidden", S::warning, "CUDA_VISIBLE_DEVICES is '{value}', which hides every GPU",
     "unset CUDA_VISIBLE_DEVICES"},
    {R::usable, "gpu", S::ok,
     "{gpus}, driver {driver}{flavour}{of_cuda}; the environment's CUDA {cuda} needs {floor} or newer{code}", ""},
    {R::target, "gpu-target", S::ok,
     "{gpus}{with_driver}: the environment's CUDA {cuda} needs driver {floor} or newer{code}", ""},
};

constexpr std::size_t no_row = std::size(rows);

constexpr std::size_t index_of(GpuRule rule) {
    for (std::size_t i = 0; i < std::size(rows); ++i)
        if (rows[i].rule == rule) return i;
    return no_row;
}

// GpuRule::target is the last rule: row_of() relies on a row for each of them.
constexpr bool every_rule_has_a_row() {
    for (int i = 0; i <= static_cast<int>(GpuRule::target); ++i)
        if (index_of(static_cast<GpuRule>(i)) == no_row) return false;
    return true;
}
static_assert(every_rule_has_a_row(), "a rule of gpu_rules.hpp has no row in gpu_rules.cpp");
static_assert(std::size(rows) == static_cast<std::size_t>(GpuRule::target) + 1, "a rule has two rows");

} // namespace

std::span<const GpuRuleRow> gpu_rules() { return rows; }

const GpuRuleRow& row_of(GpuRule rule) { return rows[index_of(rule)]; }

std::string fill_in(std::string_view text, const RuleValues& values) {
    std::string out;
    while (!text.empty()) {
        const std::size_t open = text.find('{');
        const std::size_t close = open == std::string_view::npos ? open : text.find('}', open);
        out += text.substr(0, close == std::string_view::npos ? close : open);
        if (close == std::string_view::npos) break;
        auto value = values.find(text.substr(open + 1, close - open - 1));
        out += value == values.end() ? std::string(text.substr(open, close + 1 - open)) : value->second;
        text.remove_prefix(close + 1);
    }
    return out;
}

std::string docs_anchor(std::string_view rule_id) { return "docs/inside/gpu.md#" + std::string(rule_id); }

} // namespace tinderbox::machine
