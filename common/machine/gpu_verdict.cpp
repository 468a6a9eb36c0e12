#include "common/machine/gpu_verdict.hpp"

#include "common/format/cuda_floors.hpp"
#include "common/machine/gpu_table.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace tinderbox {
namespace {

using Outcome = GpuVerdict::Outcome;

std::string describe(const GpuDevice& gpu) {
    return gpu.name.empty() ? fmt::format("10de:{:04x} at {}", gpu.id, gpu.address) : gpu.name;
}

// "GeForce RTX 3090", "2 × Tesla T4", "A10, Tesla T4".
std::string describe(const std::vector<GpuDevice>& gpus) {
    std::vector<std::pair<std::string, int>> names;
    for (const GpuDevice& gpu : gpus) {
        std::string name = describe(gpu);
        auto found = std::ranges::find(names, name, &std::pair<std::string, int>::first);
        if (found == names.end())
            names.emplace_back(name, 1);
        else
            ++found->second;
    }
    std::string out;
    for (const auto& [name, count] : names)
        out += fmt::format("{}{}{}", out.empty() ? "" : ", ", count > 1 ? fmt::format("{} × ", count) : "",
                           name);
    return out;
}

bool all_bound_to(const std::vector<GpuDevice>& gpus, std::string_view driver) {
    return !gpus.empty() &&
           std::ranges::all_of(gpus, [&](const GpuDevice& gpu) { return gpu.kernel_driver == driver; });
}

class Judge {
  public:
    Judge(const GpuFacts& facts, const Requirements& needs, const GpuJudgeOptions& options)
        : facts_(facts), needs_(needs), options_(options) {
        if (needs.cuda_major)
            floor_ = needs.driver_floor.empty() ? driver_floor(*needs.cuda_major) : needs.driver_floor;
    }

    GpuVerdict run() {
        if (!needs_.cuda_major) {
            verdict_.reason = "the environment has no CUDA";
            return std::move(verdict_);
        }
        if (!gpu_seen()) return std::move(verdict_);
        verdict_.outcome = Outcome::usable;
        judge_kernel_side();
        if (verdict_.outcome == Outcome::usable) judge_user_side();
        if (verdict_.outcome == Outcome::usable) judge_version();
        if (verdict_.outcome == Outcome::usable) judge_code();
        if (verdict_.outcome == Outcome::usable) say_what_may_fail();
        return std::move(verdict_);
    }

  private:
    void add(Severity severity, std::string id, std::string sentence, std::string advice) {
        if (severity == Severity::error && options_.no_gpu) severity = Severity::warning;
        verdict_.findings.push_back(
            {std::move(id), severity, ErrorKind::machine, std::move(sentence), std::move(advice)});
    }
    void refuse(std::string id, std::string sentence, std::string advice) {
        verdict_.outcome = Outcome::refused;
        verdict_.reason = sentence;
        if (!options_.no_gpu) advice += "; --no-gpu installs all the same";
        add(Severity::error, std::move(id), std::move(sentence), std::move(advice));
    }
    void not_verified(std::string id, std::string reason, std::string advice) {
        verdict_.outcome = Outcome::not_verified;
        verdict_.reason = reason;
        add(Severity::note, std::move(id), fmt::format("GPU: not verified: {}", reason), std::move(advice));
    }
    std::string install_driver() const { return fmt::format("install NVIDIA's driver {} or newer", floor_); }

    // Row 1: nothing to be seen from here.
    bool gpu_seen() {
        bool passed_through = facts_.device_nodes || facts_.control_errno != ENOENT;
        if (facts_.wsl) return true;
        if (!facts_.container.empty() && !passed_through) {
            not_verified(
                "gpu-container",
                fmt::format("this is a container ({}) to which no GPU is passed", facts_.container),
                "start the container with its GPUs (docker: --gpus all, podman: --device nvidia.com/gpu=all, "
                "apptainer: --nv)");
            return false;
        }
        if (!facts_.devices.empty() || passed_through || !facts_.module_version.empty()) return true;
        not_verified(
            "gpu-none", "no NVIDIA GPU was found",
            fmt::format("the environment needs one with driver {} or newer to compute on a GPU", floor_));
        return false;
    }

    void judge_kernel_side() {
        if (facts_.wsl || !facts_.module_version.empty()) return;
        const std::string gpus = facts_.devices.empty() ? "the NVIDIA GPU" : describe(facts_.devices);
        if (all_bound_to(facts_.devices, "vfio-pci"))
            return refuse("gpu-vfio",
                          fmt::format("{} is bound to vfio-pci, which lends it to a virtual machine", gpus),
                          "give it back to the nvidia driver, or install inside the virtual machine");
        bool nouveau = std::ranges::any_of(facts_.devices,
                                           [](const GpuDevice& g) { return g.kernel_driver == "nouveau"; });
        if (nouveau)
            return refuse("gpu-nouveau", fmt::format("{} is driven by nouveau, which has no CUDA", gpus),
                          facts_.module_on_disk ? "blacklist nouveau (echo 'blacklist nouveau' > "
                                                  "/etc/modprobe.d/nouveau.conf, rebuild the "
                                                  "initramfs) and reboot"
                                                : install_driver() + ", which replaces nouveau, and reboot");
        if (facts_.module_on_disk && facts_.secure_boot.value_or(false))
            return refuse(
                "gpu-secure-boot",
                "the nvidia kernel module is installed but not loaded, and Secure Boot is on, which refuses "
                "modules without an enrolled signature",
                "enrol the key that signed the module (mokutil --import) and reboot, or turn Secure Boot "
                "off");
        if (facts_.module_on_disk || facts_.control_errno == ENXIO || !facts_.libcuda.empty())
            return refuse(
                "gpu-module-not-loaded",
                fmt::format("{}: NVIDIA's driver is installed, but its kernel module is not loaded", gpus),
                "run 'modprobe nvidia' as root and look at 'dmesg' if it fails; after a kernel update "
                "rebuild "
                "the module or reboot");
        refuse("gpu-no-driver", fmt::format("{}: no NVIDIA driver is installed", gpus), install_driver());
    }

    void judge_user_side() {
        if (facts_.libcuda.empty())
            return refuse(
                "gpu-no-libcuda",
                fmt::format("the kernel module {} is loaded, but libcuda.so.1 was not found",
                            facts_.module_version.empty() ? "of the driver" : facts_.module_version),
                "install the user-space part of the same driver (Debian: libcuda1, Ubuntu: "
                "libnvidia-compute-…, "
                "RHEL: nvidia-driver-cuda-libs); in a container pass 'compute' in "
                "NVIDIA_DRIVER_CAPABILITIES");
        if (facts_.libcuda_stub)
            add(Severity::warning, "gpu-stub-library",
                fmt::format("the toolkit's stub '{}' would be loaded instead of the driver's libcuda",
                            facts_.libcuda),
                "remove the 'stubs' directory from LD_LIBRARY_PATH");
        bool comparable =
            !facts_.module_version.empty() && !facts_.libcuda_version.empty() && !facts_.libcuda_compat;
        if (comparable && facts_.libcuda_version != facts_.module_version)
            refuse("gpu-driver-mismatch",
                   fmt::format("the loaded kernel module is {}, but '{}' belongs to driver {}",
                               facts_.module_version, facts_.libcuda_file, facts_.libcuda_version),
                   "reboot, so that the kernel loads the new driver; if it stays, remove the stray libcuda");
    }

    void judge_version() {
        if (facts_.module_version.empty() || floor_.empty()) return; // WSL: the driver is Windows'
        if (compare_versions(facts_.module_version, floor_) >= 0) return;
        const std::string sentence = fmt::format("driver {} is below {}, the lowest that runs CUDA {}",
                                                 facts_.module_version, floor_, *needs_.cuda_major);
        if (options_.driver_api) {
            auto api = options_.driver_api();
            if (api && *api / 1000 >= *needs_.cuda_major) {
                add(Severity::note, "gpu-compat",
                    fmt::format("{}, but libcuda answers with CUDA {}.{} (cuda-compat is in use)", sentence,
                                *api / 1000, *api % 1000 / 10),
                    "");
                return;
            }
        }
        refuse("gpu-driver-too-old", sentence, fmt::format("upgrade the driver to {} or newer", floor_));
    }

    // The libraries whose code decides: a framework's own where there is one, because a general library with
    // code for an old GPU does not help a framework that has none.
    std::vector<const GpuLibrary*> deciding_libraries() const {
        std::vector<const GpuLibrary*> out;
        for (const GpuLibrary& library : needs_.gpu_libraries)
            if (library.path.find("/torch/lib/") != std::string::npos) out.push_back(&library);
        if (out.empty())
            for (const GpuLibrary& library : needs_.gpu_libraries)
                out.push_back(&library);
        return out;
    }

    void judge_code() {
        auto libraries = deciding_libraries();
        if (libraries.empty() || facts_.devices.empty()) return;
        bool any_known = false, any_unknown = false, any_runs = false;
        std::vector<std::string> without;
        for (const GpuDevice& gpu : facts_.devices) {
            if (gpu.compute == 0) {
                any_unknown = true;
                add(Severity::note, "gpu-unknown-model",
                    fmt::format("{} is not in this installer's table of GPUs: whether the environment has "
                                "code for it was "
                                "not judged",
                                describe(gpu)),
                    "");
                continue;
            }
            any_known = true;
            bool sass = false, ptx = false;
            for (const GpuLibrary* library : libraries) {
                sass = sass || std::ranges::any_of(library->sass, [&](const auto& s) {
                           return sass_runs_on(s, gpu.compute);
                       });
                ptx = ptx || std::ranges::any_of(library->ptx,
                                                 [&](const auto& s) { return ptx_runs_on(s, gpu.compute); });
            }
            any_runs = any_runs || sass || ptx;
            if (!sass && !ptx)
                without.push_back(
                    fmt::format("{} ({}.{})", describe(gpu), gpu.compute / 10, gpu.compute % 10));
            if (!sass && ptx) say_ptx(gpu);
        }
        if (without.empty()) return;
        const std::string what =
            fmt::format("'{}' has no code for {}", libraries.front()->path, fmt::join(without, ", "));
        if (any_known && !any_unknown && !any_runs)
            refuse("gpu-no-code", what,
                   "build the installer from packages made for this GPU (another +cuXXX wheel or version)");
        else
            add(Severity::warning, "gpu-no-code-for-some", what,
                "compute on the other GPU: set CUDA_VISIBLE_DEVICES");
    }

    void say_ptx(const GpuDevice& gpu) {
        std::string driver_cuda = cuda_of_driver(facts_.module_version);
        bool older = !needs_.cuda_runtime.empty() && !driver_cuda.empty() &&
                     compare_versions(driver_cuda, needs_.cuda_runtime) < 0;
        add(older ? Severity::warning : Severity::note, "gpu-ptx-only",
            older
                ? fmt::format("for {} there is only PTX of CUDA {}, and driver {} compiles PTX up to CUDA {}",
                              describe(gpu), needs_.cuda_runtime, facts_.module_version, driver_cuda)
                : fmt::format("for {} there is only PTX: the first use of the GPU compiles it and takes long",
                              describe(gpu)),
            older ? fmt::format("upgrade the driver to one of CUDA {}", needs_.cuda_runtime) : "");
    }

    // Not reasons to refuse: another user, another shell or another cgroup may see the GPU.
    void say_what_may_fail() {
        if (facts_.wsl && facts_.module_version.empty())
            add(Severity::note, "gpu-wsl",
                "this is WSL2: the driver is Windows' and is judged by running the probe", "");
        else if (facts_.control_errno == EACCES || facts_.control_errno == EPERM)
            add(Severity::warning, "gpu-permission",
                fmt::format("/dev/nvidiactl may not be opened by this user ({})",
                            facts_.control_errno == EACCES ? "EACCES" : "EPERM"),
                "add the user to the node's group (often 'video' or 'render'), or ask the scheduler for a "
                "GPU");
        else if (facts_.control_errno == ENOENT)
            add(Severity::note, "gpu-no-nodes",
                "/dev/nvidiactl does not exist yet; NVIDIA's helper makes it at the first use",
                "if the probe fails, run 'nvidia-modprobe -c0 -u' as root");
        else if (facts_.control_errno == ENXIO)
            add(Severity::warning, "gpu-node-without-module",
                "/dev/nvidiactl exists, but no driver answers behind it",
                "run 'nvidia-modprobe -c0 -u' as root");
        if (facts_.visible_devices &&
            (facts_.visible_devices->empty() || facts_.visible_devices->starts_with('-')))
            add(Severity::warning, "gpu-hidden",
                fmt::format("CUDA_VISIBLE_DEVICES is '{}', which hides every GPU", *facts_.visible_devices),
                "unset CUDA_VISIBLE_DEVICES");
        if (!facts_.module_version.empty()) {
            std::string cuda = cuda_of_driver(facts_.module_version);
            add(Severity::ok, "gpu",
                fmt::format(
                    "{}, driver {}{}{}; the environment's CUDA {} needs {} or newer",
                    facts_.devices.empty() ? "NVIDIA GPU" : describe(facts_.devices), facts_.module_version,
                    facts_.module_open ? " (open)" : "", cuda.empty() ? "" : fmt::format(" of CUDA {}", cuda),
                    needs_.cuda_runtime.empty() ? std::to_string(*needs_.cuda_major) : needs_.cuda_runtime,
                    floor_),
                "");
        }
    }

    const GpuFacts& facts_;
    const Requirements& needs_;
    const GpuJudgeOptions& options_;
    std::string floor_;
    GpuVerdict verdict_;
};

struct Architecture {
    int compute = 0;
    char variant = 0; // 'a', 'f' or 0
};

std::optional<Architecture> parse_architecture(std::string_view text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return std::nullopt;
    text.remove_prefix(prefix.size());
    Architecture out;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.compute);
    if (error != std::errc()) return std::nullopt;
    if (end != text.data() + text.size()) out.variant = *end;
    return out;
}

} // namespace

std::string_view to_string(GpuVerdict::Outcome outcome) {
    switch (outcome) {
    case Outcome::not_needed:
        return "not needed";
    case Outcome::not_verified:
        return "not verified";
    case Outcome::usable:
        return "usable";
    case Outcome::refused:
        return "refused";
    }
    return "refused";
}

// A cubin runs on its own compute capability and on higher minors of the same major; an "a" variant on
// exactly one.
bool sass_runs_on(std::string_view sass, int compute) {
    auto arch = parse_architecture(sass, "sm_");
    if (!arch) return false;
    if (arch->variant == 'a') return arch->compute == compute;
    return arch->compute / 10 == compute / 10 && arch->compute <= compute;
}

bool ptx_runs_on(std::string_view ptx, int compute) {
    auto arch = parse_architecture(ptx, "compute_");
    if (!arch) return false;
    if (arch->variant == 'a') return arch->compute == compute;
    if (arch->variant == 'f') return arch->compute / 10 == compute / 10 && arch->compute <= compute;
    return arch->compute <= compute;
}

GpuVerdict judge_gpu(const GpuFacts& facts, const Requirements& needs, const GpuJudgeOptions& options) {
    return Judge(facts, needs, options).run();
}

} // namespace tinderbox
