// Which GPUs an environment's libraries have code for: the rules of CUDA's binary and PTX compatibility, applied to
// what the build read out of the fatbins.
#pragma once

#include "common/format/manifest.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tinderbox {

// Whether device code named "sm_80", "sm_90a", "sm_100f" runs on compute capability `compute` (× 10): on its own and on
// higher minors of its major; an "a" on its own only.
bool sass_runs_on(std::string_view sass, int compute);
// Whether "compute_80" can be compiled for it: for everything newer; an "f" within its family, an "a" for its own.
bool ptx_runs_on(std::string_view ptx, int compute);

struct CodeFor {         // one GPU
    std::string name;    // "sm_86", "compute_80"; "" = nothing runs
    std::string library; // whose
    std::string ptx_isa; // of PTX: its version, "" = not known
    bool machine_code = false;
};
// The best that a library has for a GPU.
CodeFor code_for(const GpuLibrary& library, int compute);

// The libraries whose code decides whether a GPU can be used at all: the frameworks', else CUDA's own, else all.
std::vector<const GpuLibrary*> deciding_libraries(const Requirements& needs);
// The best that the deciding libraries have for a GPU.
CodeFor code_for(const Requirements& needs, int compute);

// The compute capabilities of known_compute that the library has code or PTX for.
std::vector<int> supported_compute(const GpuLibrary& library);

// What inspect, --info and --plan show: label and text of each line; nothing for an environment without CUDA.
std::vector<std::pair<std::string, std::string>> gpu_lines(const Requirements& needs);

} // namespace tinderbox
