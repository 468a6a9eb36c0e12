// Facts about GPU and driver that need no CUDA, read once from /proc, /sys, /dev and file names. gpu_verdict.hpp judges
// them. Thread-safe.
#pragma once

#include "common/machine/driver_texts.hpp"
#include "common/machine/system_root.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox::machine {

struct GpuDevice {
    std::string address;            // PCI: "0000:01:00.0"
    std::uint16_t id = 0;           // PCI device id
    std::string name;               // from the table, else from the driver; "": neither has one
    int compute = 0;                // compute capability × 10: 86; 0 = unknown
    std::string kernel_driver;      // "nvidia", "nouveau", "vfio-pci", "nova_core", "" = none
    std::uint64_t memory_bytes = 0; // from the driver's own answer; 0: it was not asked
    std::string uuid;               // from the driver; "": the driver has not opened the GPU yet
    std::string firmware;           // GSP firmware in use, "" = none or unknown
    std::string vgpu_profile;       // "40C": a part of a GPU, lent by a hypervisor; "": a whole GPU
    bool excluded = false;          // taken out of use by a parameter of the kernel module
    bool denied = false;            // /dev/nvidiaN is there and this user may not read and write it
};

// More than any machine has: a hostile tree or description must not make reading slow.
inline constexpr std::size_t most_gpus = 1024;

// Values named errno: 0 = opened, ENOENT, ENXIO, EACCES, …
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
    int uvm_errno = 2;               // of opening it (ENXIO: nvidia_uvm is not loaded)
    bool mig_capabilities = false;   // /dev/nvidia-caps: the driver knows MIG, whether or not it is on
    int mig_instances = 0;           // GPU instances that exist
    int nvswitches = 0;              // NVSwitch chips on the PCI bus: CUDA then needs the fabric manager
    bool fabric_manager = false;     // it runs
    bool vgpu_host = false;          // the hypervisor's driver, which lends the GPUs out and has no CUDA itself
    bool wsl = false;                // WSL2 with a GPU: /dev/dxg
    int wsl_version = 0;             // 1 or 2 from the kernel's name, 0 = no WSL
    std::string blacklisted_by;      // the file of modprobe.d that keeps the nvidia module from loading, "" = none
    std::string jetson;              // "NVIDIA Jetson AGX Orin Developer Kit"; "" = no Jetson
    std::string tegra;               // its chip: "tegra234"

    std::string libcuda;         // path of libcuda.so.1 as the loader would find it, "" = none
    std::string libcuda_file;    // what it resolves to
    std::string libcuda_version; // from that file's name, "" = unknown
    bool libcuda_stub = false;   // a toolkit's stubs directory
    bool libcuda_compat = false; // a cuda-compat directory
    std::string libcuda_defect;  // its fault (library_defect); "": no fault was seen

    std::string container; // "docker", "podman", "kubernetes", "lxc", "apptainer", "systemd-nspawn", …; "" = none
    std::optional<std::string> visible_devices; // the user's CUDA_VISIBLE_DEVICES, when set
};

// `environment`: the variables of the user's shell. Only LD_LIBRARY_PATH, CUDA_VISIBLE_DEVICES and the marks of
// containers are read.
GpuFacts read_gpu_facts(const SystemRoot& root, const std::map<std::string, std::string>& environment);

// The user's environment as it was before NAME.run's header put LD_*, PYTHON* and CONDA_* aside
// (TINDERBOX_USER_NAME holds them).
std::map<std::string, std::string> user_environment();

nlohmann::json to_json(const GpuFacts& facts);

} // namespace tinderbox::machine
