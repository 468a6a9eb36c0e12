// Tests with the environment's own Python whether the packages can be imported and frameworks compute: in a clean
// environment, and again with the variables of the user's shell when something there can matter.
#pragma once

#include "common/format/manifest.hpp"
#include "runtime/verify/import_check.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tinderbox::verify {

struct ImportOptions {
    std::string prefix;                      // of the environment
    bool expect_gpu = false;                 // frameworks built for CUDA must find one
    bool all_packages = false;               // -t: every package, and the imports that each declares
    unsigned jobs = 1;                       // interpreters that run at the same time
    std::map<std::string, std::string> user; // the user's environment (user_environment())
    double timeout_seconds = 300;            // for one run of Python
    // The `done`th of `total` imports and checks begins, that of the package or framework `name`. From any thread.
    std::function<void(std::size_t done, std::size_t total, const std::string& name)> progress;
};

// The result of all checks with the environment's Python.
struct ImportChecks {
    std::vector<ImportCheck> checks;
    // Why they were repeated with the variables of the user's shell, clauses; empty: nothing there is used.
    std::vector<std::string> shell_reasons;
    std::uint64_t peak_memory = 0; // bytes, of the largest process
};

ImportChecks check_imports(const format::Manifest& manifest, const ImportOptions& options);

} // namespace tinderbox::verify
