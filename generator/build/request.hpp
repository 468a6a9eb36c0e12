// Pass "request": the SPECs and the command line become one request, or a given lock replaces it.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/advise/described.hpp"
#include "generator/build/options.hpp"
#include "generator/spec/request.hpp"

namespace tinderbox::build {

struct Requested {
    spec::Request request;                          // with a lock: only how this machine's pip is configured
    std::vector<lock::LockedSource> sources;        // the SPECs as given, each with the digest of its request
    std::optional<lock::Lock> lock;                 // the only SPEC, when it is a lock of ours
    machine::GpuTarget target;                      // --target-gpu, --target-driver
    std::vector<advise::DescribedMachine> machines; // --target
    std::string wheel_python;       // lock --pip-only: the Python that wheels are chosen for; "" = captured
    bool python_is_default = false; // the request named no Python

    bool names_gpu() const { return !target.gpus.empty() || !target.driver.empty(); }
    const std::string& platform(const Options& options) const { return lock ? lock->platform : options.platform; }
};

// The text of a lock of ours, read and parsed. nullopt: the file is something else. Errors: storage (reading), usage.
Result<std::optional<lock::Lock>> read_if_lock(const std::string& path);

// Reads each SPEC once. Errors: usage.
Result<Requested> read_request(const Options& options, Reporter& reporter);

} // namespace tinderbox::build
