#include "common/machine/gpu_suggestion.hpp"

#include "common/base/text.hpp"
#include "common/format/cuda_floors.hpp"
#include "common/machine/gpu_code.hpp"
#include "common/machine/gpu_table.hpp"

#include <algorithm>
#include <charconv>

namespace tinderbox::machine {
namespace {

constexpr GpuBuild builds[] = {
// oldest first
#include "common/machine/gpu_builds.inc"
};

int major_of(std::string_view cuda) {
    int value = 0;
    std::from_chars(cuda.data(), cuda.data() + cuda.size(), value);
    return value;
}

format::GpuLibrary library_of(const GpuBuild& build) {
    format::GpuLibrary out;
    out.path = build.package;
    for (std::string_view name : split(build.architectures, ' '))
        (name.starts_with("sm_") ? out.sass : out.ptx).emplace_back(name);
    return out;
}

// CUDA 12 no longer writes code below 5.0, and CUDA 13 none below 7.5 (release notes).
std::string_view newest_cuda_for(int compute) { return compute < 50 ? "11.8" : compute < 75 ? "12.9" : ""; }

} // namespace

std::string suggest_build(const format::Requirements& needs, int compute, int last_branch) {
    const GpuBuild* best = nullptr;
    CodeFor code;
    for (const GpuBuild& build : builds) {
        if (std::ranges::find(needs.frameworks, build.package) == needs.frameworks.end()) continue;
        if (last_branch && major_of(format::driver_floor(major_of(build.cuda))) > last_branch) continue;
        if (CodeFor found = code_for(library_of(build), compute); found.machine_code) {
            best = &build;
            code = std::move(found);
        }
    }
    if (best)
        return fmt::format("build the installer with {} {}: the newest known to have code for {} ({}, CUDA {}, {})",
                           best->package, best->version, compute_text(compute), code.name, best->cuda, best->where);
    if (const std::string_view cuda = newest_cuda_for(compute); !cuda.empty())
        return fmt::format(
            "build the installer from packages made for this GPU; the newest CUDA that writes code for {} is {}",
            compute_text(compute), cuda);
    return "build the installer from packages made for this GPU (another +cuXXX wheel or version)";
}

} // namespace tinderbox::machine
