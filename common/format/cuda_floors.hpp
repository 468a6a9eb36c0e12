// The driver that a CUDA major needs. The build writes it into the manifest, and the installer judges the machine by
// it.
#pragma once

#include <string_view>

namespace tinderbox::format {

// NVIDIA's minor-version compatibility (Linux): machine code built for this major runs on any driver at or above the
// floor. PTX that is newer than the driver fails in spite of it (error 222).
struct CudaFloor {
    int major;
    std::string_view driver;
};
inline constexpr CudaFloor cuda_floors[] = {{10, "440.33"}, {11, "450.80.02"}, {12, "525.60.13"}, {13, "580.65.06"}};

constexpr std::string_view driver_floor(int cuda_major) { // "" when the major is not in the table
    for (const CudaFloor& row : cuda_floors)
        if (row.major == cuda_major) return row.driver;
    return "";
}

} // namespace tinderbox::format
