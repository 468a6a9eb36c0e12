#include "runtime/verify/import_check.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::verify {

using nlohmann::json;

bool is_gpu_message(std::string_view message) {
    for (std::string_view words : {"libcuda.so", "libnvidia-", "CUDA error", "CUDA driver", "NVIDIA driver",
                                   "cudaError", "CUDA_ERROR", "no CUDA-capable"})
        if (message.find(words) != std::string_view::npos) return true;
    return false;
}

json to_json(const ImportCheck& check) {
    json steps = json::array();
    for (const CheckStep& s : check.steps)
        steps.push_back({{"name", s.name}, {"ok", s.ok}, {"gpu", s.gpu}, {"words", s.words}, {"seconds", s.seconds}});
    json out = {{"name", check.name},
                {"environment", check.environment},
                {"ok", check.ok},
                {"gpu_related", check.gpu_related},
                {"sentence", check.sentence},
                {"advice", check.advice},
                {"seconds", check.seconds}};
    if (check.peak_memory != 0) out["peak_memory_bytes"] = check.peak_memory;
    if (!check.device.empty()) out["device"] = check.device;
    if (!steps.empty()) out["steps"] = std::move(steps);
    return out;
}

} // namespace tinderbox::verify
