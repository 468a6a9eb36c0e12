#include "common/machine/gpu_verdict.hpp"

#include "common/base/last_component.hpp"
#include "common/base/number.hpp"
#include "common/base/text.hpp"
#include "common/base/version_order.hpp"
#include "common/format/cuda_floors.hpp"
#include "common/machine/driver_advice.hpp"
#include "common/machine/gpu_rules.hpp"
#include "common/machine/gpu_suggestion.hpp"
#include "common/machine/gpu_table.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>

namespace tinderbox::machine {
namespace {

using Outcome = GpuVerdict::Outcome;

std::string describe(const GpuDevice& gpu) {
    if (!gpu.name.empty()) return gpu.name;
    return gpu.address.empty() ? "a GPU of an unknown model" : fmt::format("10de:{:04x} at {}", gpu.id, gpu.address);
}

// "GeForce RTX 3090", "2 × Tesla T4", "A10, Tesla T4".
std::string counted(const std::vector<std::string>& names) {
    std::vector<std::pair<std::string, int>> counts;
    for (const std::string& name : names) {
        auto found = std::ranges::find(counts, name, &std::pair<std::string, int>::first);
        if (found == counts.end()) counts.emplace_back(name, 1);
        else ++found->second;
    }
    std::string out;
    for (const auto& [name, count] : counts)
        out += fmt::format("{}{}{}", out.empty() ? "" : ", ", count > 1 ? fmt::format("{} × ", count) : "", name);
    return out;
}

std::string describe(const std::vector<GpuDevice>& gpus) {
    std::vector<std::string> names;
    for (const GpuDevice& gpu : gpus) names.push_back(describe(gpu));
    return counted(names);
}

std::string with_compute(const GpuDevice& gpu) {
    return fmt::format("{} ({})", describe(gpu), compute_text(gpu.compute));
}

constexpr std::size_t shown_names = 3;

bool all_bound_to(const std::vector<GpuDevice>& gpus, std::string_view driver) {
    return !gpus.empty() &&
           std::ranges::all_of(gpus, [&](const GpuDevice& gpu) { return gpu.kernel_driver == driver; });
}

class Judge {
  public:
    Judge(const GpuFacts& facts, const format::Requirements& needs, const GpuJudgeOptions& options)
        : facts_(facts), needs_(needs), options_(options), unknown_(unknown_gpu_code(needs)) {
        if (needs.cuda_major)
            floor_ =
                needs.driver_floor.empty() ? std::string(format::driver_floor(*needs.cuda_major)) : needs.driver_floor;
        driver_cuda_ = cuda_of_driver(facts.module_version);
        driver_cuda_words_ = cuda_label_of_driver(facts.module_version);
        fill_values();
        fill_numbers();
    }

    GpuVerdict machine() {
        if (!has_gpu_code()) return not_needed();
        if (!gpu_seen()) return std::move(verdict_);
        verdict_.outcome = Outcome::usable;
        for (auto step :
             {&Judge::judge_kind, &Judge::judge_kernel_side, &Judge::judge_user_side, &Judge::judge_generation,
              &Judge::judge_version, &Judge::judge_code, &Judge::say_what_may_fail})
            if (verdict_.outcome == Outcome::usable) (this->*step)();
        return std::move(verdict_);
    }

    GpuVerdict target() {
        if (!has_gpu_code()) return not_needed();
        verdict_.outcome = Outcome::usable;
        for (auto step : {&Judge::judge_generation, &Judge::judge_version, &Judge::refuse_unknown, &Judge::judge_code,
                          &Judge::say_target})
            if (verdict_.outcome == Outcome::usable) (this->*step)();
        return std::move(verdict_);
    }

  private:
    bool has_gpu_code() const { return needs_.cuda_major || !unknown_.empty(); }

    // ---- texts ------------------------------------------------------------------------------------------

    void fill_values() {
        values_["gpus"] = facts_.devices.empty() ? "the NVIDIA GPU" : describe(facts_.devices);
        std::string_view driver = facts_.module_version;
        if (driver.ends_with(branch_end)) driver.remove_suffix(branch_end.size());
        values_["driver"] = driver;
        values_["floor"] = floor_;
        values_["driver_cuda"] = driver_cuda_;
        values_["container"] = facts_.container;
        values_["libcuda"] = facts_.libcuda_file.empty() ? facts_.libcuda : facts_.libcuda_file;
        values_["libcuda_driver"] = facts_.libcuda_version;
        values_["with_floor"] = floor_.empty() ? "" : fmt::format(" with driver {} or newer", floor_);
        values_["unknown"] = unknown_;
        if (!has_gpu_code()) return;
        values_["cuda_major"] = needs_.cuda_major ? std::to_string(*needs_.cuda_major) : "";
        values_["cuda"] = needs_.cuda_runtime.empty() ? values_["cuda_major"] : needs_.cuda_runtime;
        values_["install"] = get_driver(floor_, "install");
        values_["upgrade"] = fmt::format("upgrade the driver to {} or newer", floor_);
        if (!options_.distribution.name.empty() || !facts_.container.empty())
            values_["upgrade"] = get_driver(floor_, "upgrade to");
    }

    void fill_numbers() {
        GpuNumbers& n = verdict_.numbers;
        n.driver = facts_.module_version;
        n.driver_cuda = driver_cuda_;
        n.runtime = needs_.cuda_runtime;
        n.driver_floor = floor_;
        for (const GpuDevice& gpu : facts_.devices)
            n.gpus.push_back({describe(gpu), gpu.compute, gpu.compute ? code_for(needs_, gpu.compute) : CodeFor()});
    }

    std::string get_driver(const std::string& at_least, std::string_view verb) const {
        DriverRequest request;
        request.at_least = at_least;
        for (const GpuDevice& gpu : facts_.devices) request.compute.push_back(gpu.compute);
        request.kernel_release = facts_.kernel_release;
        request.machine = options_.machine;
        request.container = !facts_.container.empty();
        return driver_advice(request, options_.distribution, verb);
    }

    void apply(GpuRule rule, const RuleValues& more = {}) {
        const GpuRuleRow& row = row_of(rule);
        RuleValues values = more;
        values.insert(values_.begin(), values_.end());
        Finding finding;
        finding.id = row.id;
        finding.severity = row.severity;
        finding.sentence = fill_in(row.sentence, values);
        finding.advice = fill_in(row.advice, values);
        finding.docs = docs_anchor(row.id);
        if (row.severity == Severity::error) {
            verdict_.outcome = Outcome::refused;
            verdict_.reason = finding.sentence;
            if (options_.no_gpu) finding.severity = Severity::warning;
            else if (!options_.override_advice.empty()) finding.advice += "; " + options_.override_advice;
        }
        verdict_.findings.push_back(std::move(finding));
    }

    GpuVerdict not_needed() {
        verdict_.reason = "the environment has no CUDA";
        return std::move(verdict_);
    }

    void not_verified(GpuRule rule) {
        verdict_.outcome = Outcome::not_verified;
        apply(rule);
        constexpr std::string_view said = "GPU: not verified: ";
        verdict_.reason = verdict_.findings.back().sentence.substr(said.size());
    }

    // ---- what is there ----------------------------------------------------------------------------------

    bool gpu_seen() {
        if (!facts_.jetson.empty()) return true; // judge_kind refuses it
        if (facts_.wsl_version > 0 && !facts_.wsl) {
            not_verified(facts_.wsl_version == 1 ? GpuRule::wsl1 : GpuRule::wsl_no_gpu);
            return false;
        }
        bool passed_through = facts_.device_nodes || facts_.control_errno != ENOENT;
        if (facts_.wsl) return true;
        if (!facts_.container.empty() && !passed_through) {
            not_verified(GpuRule::container);
            return false;
        }
        if (!facts_.devices.empty() || passed_through || !facts_.module_version.empty()) return true;
        not_verified(GpuRule::none);
        return false;
    }

    template <typename Test> bool all_gpus(Test test) const {
        return !facts_.devices.empty() && std::ranges::all_of(facts_.devices, test);
    }

    // GPUs on which no driver of this machine computes.
    void judge_kind() {
        // Since CUDA 13 Jetson Thor runs the packages for servers with ARM processors; older Jetsons do not.
        if (!facts_.jetson.empty() && facts_.tegra != "tegra264")
            return apply(GpuRule::jetson,
                         {{"jetson", facts_.jetson}, {"tegra", facts_.tegra.empty() ? "" : " (" + facts_.tegra + ")"}});
        if (facts_.vgpu_host) return apply(GpuRule::vgpu_host);
        if (all_gpus(
                [](const GpuDevice& g) { return !g.vgpu_profile.empty() && !vgpu_profile_has_cuda(g.vgpu_profile); }))
            return apply(GpuRule::vgpu_profile, {{"profile", facts_.devices.front().vgpu_profile}});
        std::vector<GpuDevice> excluded;
        std::ranges::copy_if(facts_.devices, std::back_inserter(excluded), &GpuDevice::excluded);
        if (!excluded.empty())
            apply(excluded.size() == facts_.devices.size() ? GpuRule::excluded : GpuRule::excluded_some,
                  {{"gpus", describe(excluded)}});
    }

    void judge_kernel_side() {
        if (facts_.wsl || !facts_.module_version.empty()) return;
        if (all_bound_to(facts_.devices, "vfio-pci")) return apply(GpuRule::vfio);
        if (std::ranges::any_of(facts_.devices, [](const GpuDevice& g) { return g.kernel_driver == "nouveau"; }))
            return apply(facts_.module_on_disk ? GpuRule::nouveau_driver_installed : GpuRule::nouveau);
        if (std::ranges::any_of(facts_.devices,
                                [](const GpuDevice& g) { return to_lower(g.kernel_driver).starts_with("nova"); }))
            return apply(GpuRule::nova);
        if (facts_.module_on_disk && !facts_.blacklisted_by.empty())
            return apply(GpuRule::module_blacklisted, {{"file", facts_.blacklisted_by}});
        if (facts_.module_on_disk && facts_.secure_boot.value_or(false)) return apply(GpuRule::secure_boot);
        if (facts_.module_on_disk || facts_.control_errno == ENXIO || !facts_.libcuda.empty())
            return apply(GpuRule::module_not_loaded);
        apply(GpuRule::no_driver);
    }

    void judge_user_side() {
        if (facts_.libcuda.empty())
            return apply(GpuRule::no_libcuda,
                         {{"driver", facts_.module_version.empty() ? "of the driver" : facts_.module_version}});
        if (!facts_.libcuda_defect.empty()) return apply(GpuRule::libcuda_broken, {{"defect", facts_.libcuda_defect}});
        if (facts_.libcuda_stub) apply(GpuRule::stub_library, {{"libcuda", facts_.libcuda}});
        bool comparable = !facts_.module_version.empty() && !facts_.libcuda_version.empty() && !facts_.libcuda_compat;
        if (comparable && facts_.libcuda_version != facts_.module_version) apply(GpuRule::driver_mismatch);
    }

    // ---- driver ≥ runtime -------------------------------------------------------------------------------

    // No driver knows these GPUs, or this driver does not. A GPU that is not in the table counts as known to the
    // driver.
    void judge_generation() {
        std::vector<GpuDevice> no_driver, unsuitable;
        int last_branch = 0;
        for (const GpuDevice& gpu : facts_.devices) {
            const GpuGeneration* g = generation_of(gpu.compute);
            if (!g) return;
            if (g->last_branch && compare_versions(floor_, std::to_string(g->last_branch + 1)) >= 0) {
                no_driver.push_back(gpu);
                last_branch = g->last_branch;
            }
            const std::string& driver = facts_.module_version;
            if (!driver.empty() &&
                ((!g->first_driver.empty() && compare_versions(driver, g->first_driver) < 0) ||
                 (g->last_branch && compare_versions(driver, std::to_string(g->last_branch + 1)) >= 0)))
                unsuitable.push_back(gpu);
        }
        if (facts_.devices.empty()) return;
        if (no_driver.size() == facts_.devices.size())
            return apply(GpuRule::no_driver_exists,
                         {{"gpus", describe(no_driver)},
                          {"branch", std::to_string(last_branch)},
                          {"suggest", suggest_build(needs_, no_driver.front().compute, last_branch)}});
        if (unsuitable.size() == facts_.devices.size())
            apply(GpuRule::driver_unsuitable, {{"gpus", describe(unsuitable)}});
    }

    void judge_version() {
        if (facts_.module_version.empty() || floor_.empty()) return; // WSL: the driver is Windows'
        if (!facts_.jetson.empty()) return; // its driver has other numbers (580.00 is CUDA 13.0's); the probe decides
        if (compare_versions(facts_.module_version, floor_) >= 0) return;
        if (options_.driver_api) {
            auto api = options_.driver_api();
            if (api && *api / 1000 >= *needs_.cuda_major) {
                driver_cuda_words_ = driver_cuda_ = fmt::format("{}.{}", *api / 1000, *api % 1000 / 10);
                verdict_.numbers.driver_cuda = values_["driver_cuda"] = driver_cuda_;
                return apply(GpuRule::compat, {{"api", driver_cuda_}});
            }
        }
        apply(GpuRule::driver_too_old);
    }

    // ---- runtime ≥ GPU ----------------------------------------------------------------------------------

    // Whether this driver compiles PTX of that version; nullopt: the tables do not say.
    std::optional<bool> compiles(const std::string& ptx_cuda) const {
        if (driver_cuda_.empty()) return true; // WSL, or a target whose driver was not named
        if (!ptx_cuda.empty()) return compare_versions(driver_cuda_, ptx_cuda) >= 0;
        return std::nullopt;
    }

    // An old manifest does not tell the PTX version: the environment's own CUDA wrote it.
    std::string cuda_of(const CodeFor& code) const {
        return code.ptx_isa.empty() ? needs_.cuda_runtime : cuda_of_ptx_isa(code.ptx_isa);
    }

    void judge_code() {
        const auto deciding = deciding_libraries(needs_);
        if (deciding.empty() || facts_.devices.empty()) return;
        std::vector<GpuDevice> without, too_new;
        std::size_t running = 0, unknown = 0;
        for (const GpuDevice& gpu : facts_.devices) {
            if (gpu.compute == 0) {
                ++unknown;
                apply(GpuRule::unknown_model, {{"gpus", describe(gpu)}});
                continue;
            }
            const CodeFor code = code_for(needs_, gpu.compute);
            if (code.name.empty()) {
                without.push_back(gpu);
                continue;
            }
            if (code.machine_code) {
                ++running;
                continue;
            }
            auto able = compiles(cuda_of(code));
            if (able == false) {
                too_new.push_back(gpu);
                continue;
            }
            ++running;
            if (able) apply(GpuRule::ptx_only, {{"gpus", describe(gpu)}});
            else apply(GpuRule::ptx_unknown, {{"gpus", describe(gpu)}, {"isa", code.ptx_isa}});
        }
        say_without(without, too_new, running + unknown > 0, *deciding.front());
        if (verdict_.outcome == Outcome::usable) judge_other_libraries();
    }

    void say_without(const std::vector<GpuDevice>& without, const std::vector<GpuDevice>& too_new, bool another_runs,
                     const format::GpuLibrary& library) {
        auto names = [](const std::vector<GpuDevice>& gpus) {
            std::vector<std::string> out;
            for (const GpuDevice& gpu : gpus) out.push_back(with_compute(gpu));
            return counted(out);
        };
        if (!too_new.empty()) {
            const CodeFor code = code_for(needs_, too_new.front().compute);
            const std::string cuda = cuda_of(code), driver = driver_of_cuda(cuda);
            apply(another_runs ? GpuRule::ptx_too_new_for_some : GpuRule::ptx_too_new,
                  {{"gpus", describe(too_new)},
                   {"ptx_cuda", cuda},
                   {"upgrade_for_ptx",
                    driver.empty() ? "upgrade the driver to one of CUDA " + cuda : get_driver(driver, "upgrade to")}});
        }
        if (without.empty() || !unknown_.empty()) return; // what cannot be read may run there
        const GpuGeneration* g = generation_of(without.front().compute);
        apply(another_runs || !too_new.empty() ? GpuRule::no_code_for_some : GpuRule::no_code,
              {{"gpus", names(without)},
               {"library", library.path},
               {"suggest", suggest_build(needs_, without.front().compute, g ? g->last_branch : 0)}});
    }

    // Libraries that do not decide, and that have no code for a GPU.
    void judge_other_libraries() {
        for (std::size_t i = 0; i < facts_.devices.size(); ++i) {
            const GpuDevice& gpu = facts_.devices[i];
            const bool again =
                std::any_of(facts_.devices.begin(), facts_.devices.begin() + static_cast<std::ptrdiff_t>(i),
                            [&](const GpuDevice& g) { return g.compute == gpu.compute; });
            if (again || gpu.compute == 0 || code_for(needs_, gpu.compute).name.empty()) continue;
            std::vector<std::string> general, special;
            for (const format::GpuLibrary& library : needs_.gpu_libraries) {
                if (library.role == "framework" || !code_for(library, gpu.compute).name.empty()) continue;
                (library.role == "other" ? special : general).emplace_back(last_component(library.path));
            }
            if (!general.empty())
                apply(GpuRule::library_without_code, {{"gpus", with_compute(gpu)},
                                                      {"libraries", some_of(general, shown_names)},
                                                      {"suggest", suggest_build(needs_, gpu.compute, 0)}});
            if (!special.empty())
                apply(GpuRule::special_without_code,
                      {{"gpus", with_compute(gpu)}, {"libraries", some_of(special, shown_names)}});
        }
    }

    // ---- notes ------------------------------------------------------------------------------------------

    // "; code for it: sm_86 in libtorch_cuda.so"
    std::string code_words() const {
        std::vector<std::string> words;
        for (const GpuNumbers::Gpu& gpu : verdict_.numbers.gpus) {
            if (gpu.code.name.empty()) continue;
            std::string word = fmt::format("{}{} in {}", gpu.code.machine_code ? "" : "PTX ", gpu.code.name,
                                           last_component(gpu.code.library));
            if (std::ranges::find(words, word) == words.end()) words.push_back(std::move(word));
        }
        return words.empty() ? "" : fmt::format("; code for it: {}", fmt::join(words, ", "));
    }

    // Warnings only: another user, another shell or another cgroup may see the GPU.
    void say_what_may_fail() {
        if (facts_.wsl && facts_.module_version.empty()) apply(GpuRule::wsl);
        else if (facts_.control_errno == EACCES || facts_.control_errno == EPERM)
            apply(GpuRule::permission, {{"errno", facts_.control_errno == EACCES ? "EACCES" : "EPERM"}});
        else if (all_gpus([](const GpuDevice& g) { return g.denied; })) apply(GpuRule::denied);
        else if (facts_.control_errno == ENOENT) apply(GpuRule::no_nodes);
        else if (facts_.control_errno == ENXIO) apply(GpuRule::node_without_module);
        if (facts_.mig_instances > 0)
            apply(GpuRule::mig,
                  {{"instances",
                    facts_.mig_instances == 1 ? "one instance" : fmt::format("{} instances", facts_.mig_instances)}});
        if (facts_.uvm_errno == ENXIO) apply(GpuRule::no_uvm);
        // A container does not see the host's processes.
        if (facts_.nvswitches > 0 && !facts_.fabric_manager && facts_.container.empty())
            apply(GpuRule::no_fabric_manager);
        if (facts_.visible_devices && (facts_.visible_devices->empty() || facts_.visible_devices->starts_with('-')))
            apply(GpuRule::hidden, {{"value", *facts_.visible_devices}});
        if (!unknown_.empty()) apply(GpuRule::code_unknown);
        if (facts_.module_version.empty() || !needs_.cuda_major) return;
        apply(GpuRule::usable, {{"gpus", facts_.devices.empty() ? "NVIDIA GPU" : describe(facts_.devices)},
                                {"flavour", facts_.module_open ? " (open)" : ""},
                                {"of_cuda", driver_cuda_.empty() ? "" : " of CUDA " + driver_cuda_words_},
                                {"code", code_words()}});
    }

    // Only the driver is asked about: of a known CUDA that is enough.
    void refuse_unknown() {
        if (unknown_.empty() || (needs_.cuda_major && facts_.devices.empty())) return;
        apply(GpuRule::code_unknown_target);
    }

    void say_target() {
        std::vector<std::string> names;
        for (const GpuDevice& gpu : facts_.devices) names.push_back(gpu.compute ? with_compute(gpu) : describe(gpu));
        apply(GpuRule::target,
              {{"gpus", names.empty() ? "any GPU" : counted(names)},
               {"with_driver", facts_.module_version.empty() ? "" : " with driver " + values_["driver"]},
               {"code", code_words()}});
    }

    const GpuFacts& facts_;
    const format::Requirements& needs_;
    const GpuJudgeOptions& options_;
    const std::string unknown_; // unknown_gpu_code()
    std::string floor_, driver_cuda_, driver_cuda_words_;
    RuleValues values_;
    GpuVerdict verdict_;
};

} // namespace

std::string_view to_string(GpuVerdict::Outcome outcome) {
    switch (outcome) {
    case Outcome::not_needed:
        return "not needed";
    case Outcome::not_verified:
        return "not verified";
    case Outcome::usable:
        return "usable";
    case Outcome::refused:
        return "refused";
    }
    return "refused";
}

GpuVerdict judge_gpu(const GpuFacts& facts, const format::Requirements& needs, const GpuJudgeOptions& options) {
    return Judge(facts, needs, options).machine();
}

GpuVerdict judge_gpu_target(const GpuTarget& target, const format::Requirements& needs,
                            const GpuJudgeOptions& options) {
    GpuFacts facts;
    facts.devices = target.gpus;
    facts.module_version = newest_of_branch(target.driver);
    return Judge(facts, needs, options).target();
}

std::optional<int> api_of_compat_library(const GpuFacts& facts) {
    if (!facts.libcuda_compat) return std::nullopt;
    const std::string cuda = cuda_of_driver(facts.libcuda_version);
    const auto parts = split(cuda, '.');
    int major = 0, minor = 0;
    if (parts.size() != 2 || !parse_number(parts[0], major) || !parse_number(parts[1], minor)) return std::nullopt;
    return major * 1000 + minor * 10;
}

nlohmann::json to_json(const GpuNumbers& numbers) {
    nlohmann::json gpus = nlohmann::json::array();
    for (const GpuNumbers::Gpu& gpu : numbers.gpus)
        gpus.push_back({{"name", gpu.name},
                        {"compute_capability", gpu.compute ? compute_text(gpu.compute) : ""},
                        {"code", gpu.code.name},
                        {"library", gpu.code.library}});
    return {{"driver", numbers.driver},
            {"driver_cuda", numbers.driver_cuda},
            {"runtime", numbers.runtime},
            {"driver_floor", numbers.driver_floor},
            {"gpus", std::move(gpus)}};
}

} // namespace tinderbox::machine
