#include "generator/advise/described.hpp"

#include "common/base/text.hpp"
#include "common/base/version_order.hpp"
#include "common/machine/gpu_table.hpp"
#include "generator/advise/target.hpp"

#include <algorithm>

namespace tinderbox::advise {
namespace {

void take_lower(std::string& lowest, const std::string& version) {
    if (version.empty()) return;
    if (lowest.empty() || compare_versions(version, lowest) < 0) lowest = version;
}

// CEP 30: the numbers at the beginning of the kernel's release, four at most. "5.15.0" of "5.15.0-91-generic".
std::string kernel_version(const std::string& release) {
    std::string_view numbers = std::string_view(release).substr(0, release.find_first_not_of("0123456789."));
    while (numbers.ends_with('.')) numbers.remove_suffix(1);
    const auto parts = split(numbers, '.');
    if (parts.size() < 2 || !is_dotted_number(numbers)) return {};
    return fmt::format(
        "{}", fmt::join(parts.begin(),
                        parts.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(parts.size(), 4)), "."));
}

// A cuda-compat library offers more than its driver.
std::string offered_driver(const machine::GpuFacts& gpu) {
    const bool newer = gpu.libcuda_compat && machine::is_driver_version(gpu.libcuda_version) &&
                       compare_versions(gpu.libcuda_version, gpu.module_version) > 0;
    return newer && !gpu.module_version.empty() ? gpu.libcuda_version : gpu.module_version;
}

// CEP 46: the lowest compute capability of all GPUs. "": there are none, or one is not known.
std::string lowest_compute(const std::vector<machine::GpuDevice>& gpus) {
    if (gpus.empty()) return {};
    const int lowest = std::ranges::min(gpus, {}, &machine::GpuDevice::compute).compute;
    return lowest == 0 ? "" : machine::compute_text(lowest);
}

template <class Judge>
Result<std::vector<machine::Finding>> judge_each(const std::vector<DescribedMachine>& machines, Judge judge) {
    std::vector<machine::Finding> all;
    for (const auto& [file, description] : machines)
        for (machine::Finding& finding : judge(description)) {
            finding.sentence = fmt::format("{}: {}", file, finding.sentence);
            all.push_back(std::move(finding));
        }
    return refuse_errors(std::move(all));
}

} // namespace

Result<std::vector<DescribedMachine>> read_machines(const std::vector<std::string>& files) {
    std::vector<DescribedMachine> out;
    for (const std::string& file : files) {
        TRY_ASSIGN(machine::Description description, machine::read_description(file).in("--target"));
        out.push_back({file, std::move(description)});
        const std::string& first = out.front().description.machine.processor;
        const std::string& this_one = out.back().description.machine.processor;
        if (first != this_one)
            return make_error(ErrorKind::usage,
                              "--target: '{}' describes a machine with {}, and '{}' one with {}; build once for each",
                              out.front().file, first, file, this_one);
    }
    return out;
}

Status check_processor(const std::vector<DescribedMachine>& machines, const std::string& platform) {
    for (const DescribedMachine& one : machines) {
        const std::string described = machine::platform_of(one.description.machine);
        if (described != platform)
            return make_error(
                ErrorKind::usage,
                "--target: '{}' describes a machine with {}, and this build is for {}; add --platform {}, "
                "or leave that machine away",
                one.file, one.description.machine.processor, platform, described);
    }
    return {};
}

CommonTarget common_target(const machine::GpuTarget& named, const std::vector<DescribedMachine>& machines) {
    CommonTarget out;
    out.gpu = named;
    if (!out.gpu.driver.empty()) out.gpu.driver = machine::newest_of_branch(out.gpu.driver);
    out.has_gpu = !named.gpus.empty() || !named.driver.empty();
    std::string kernel;
    int level = machines.empty() ? 0 : 4;
    for (const auto& [file, description] : machines) {
        const machine::GpuFacts& gpu = description.gpu;
        out.gpu.gpus.insert(out.gpu.gpus.end(), gpu.devices.begin(), gpu.devices.end());
        take_lower(out.gpu.driver, offered_driver(gpu));
        out.has_gpu = out.has_gpu || !gpu.devices.empty() || !gpu.module_version.empty() || gpu.wsl;
        take_lower(out.glibc, description.machine.glibc);
        take_lower(kernel, kernel_version(description.machine.kernel));
        level = std::min(level, description.machine.cpu_level); // 0: not known, so it is not relied on
    }
    if (!kernel.empty()) out.virtuals["__linux"] = kernel;
    if (level > 1) out.virtuals["__archspec"] = fmt::format("1=x86_64_v{}", level);
    if (const std::string compute = lowest_compute(out.gpu.gpus); !compute.empty())
        out.virtuals["__cuda_arch"] = compute;
    return out;
}

Result<std::vector<machine::Finding>> check_machines(const std::vector<DescribedMachine>& machines,
                                                     const format::Manifest& manifest,
                                                     const std::optional<format::InstallInfo>& needs,
                                                     const machine::NamesCollide& names_collide) {
    return judge_each(machines, [&](const machine::Description& description) {
        return machine::judge_description(description, manifest, needs, names_collide);
    });
}

Result<std::vector<machine::Finding>> check_places(const std::vector<DescribedMachine>& machines,
                                                   const format::InstallInfo& needs) {
    return judge_each(
        machines, [&](const machine::Description& description) { return machine::judge_place(description, needs); });
}

} // namespace tinderbox::advise
