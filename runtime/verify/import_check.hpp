// The result of one check with the environment's Python.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <string_view>
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
    std::uint64_t peak_memory = 0; // bytes, of the largest process of this check; 0 = not known
    std::string device;            // the GPU that a framework computed on; "" = it used none
    std::vector<CheckStep> steps;  // of a framework's check
};

// True when an exception's message is about driver or GPU ("libcuda.so.1: cannot open …", "CUDA error: …").
bool is_gpu_message(std::string_view message);

nlohmann::json to_json(const ImportCheck& check);

} // namespace tinderbox::verify
