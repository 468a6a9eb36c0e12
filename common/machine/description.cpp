#include "common/machine/description.hpp"

#include "common/base/input_file.hpp"
#include "common/base/units.hpp"
#include "common/machine/driver_texts.hpp"

#include <algorithm>
#include <iterator>

namespace tinderbox::machine {
namespace {

// The variable `container` may hold any text of a user's; these are names of programs.
constexpr std::string_view container_names[] = {"docker", "podman", "kubernetes", "apptainer",     "lxc",
                                                "oci",    "rkt",    "containerd", "systemd-nspawn"};

// With 16,000 files and their hashes a description has some 2 MB.
constexpr std::uint64_t description_limit = 64u << 20;

// What is no fact about the machine but about whose it is, or where it keeps its files.
void leave_out_identity(GpuFacts& gpu) {
    for (GpuDevice& device : gpu.devices) {
        device.address.clear();
        device.uuid.clear();
        device.firmware.clear();
        device.id = 0;
    }
    if (!gpu.libcuda.empty()) gpu.libcuda = "libcuda.so.1";
    gpu.libcuda_file.clear();
    if (!gpu.blacklisted_by.empty()) gpu.blacklisted_by = "modprobe.d";
    if (!gpu.container.empty() && std::ranges::find(container_names, gpu.container) == std::end(container_names))
        gpu.container = "container";
    // Its words may be the UUIDs of GPUs. Only a value that hides all of them is judged.
    if (auto& visible = gpu.visible_devices; visible) {
        if (visible->starts_with('-')) *visible = "-1";
        else if (!visible->empty()) visible.reset();
    }
}

} // namespace

Description describe_machine(const SystemRoot& root, const std::map<std::string, std::string>& environment) {
    Description out;
    out.gpu = read_gpu_facts(root, environment);
    out.machine = read_machine_facts(root, {}, environment);
    // uname is always that of the running kernel, and the tree may be another machine's.
    if (!root.is_host() || !out.gpu.kernel_release.empty()) out.machine.kernel = out.gpu.kernel_release;
    out.machine.glibc_path = out.machine.glibc_path.empty() ? "" : "libc.so.6";
    out.distribution = read_distribution(root, out.gpu.kernel_release);
    out.host = read_host_facts(root);
    out.host.name.clear();
    leave_out_identity(out.gpu);
    return out;
}

Result<Description> read_description(const std::string& path) {
    TRY_ASSIGN(const std::string text, read_input(path, description_limit));
    return parse_description(text, path == "-" ? "standard input" : path);
}

std::string platform_of(const MachineFacts& machine) {
    return machine.processor == "x86_64" ? "linux-64" : "linux-" + machine.processor;
}

std::vector<Finding> judge_place(const Description& description, const format::InstallInfo& needs,
                                 const NamesCollide& names_collide) {
    if (!description.place) return {};
    return judge_file_system(*description.place, "the described place", needs, names_collide);
}

std::vector<Finding> judge_description(const Description& description, const format::Manifest& manifest,
                                       const std::optional<format::InstallInfo>& needs,
                                       const NamesCollide& names_collide) {
    std::vector<Finding> out = judge_machine(description.machine, manifest);
    if (const auto& libraries = manifest.requires_.libraries; !libraries.empty())
        out.push_back({"library-unknown", Severity::warning, ErrorKind::machine,
                       fmt::format("the environment's Python needs {} of the system, and a description does not tell "
                                   "which ones its machine has",
                                   counted(libraries.size(), "library")),
                       "run the installer there with --check"});
    if (needs) std::ranges::move(judge_place(description, *needs, names_collide), std::back_inserter(out));
    GpuJudgeOptions options;
    options.distribution = description.distribution;
    options.machine = description.machine.processor;
    options.override_advice.clear();
    options.driver_api = [&] { return api_of_compat_library(description.gpu); };
    std::ranges::move(judge_gpu(description.gpu, manifest.requires_, options).findings, std::back_inserter(out));
    return out;
}

} // namespace tinderbox::machine
