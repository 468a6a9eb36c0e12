// The conda part of a lock: channels, the target's virtual packages, the solve.
#pragma once

#include "generator/conda/config.hpp"
#include "generator/fetch/fetch.hpp"
#include "generator/lock/make_lock.hpp"

namespace tinderbox::lock {

struct CondaSolution {
    std::vector<LockedArtifact> artifacts;
    std::vector<std::string> channels;           // URLs, without credentials
    std::map<std::string, std::string> virtuals; // assumed of the target: "__glibc" → "2.28", "__archspec" → "1=x86_64"
    std::vector<std::string> warnings;
};

// An entry that names a package by URL or path; the package itself is not read. Errors: usage (for another platform).
Result<LockedArtifact> lock_conda_file(const spec::CondaSpec& spec, const std::string& platform);

// Whether the request asks for a GPU: --cuda, --target-gpu, --target-driver, a CUDA package, a GPU build string, the
// channel nvidia, a +cuXXX wheel.
bool asks_for_gpu(const spec::Request& request, const LockOptions& options);

// The target's __cuda: that of its driver, of --cuda, of a pinned cudatoolkit or cuda-version, else the newest major
// known. "": the request asks for no GPU.
std::string target_cuda(const spec::Request& request, const LockOptions& options);

// Answers every entry of request.conda. Entries that name a file or URL are fixed, and the solve chooses the other
// packages to fit them. Errors: usage, network, unsatisfiable.
Result<CondaSolution> solve_conda(const spec::Request& request, const LockOptions& options, fetch::Fetcher& fetcher);

} // namespace tinderbox::lock
