// The environment's own Python, asked whether what was installed works: once in a clean environment and once
// as the user's shell will have it.
#pragma once

#include "common/format/manifest.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>
#include <vector>

namespace tinderbox::verify {

// One thing that a framework was asked to do (runtime/verify/checks).
struct CheckStep {
    std::string name; // "torch.rand(5, 3)"
    bool ok = false;
    bool gpu = false;  // it concerns the GPU
    std::string words; // a result worth reading ("cuDNN 91002"), or the exception
    double seconds = 0;
};

struct ImportCheck {
    std::string name;        // "python", "numpy", "torch"
    std::string environment; // "clean" or "user"
    bool ok = false;
    bool gpu_related = false; // the failure's reason is the GPU or its driver
    std::string sentence, advice;
    double seconds = 0;
    std::string device;           // the GPU that a framework computed on, "" = none
    std::vector<CheckStep> steps; // of a framework
};

struct ImportOptions {
    std::string prefix;                      // of the environment
    bool expect_gpu = false;                 // frameworks built for CUDA must find one
    bool all_packages = false;               // -t: not only those that were asked for, and what each declares
    unsigned jobs = 1;                       // interpreters side by side, with all_packages
    std::map<std::string, std::string> user; // the user's environment (user_environment())
    double timeout_seconds = 300;            // of one run of Python
};

std::vector<ImportCheck> check_imports(const format::Manifest& manifest, const ImportOptions& options);

// True when the words of an exception are about driver or GPU ("libcuda.so.1: cannot open …", "CUDA error:
// …").
bool is_gpu_message(std::string_view message);

nlohmann::json to_json(const ImportCheck& check);

} // namespace tinderbox::verify
