// Data about NVIDIA's hardware and drivers that no file of the target machine holds. gpu_table_version counts
// the revisions of both tables; the report names it, so that an old installer's judgement can be understood
// later.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tinderbox {

inline constexpr int gpu_table_version = 1;

struct GpuModel {
    std::uint16_t id; // PCI device id, vendor 0x10de
    int compute;      // compute capability × 10
    std::string_view name;
};
const GpuModel* find_gpu_model(std::uint16_t id); // nullptr: not in the table

// The newest CUDA whose own driver is not newer than this one: 535.54.03 → "12.2". "" for anything
// before 10.2.
std::string cuda_of_driver(std::string_view driver_version);

// Compares dotted numbers: -1, 0, 1. Missing parts count as 0, what is not a number ends the comparison.
int compare_versions(std::string_view a, std::string_view b);

} // namespace tinderbox
