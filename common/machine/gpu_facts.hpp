// What can be known of GPU and driver without CUDA: read once from /proc, /sys, /dev and file names, then
// judged by the pure function of gpu_verdict.hpp.
#pragma once

#include "common/machine/system_root.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox {

struct GpuDevice {
    std::string address;       // PCI: "0000:01:00.0"
    std::uint16_t id = 0;      // PCI device id
    std::string name;          // "" = not in our table
    int compute = 0;           // compute capability × 10: 86; 0 = unknown
    std::string kernel_driver; // "nvidia", "nouveau", "vfio-pci", "" = none
};

// Value as errno: 0 opened, ENOENT, ENXIO, EACCES, …
struct GpuFacts {
    std::vector<GpuDevice> devices; // NVIDIA GPUs on the PCI bus
    std::string kernel_release;

    std::string module_version;  // of the loaded nvidia module, "" = not loaded
    bool module_open = false;    // the open kernel module
    bool module_on_disk = false; // nvidia.ko exists for the running kernel
    bool nouveau_loaded = false;
    std::optional<bool> secure_boot; // nullopt: no EFI, or not readable
    int control_errno = 2;           // of opening /dev/nvidiactl (2: ENOENT)
    bool device_nodes = false;       // some /dev/nvidia0 …
    bool uvm_node = false;           // /dev/nvidia-uvm
    bool mig_capabilities = false;   // /dev/nvidia-caps
    bool wsl = false;                // /dev/dxg

    std::string libcuda;         // path of libcuda.so.1 as the loader would find it, "" = none
    std::string libcuda_file;    // what it resolves to
    std::string libcuda_version; // from that file's name, "" = unknown
    bool libcuda_stub = false;   // a toolkit's stubs directory
    bool libcuda_compat = false; // a cuda-compat directory

    std::string
        container; // "docker", "podman", "kubernetes", "lxc", "apptainer", "systemd-nspawn", …; "" = none
    std::optional<std::string> visible_devices; // the user's CUDA_VISIBLE_DEVICES, when set
};

// `environment`: variables as the user's shell has them (only LD_LIBRARY_PATH, CUDA_VISIBLE_DEVICES, and the
// containers' own marks are looked at).
GpuFacts read_gpu_facts(const SystemRoot& root, const std::map<std::string, std::string>& environment);

// The user's environment as it was before NAME.run's header put LD_*, PYTHON* and CONDA_* aside
// (TINDERBOX_USER_NAME holds them).
std::map<std::string, std::string> user_environment();

// The version in the text of /proc/driver/nvidia/version: "550.54.14"; "" when there is none.
std::string version_of_nvrm(std::string_view text);

nlohmann::json to_json(const GpuFacts& facts);

} // namespace tinderbox
