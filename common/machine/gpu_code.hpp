// Finds the GPUs that an environment's libraries have code for. The rules of CUDA's binary and PTX compatibility are
// applied to the architectures that the build read out of the fatbins. Thread-safe.
#pragma once

#include "common/format/manifest.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tinderbox::machine {

// Whether device code named "sm_80", "sm_90a", "sm_100f" runs on compute capability `compute` (× 10): on its own and on
// higher minors of its major; an "a" on its own only.
bool sass_runs_on(std::string_view sass, int compute);
// Whether a driver can compile "compute_80" for the GPU: for its own and every newer compute capability. An "f"
// compiles for its family, an "a" for its own compute capability only.
bool ptx_runs_on(std::string_view ptx, int compute);

struct CodeFor {         // one GPU
    std::string name;    // "sm_86", "compute_80"; "" = nothing runs
    std::string library; // whose
    std::string ptx_isa; // of PTX: its version, "" = not known
    bool machine_code = false;
};
// The best code in a library for a GPU.
CodeFor code_for(const format::GpuLibrary& library, int compute);

// The libraries whose code decides on a GPU: the frameworks' ones, else CUDA's own, else all.
std::vector<const format::GpuLibrary*> deciding_libraries(const format::Requirements& needs);
// The best code in the deciding libraries for a GPU.
CodeFor code_for(const format::Requirements& needs, int compute);

// The compute capabilities of known_compute that the library has code or PTX for.
std::vector<int> supported_compute(const format::GpuLibrary& library);

// Why the needs of some GPU code are not known: the evidence without a major says it. "" = all of them are known.
std::string unknown_gpu_code(const format::Requirements& needs);

// Label and text of each line in inspect, --info and --plan; empty for an environment without CUDA and
// without code for GPUs.
std::vector<std::pair<std::string, std::string>> gpu_lines(const format::Requirements& needs);

} // namespace tinderbox::machine
