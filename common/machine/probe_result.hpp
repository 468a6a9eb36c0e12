// Results of the CUDA probe (docs/inside/cuda-probe.md), as the report and doctor show them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox::machine {

struct KernelResult {
    int stage = 0;
    std::string kernel, image; // "matmul"; "ptx", "sm_80": the form that ran
    bool ok = false;
    double ms = 0; // from launch to end, first use included
};

// Two patterns over a share of the memory that was free.
struct MemoryResult {
    bool ok = false;
    int percent = 0;
    std::uint64_t bytes = 0, wrong = 0; // wrong: words
    double ms = 0;
};

struct ProbeDevice {
    int index = 0;
    std::string name, compute_capability;
    std::uint64_t memory_bytes = 0;
    bool ok = false;
    std::string image;                       // "ptx", "sm_80": which form of the kernels ran
    std::map<std::string, double> bandwidth; // direction → GB/s
    std::vector<KernelResult> kernels;       // of both stages, in the order they ran
    std::optional<MemoryResult> memory;
};

// Data sent from one GPU to another.
struct PeerResult {
    int from = 0, to = 0;
    bool ok = false;
    bool access = false; // `to` reads the memory of `from` directly
    double gb_per_s = 0;
};

// One failure with its remedy.
struct ProbeProblem {
    int stage = 0, device = -1;
    std::optional<int> code; // cuInit / cudaError number
    std::string name;        // "CUDA_ERROR_NO_DEVICE", "crash", "timeout"
    std::string sentence, advice;
};

struct ProbeResult {
    bool ran = false; // the child started and wrote at least one event
    bool ok = false;
    // "passed", "failed", "crashed", "timeout", "not_available", "not_asked", "not_run"
    std::string stage1, stage2;
    int api_version = 0;     // the driver's: 12020
    int runtime_version = 0; // of stage 2
    std::string libcuda;     // path as loaded
    std::vector<ProbeDevice> devices;
    std::vector<PeerResult> peers;
    std::vector<ProbeProblem> problems;
    std::string stage2_words; // why stage 2 did not run; "" = it ran
};

// The member verification.probe of the report (docs/inside/report.md).
nlohmann::json to_json(const ProbeResult& result);

} // namespace tinderbox::machine
