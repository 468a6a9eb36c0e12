// The rules about GPUs and drivers as one table, for build --target-gpu, doctor, preflight and the report.
// gpu_verdict.cpp decides on the rules that apply, and passes the values for the {names} in their texts.
// docs/inside/gpu.md prints the table, and has a section for each id. Thread-safe.
#pragma once

#include "common/machine/finding.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace tinderbox::machine {

enum class GpuRule {
    none,
    container,
    wsl1,
    wsl_no_gpu,
    jetson,
    vgpu_host,
    vgpu_profile,
    excluded,
    excluded_some,
    mig,
    vfio,
    nouveau,
    nouveau_driver_installed,
    nova,
    secure_boot,
    module_blacklisted,
    module_not_loaded,
    no_driver, // what is there
    no_libcuda,
    libcuda_broken,
    stub_library,
    driver_mismatch, // user space
    no_driver_exists,
    driver_unsuitable,
    driver_too_old,
    compat, // driver ≥ runtime
    unknown_model,
    no_code,
    no_code_for_some,
    ptx_only,
    ptx_too_new,
    ptx_too_new_for_some,
    ptx_unknown,
    library_without_code,
    special_without_code,
    code_unknown,
    code_unknown_target, // runtime ≥ GPU
    wsl,
    permission,
    denied,
    no_nodes,
    node_without_module,
    no_uvm,
    no_fabric_manager,
    hidden,
    usable,
    target, // the last one: gpu_rules.cpp counts up to it
};

struct GpuRuleRow {
    GpuRule rule;
    std::string_view id; // stable; two rows may share one where only the advice differs
    Severity severity;
    std::string_view sentence, advice;
};
std::span<const GpuRuleRow> gpu_rules();
const GpuRuleRow& row_of(GpuRule rule);

using RuleValues = std::map<std::string, std::string, std::less<>>;
// The text with each {name} replaced; a name without a value stays as it is.
std::string fill_in(std::string_view text, const RuleValues& values);

// "docs/inside/gpu.md#gpu-nouveau"
std::string docs_anchor(std::string_view rule_id);

} // namespace tinderbox::machine
