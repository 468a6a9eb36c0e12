#include "common/machine/cuda_error_advice.hpp"

#include "common/base/result.hpp"

namespace tinderbox::machine {

std::string cuda_error_advice(int code, const format::Requirements& needs) {
    const std::string floor = needs.driver_floor.empty() ? "" : fmt::format(" {} or newer", needs.driver_floor);
    switch (code) {
    case 2:
        return "other programs fill the GPU's memory: look at nvidia-smi, end them and run --verify-only again";
    case 34:
        return "a toolkit's stub library was loaded: remove 'stubs' from LD_LIBRARY_PATH";
    case 35:
        return fmt::format("install NVIDIA's proprietary or open driver{}; nouveau has no CUDA", floor);
    case 46:
        return "another process holds the GPU in exclusive mode: end it, or set the mode with 'nvidia-smi -c 0'";
    case 100:
        return "the driver sees no GPU: load its module (modprobe nvidia), blacklist nouveau, unset "
               "CUDA_VISIBLE_DEVICES, or create MIG instances";
    case 101:
        return "CUDA_VISIBLE_DEVICES names a GPU that does not exist: unset it";
    case 209:
        return "there is no code for this GPU: build the installer from packages made for it (another +cuXXX wheel)";
    case 214:
        return "the GPU's memory has an uncorrectable error: look at 'nvidia-smi -q', reset or replace the GPU";
    case 218:
    case 222:
        return fmt::format("the driver cannot compile this PTX: upgrade it{}", floor.empty() ? "" : " to" + floor);
    case 221:
        return "the driver's PTX compiler is missing (libnvidia-ptxjitcompiler): install all of the driver's libraries";
    case 304:
        return "the device nodes may not be used: fix the permissions of /dev/nvidia*, or pass the GPU to the "
               "container";
    case 800:
        return "the driver or the container forbids this: ask the administrator";
    case 802:
        return "start the matching fabric manager: systemctl start nvidia-fabricmanager, of the driver's own version";
    case 803:
        return "kernel module and libraries differ in version: reboot; if it stays, remove the stray libcuda";
    case 804:
        return "cuda-compat does not support this GPU: remove it and upgrade the driver";
    case 999:
        return "nvidia_uvm is missing or broken (often after suspend): 'nvidia-modprobe -c0 -u', reload the module, or "
               "reboot";
    default:
        return {};
    }
}

} // namespace tinderbox::machine
