#include "common/machine/gpu_table.hpp"

#include "common/base/text.hpp"
#include "common/base/version_order.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace tinderbox::machine {
namespace {

constexpr GpuModel models[] = {
#include "common/machine/gpu_models.inc"
};

constexpr GpuGeneration generations[] = {
#include "common/machine/gpu_generations.inc"
};

struct CudaRelease {
    std::string_view cuda, driver, isa;
};
// The driver that came with each CUDA toolkit (Linux), and the PTX ISA version that its compiler writes. 12.6 writes
// 8.5. There is no toolkit 12.7, but driver branch 565 has that version. From 13.4 on the toolkit's file names no
// driver. The rows then have the first public driver of the branch (615, 620) whose cuda-compat has that CUDA version.
constexpr CudaRelease releases[] = {
    {"8.0", "367.48", "5.0"},     {"9.0", "384.81", "6.0"},     {"9.1", "390.46", "6.1"},
    {"9.2", "396.26", "6.2"},     {"10.0", "410.48", "6.3"},    {"10.1", "418.39", "6.4"},
    {"10.2", "440.33", "6.5"},    {"11.0", "450.51.05", "7.0"}, {"11.1", "455.23", "7.1"},
    {"11.2", "460.27.03", "7.2"}, {"11.3", "465.19.01", "7.3"}, {"11.4", "470.42.01", "7.4"},
    {"11.5", "495.29.05", "7.5"}, {"11.6", "510.39.01", "7.6"}, {"11.7", "515.43.04", "7.7"},
    {"11.8", "520.61.05", "7.8"}, {"12.0", "525.60.13", "8.0"}, {"12.1", "530.30.02", "8.1"},
    {"12.2", "535.54.03", "8.2"}, {"12.3", "545.23.06", "8.3"}, {"12.4", "550.54.14", "8.4"},
    {"12.5", "555.42.02", "8.5"}, {"12.6", "560.28.03", "8.5"}, {"12.7", "565.57.01", "8.6"},
    {"12.8", "570.26", "8.7"},    {"12.9", "575.51.03", "8.8"}, {"13.0", "580.65.06", "9.0"},
    {"13.1", "590.44.01", "9.1"}, {"13.2", "595.45.04", "9.2"}, {"13.3", "610.43.02", "9.3"},
    {"13.4", "615.71.09", "9.4"}, {"13.5", "620.70.06", "9.5"},
};

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> out;
    for (std::string_view word : split(text, ' '))
        if (!word.empty()) out.push_back(to_lower(word));
    return out;
}

// The name without maker and family, which people leave out.
std::vector<std::string> essential(std::vector<std::string> words) {
    std::erase_if(
        words, [](const std::string& w) { return w == "nvidia" || w == "geforce" || w == "tesla" || w == "quadro"; });
    return words;
}

} // namespace

const GpuModel* find_gpu_model(std::uint16_t id) {
    for (const GpuModel& model : models)
        if (model.id == id) return &model;
    return nullptr;
}

std::vector<const GpuModel*> find_gpu_models(std::string_view name) {
    const auto wanted = essential(words_of(name));
    std::vector<const GpuModel*> exact, containing;
    if (wanted.empty()) return {};
    for (const GpuModel& model : models) {
        const auto words = essential(words_of(model.name));
        if (words == wanted) exact.push_back(&model);
        auto at = words.begin();
        const bool all = std::ranges::all_of(wanted, [&](const std::string& w) {
            at = std::find(at, words.end(), w);
            return at != words.end() && (++at, true);
        });
        if (all) containing.push_back(&model);
    }
    return exact.empty() ? containing : exact;
}

const GpuGeneration* generation_of(int compute) {
    for (const GpuGeneration& generation : generations)
        if (compute >= generation.lowest && compute <= generation.highest) return &generation;
    return nullptr;
}

std::string compute_text(int compute) { return fmt::format("{}.{}", compute / 10, compute % 10); }

std::string driver_of_cuda(std::string_view cuda) {
    for (const CudaRelease& release : releases)
        if (release.cuda == cuda) return std::string(release.driver);
    return {};
}

std::string cuda_of_ptx_isa(std::string_view isa) {
    for (const CudaRelease& release : releases)
        if (release.isa == isa) return std::string(release.cuda); // the first release that wrote this version
    return {};
}

// No branch below 304 knows the GPUs that CUDA runs on.
bool is_driver_version(std::string_view text) { return is_dotted_number(text) && compare_versions(text, "300") >= 0; }

std::string newest_of_branch(std::string_view driver_version) {
    std::string out(driver_version);
    if (!out.empty() && out.find('.') == std::string::npos) out += branch_end;
    return out;
}

std::string cuda_of_driver(std::string_view driver_version) {
    std::string_view best;
    for (const CudaRelease& release : releases)
        if (compare_versions(driver_version, release.driver) >= 0) best = release.cuda;
    return std::string(best);
}

std::string cuda_label_of_driver(std::string_view driver_version) {
    auto branch = [](std::string_view version) { return version.substr(0, version.find('.')); };
    std::string cuda = cuda_of_driver(driver_version);
    if (compare_versions(branch(driver_version), branch(std::end(releases)[-1].driver)) > 0) cuda += " or newer";
    return cuda;
}

} // namespace tinderbox::machine
