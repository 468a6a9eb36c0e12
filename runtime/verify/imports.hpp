// Tests with the environment's own Python whether the packages can be imported: once in a clean environment and once
// with the variables of the user's shell.
#pragma once

#include "common/format/manifest.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>
#include <vector>

namespace tinderbox::verify {

// One operation of a framework's check (runtime/verify/checks).
struct CheckStep {
    std::string name; // "torch.rand(5, 3)"
    bool ok = false;
    bool gpu = false;  // the step needs the GPU
    std::string words; // a result worth reading ("cuDNN 91002"), or the exception
    double seconds = 0;
};

struct ImportCheck {
    std::string name;        // "python", "numpy", "torch"
    std::string environment; // "clean" or "user"
    bool ok = false;
    bool gpu_related = false; // the GPU or its driver caused the failure
    std::string sentence, advice;
    double seconds = 0;
    std::string device;           // the GPU that a framework computed on; "" = it used none
    std::vector<CheckStep> steps; // of a framework's check
};

struct ImportOptions {
    std::string prefix;                      // of the environment
    bool expect_gpu = false;                 // frameworks built for CUDA must find one
    bool all_packages = false;               // -t: every package, and the imports that each declares
    unsigned jobs = 1;                       // interpreters that run at the same time, with all_packages
    std::map<std::string, std::string> user; // the user's environment (user_environment())
    double timeout_seconds = 300;            // for one run of Python
};

std::vector<ImportCheck> check_imports(const format::Manifest& manifest, const ImportOptions& options);

// True when an exception's message is about driver or GPU ("libcuda.so.1: cannot open …", "CUDA error: …").
bool is_gpu_message(std::string_view message);

nlohmann::json to_json(const ImportCheck& check);

} // namespace tinderbox::verify
