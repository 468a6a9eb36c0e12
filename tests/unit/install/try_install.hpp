// Deciding and installing in one call, as a session does it.
#pragma once

#include "runtime/install/install.hpp"

namespace tinderbox::test {

// A person's request and the way it is carried out, set side by side by the tests.
struct InstallCall : place::InstallRequest, install::InstallOptions {};

inline place::Decision decide(const fs::path& run_path, const format::Manifest& manifest,
                              const place::InstallRequest& request) {
    auto run = format::RunFile::open(run_path);
    return place::decide(manifest, run.ok() ? to_hex(run->manifest_sha256()) : "", request);
}

inline Result<install::InstallSummary> try_install(const fs::path& run_path, const format::Manifest& manifest,
                                                   const InstallCall& call) {
    TRY_ASSIGN(format::RunFile run, format::RunFile::open(run_path));
    const place::Decision decision = place::decide(manifest, to_hex(run.manifest_sha256()), call);
    return install::install(run, manifest, decision, call);
}

inline std::string problem(const Result<install::InstallSummary>& result) {
    return result.ok() ? "" : result.error().message;
}
// The error's exit code; 0: it succeeded.
inline int kind(const Result<install::InstallSummary>& result) {
    return result.ok() ? 0 : static_cast<int>(result.error().kind);
}

} // namespace tinderbox::test
