// Runs the CUDA probe as a child process (docs/inside/cuda-probe.md). The child may crash, hang or write nonsense: each
// of these is a result here, never an error. Thread-safe.
#pragma once

#include "common/base/bytes.hpp"
#include "common/format/manifest.hpp"
#include "common/machine/probe_result.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox::machine {

struct ProbeRun {
    std::vector<std::string> arguments;             // "--stage", "1"
    std::map<std::string, std::string> environment; // added to ours without LD_*: LD_LIBRARY_PATH as the user has it
    int seconds = 120;                              // until the driver is given up
    std::vector<std::string> directories;           // where to put the program; empty = the usual ones
};

// Writes the program to a fresh private directory that can execute, runs it with a watchdog, and removes it.
ProbeResult run_probe(ByteView program, const format::Requirements& needs, const ProbeRun& run = {});

// Runs the probe without the user's library path, which tests the driver alone. After a failure it runs with that path,
// too: only there a libcuda may be found, and programs will use it. The run that came farther is the answer.
// `user`: user_environment().
ProbeResult run_probe_as_user(ByteView program, const format::Requirements& needs, const ProbeRun& run,
                              const std::map<std::string, std::string>& user);

// The probe for this CUDA among the `carried` ones: "cuda_probe_12" for CUDA 12, else the probe without a runtime. "":
// neither is carried.
std::string choose_probe(const std::vector<std::string>& carried, std::optional<int> cuda_major);

// For preflight's cuda-compat row: the API version that libcuda answers with (12020), nullopt without an answer.
std::optional<int> ask_driver_api(ByteView program, const std::map<std::string, std::string>& environment);

} // namespace tinderbox::machine
