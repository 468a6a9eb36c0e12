#include "common/machine/gpu_table.hpp"

#include "common/base/text.hpp"

#include <charconv>

namespace tinderbox {
namespace {

constexpr GpuModel models[] = {
#include "common/machine/gpu_models.inc"
};

struct CudaRelease {
    int major;
    std::string_view cuda, driver;
};
// Which driver came with which CUDA toolkit (Linux); the first row of a major is not its floor.
constexpr CudaRelease releases[] = {
    {10, "10.2", "440.33"},    {11, "11.0", "450.51.05"}, {11, "11.1", "455.23"},
    {11, "11.2", "460.27.03"}, {11, "11.3", "465.19.01"}, {11, "11.4", "470.42.01"},
    {11, "11.5", "495.29.05"}, {11, "11.6", "510.39.01"}, {11, "11.7", "515.43.04"},
    {11, "11.8", "520.61.05"}, {12, "12.0", "525.60.13"}, {12, "12.1", "530.30.02"},
    {12, "12.2", "535.54.03"}, {12, "12.3", "545.23.06"}, {12, "12.4", "550.54.14"},
    {12, "12.5", "555.42.02"}, {12, "12.6", "560.28.03"}, {12, "12.8", "570.26"},
    {12, "12.9", "575.51.03"}, {13, "13.0", "580.65.06"}, {13, "13.1", "590.44.01"},
    {13, "13.2", "595.45.04"}, {13, "13.3", "610.43.02"},
};

} // namespace

const GpuModel* find_gpu_model(std::uint16_t id) {
    for (const GpuModel& model : models)
        if (model.id == id) return &model;
    return nullptr;
}

std::string cuda_of_driver(std::string_view driver_version) {
    std::string_view best;
    for (const CudaRelease& release : releases)
        if (compare_versions(driver_version, release.driver) >= 0) best = release.cuda;
    return std::string(best);
}

int compare_versions(std::string_view a, std::string_view b) {
    auto x = split(a, '.'), y = split(b, '.');
    for (std::size_t i = 0; i < std::max(x.size(), y.size()); ++i) {
        auto number = [i](const std::vector<std::string_view>& parts) {
            long value = 0;
            if (i < parts.size()) std::from_chars(parts[i].data(), parts[i].data() + parts[i].size(), value);
            return value;
        };
        long left = number(x), right = number(y);
        if (left != right) return left < right ? -1 : 1;
    }
    return 0;
}

} // namespace tinderbox
