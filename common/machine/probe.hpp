// Running cuda_probe and understanding what it says (docs/cuda-probe.md). The child may crash, hang or talk
// nonsense: each is an answer here, never a failure of ours.
#pragma once

#include "common/base/process.hpp"
#include "common/format/manifest.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox {

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

// One thing that went wrong, with what to do about it.
struct ProbeProblem {
    int stage = 0, device = -1;
    std::optional<int> code; // cuInit / cudaError number
    std::string name;        // "CUDA_ERROR_NO_DEVICE", "crash", "timeout"
    std::string sentence, advice;
};

struct ProbeResult {
    bool ran = false; // the child started and said something
    bool ok = false;
    std::string stage1,
        stage2;              // "passed", "failed", "crashed", "timeout", "not_available", "not_asked", "not_run"
    int api_version = 0;     // the driver's: 12020
    int runtime_version = 0; // of stage 2
    std::string libcuda;     // path as loaded
    std::vector<ProbeDevice> devices;
    std::vector<PeerResult> peers;
    std::vector<ProbeProblem> problems;
    std::string stage2_words; // why there was no stage 2, "" = there was
};

// Tolerant: lines that are no events, unknown events and members are passed over.
ProbeResult parse_probe(std::string_view lines, const ProcessResult& process, const Requirements& needs);

struct ProbeRun {
    std::vector<std::string> arguments;             // "--stage", "1"
    std::map<std::string, std::string> environment; // added to ours without LD_*: LD_LIBRARY_PATH as the user has it
    int seconds = 120;
    std::vector<std::string> directories; // where to put the program; empty = the usual ones
};

// Writes the program to a fresh private directory that can execute, runs it with a watchdog, and removes it.
ProbeResult run_probe(ByteView program, const Requirements& needs, const ProbeRun& run = {});

// It runs clean first: it is the driver that is tested. If only the user's library path finds a libcuda, that is what
// programs will use; of the two runs the one that came farther is the answer. `user`: user_environment().
ProbeResult run_probe_as_user(ByteView program, const Requirements& needs, const ProbeRun& run,
                              const std::map<std::string, std::string>& user);

// Of the probes that are `carried`: "cuda_probe_12" for CUDA 12, else the one without a runtime; "" = none.
std::string choose_probe(const std::vector<std::string>& carried, std::optional<int> cuda_major);

// For preflight's cuda-compat row: the API version that libcuda answers with, or nothing.
std::optional<int> ask_driver_api(ByteView program, const std::map<std::string, std::string>& environment);

// What to tell the user about an error code (cuInit's and cudaError's numbers are the same); "" = nothing is
// known.
std::string advice_for(int code, const Requirements& needs);

nlohmann::json to_json(const ProbeResult& result);

} // namespace tinderbox
