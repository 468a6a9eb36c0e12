#include "common/machine/probe_result.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::machine {

using nlohmann::json;

namespace {

json device_json(const ProbeDevice& d) {
    json kernels = json::array();
    for (const KernelResult& k : d.kernels)
        kernels.push_back({{"stage", k.stage}, {"kernel", k.kernel}, {"image", k.image}, {"ok", k.ok}, {"ms", k.ms}});
    json out = {{"index", d.index},
                {"name", d.name},
                {"compute_capability", d.compute_capability},
                {"memory_bytes", d.memory_bytes},
                {"ok", d.ok},
                {"image", d.image},
                {"bandwidth_gb_per_s", d.bandwidth},
                {"kernels", std::move(kernels)}};
    if (d.memory)
        out["memory_test"] = {{"ok", d.memory->ok},
                              {"percent", d.memory->percent},
                              {"bytes", d.memory->bytes},
                              {"wrong", d.memory->wrong},
                              {"ms", d.memory->ms}};
    return out;
}

} // namespace

json to_json(const ProbeResult& result) {
    json devices = json::array(), peers = json::array(), problems = json::array();
    for (const ProbeDevice& d : result.devices) devices.push_back(device_json(d));
    for (const PeerResult& p : result.peers)
        peers.push_back({{"from", p.from}, {"to", p.to}, {"ok", p.ok}, {"access", p.access}, {"gb_per_s", p.gb_per_s}});
    for (const ProbeProblem& p : result.problems) {
        json problem = {{"stage", p.stage}, {"name", p.name}, {"sentence", p.sentence}, {"advice", p.advice}};
        if (p.code) problem["code"] = *p.code;
        if (p.device >= 0) problem["device"] = p.device;
        problems.push_back(std::move(problem));
    }
    return {{"ok", result.ok},
            {"stage1", result.stage1},
            {"stage2", result.stage2},
            {"stage2_words", result.stage2_words},
            {"driver_api", result.api_version},
            {"runtime", result.runtime_version},
            {"libcuda", result.libcuda},
            {"devices", std::move(devices)},
            {"peers", std::move(peers)},
            {"problems", std::move(problems)}};
}

} // namespace tinderbox::machine
