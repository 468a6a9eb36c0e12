// Data about NVIDIA's hardware and drivers that no file of the target machine holds (docs/inside/gpu.md has the
// sources). gpu_table_version is the revision of all these tables. The report names it, so that an old installer's
// verdict can be explained later. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::machine {

inline constexpr int gpu_table_version = 3;

struct GpuModel {
    std::uint16_t id; // PCI device id, vendor 0x10de
    int compute;      // compute capability × 10
    std::string_view name;
};
const GpuModel* find_gpu_model(std::uint16_t id); // nullptr: not in the table

// "RTX 3060", "geforce rtx 3060", "Tesla T4": the models whose name holds these words in this order, without regard to
// case. Where one is exactly it (with or without "NVIDIA", "GeForce", "Tesla", "Quadro" in front), only those. Models
// of one name may have several ids.
std::vector<const GpuModel*> find_gpu_models(std::string_view name);

// The drivers that support a generation of GPUs.
struct GpuGeneration {
    int lowest, highest; // compute capability × 10
    std::string_view name;
    std::string_view first_driver; // the oldest driver for them; "": older than any driver that is judged
    int last_branch;               // the driver branch after which support ended; 0 = not ended
    char open_module;              // 'n' proprietary module only, 'c' both, 'y' the open one only
};
const GpuGeneration* generation_of(int compute); // nullptr: not in the table
// Every compute capability that the tables and CUDA's documentation name, ascending.
inline constexpr int known_compute[] = {35, 37, 50, 52, 60, 61, 70, 75, 80, 86, 89, 90, 100, 103, 107, 110, 120, 121};

std::string compute_text(int compute); // 86 → "8.6"

// The newest CUDA whose own driver is not newer than this one: 535.54.03 → "12.2". A driver that is newer than the
// table gives the newest CUDA in it. "" for drivers before CUDA 10.2.
std::string cuda_of_driver(std::string_view driver_version);
// The same for a sentence: "12.2", and "13.5 or newer" for a driver of a branch that the table does not have yet.
std::string cuda_label_of_driver(std::string_view driver_version);
// "535", "535.154.05": a version or a branch of NVIDIA's driver, as people write it.
bool is_driver_version(std::string_view text);
// A branch alone ("535") means its newest driver. With this suffix it compares as newer than every driver of the
// branch.
inline constexpr std::string_view branch_end = ".999";
std::string newest_of_branch(std::string_view driver_version);
// The driver that came with a CUDA release: "12.8" → "570.26". "" = not in the table.
std::string driver_of_cuda(std::string_view cuda);
// The CUDA release that wrote PTX of this ISA version: "8.7" → "12.8". "" = not in the table.
std::string cuda_of_ptx_isa(std::string_view isa);

} // namespace tinderbox::machine
