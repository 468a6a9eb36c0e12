#include "common/machine/gpu_facts.hpp"

#include "common/base/text.hpp"
#include "common/machine/gpu_table.hpp"
#include "common/machine/libraries.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>

extern char** environ;

namespace tinderbox {
namespace {

using Environment = std::map<std::string, std::string>;

std::optional<std::uint32_t> hex_number(const SystemRoot& root, const std::string& path) {
    auto text = root.text(path, 64);
    if (!text) return std::nullopt;
    std::string_view digits = trim(*text);
    if (digits.starts_with("0x")) digits.remove_prefix(2);
    std::uint32_t value = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end == digits.data()) return std::nullopt;
    return value;
}

std::vector<GpuDevice> read_pci(const SystemRoot& root) {
    std::vector<GpuDevice> out;
    const std::string bus = "/sys/bus/pci/devices";
    for (const std::string& address : root.entries(bus)) {
        const std::string device = bus + "/" + address;
        auto vendor = hex_number(root, device + "/vendor");
        auto kind = hex_number(root, device + "/class");
        // 0x0300 VGA and 0x0302 3D controllers; the rest of a card (audio, USB, bridges) is no GPU.
        if (!vendor || *vendor != 0x10de || !kind || ((*kind >> 8) != 0x0300 && (*kind >> 8) != 0x0302))
            continue;
        GpuDevice gpu;
        gpu.address = address;
        gpu.id = static_cast<std::uint16_t>(hex_number(root, device + "/device").value_or(0));
        gpu.kernel_driver = root.link_name(device + "/driver");
        if (const GpuModel* model = find_gpu_model(gpu.id)) {
            gpu.name = model->name;
            gpu.compute = model->compute;
        }
        out.push_back(std::move(gpu));
    }
    return out;
}

bool nvidia_module_on_disk(const SystemRoot& root, const std::string& release) {
    if (release.empty()) return false;
    for (const char* lib : {"/lib/modules/", "/usr/lib/modules/"}) {
        const std::string base = lib + release;
        // The index of depmod names the module wherever a distribution puts it; the directories are for trees
        // without one.
        if (auto index = root.text(base + "/modules.dep", 32u << 20))
            if (index->find("/nvidia.ko") != std::string::npos ||
                index->find("/nvidia-current.ko") != std::string::npos)
                return true;
        for (const char* place :
             {"/updates/dkms", "/extra", "/extra/nvidia", "/kernel/drivers/video", "/kernel/nvidia"})
            for (const char* end : {"/nvidia.ko", "/nvidia.ko.xz", "/nvidia.ko.zst", "/nvidia.ko.gz"})
                if (root.exists(base + place + end)) return true;
    }
    return false;
}

std::optional<bool> read_secure_boot(const SystemRoot& root) {
    const std::string directory = "/sys/firmware/efi/efivars";
    for (const std::string& name : root.entries(directory)) {
        if (!name.starts_with("SecureBoot-")) continue;
        // Four bytes of attributes, then the value.
        auto bytes = root.text(directory + "/" + name, 16);
        if (bytes && bytes->size() >= 5) return (*bytes)[4] == 1;
    }
    return std::nullopt;
}

std::string detect_container(const SystemRoot& root, const Environment& environment) {
    if (root.exists("/.dockerenv")) return "docker";
    if (root.exists("/run/.containerenv")) return "podman";
    if (environment.contains("KUBERNETES_SERVICE_HOST")) return "kubernetes";
    if (environment.contains("APPTAINER_CONTAINER") || environment.contains("SINGULARITY_CONTAINER"))
        return "apptainer";
    if (auto name = environment.find("container"); name != environment.end() && !name->second.empty())
        return name->second;
    if (auto name = root.text("/run/systemd/container", 64)) return std::string(trim(*name));
    if (auto cgroup = root.text("/proc/1/cgroup", 65536))
        for (const auto& [mark, name] : {std::pair{"/docker", "docker"},
                                         {"/kubepods", "kubernetes"},
                                         {"/libpod", "podman"},
                                         {"/lxc", "lxc"},
                                         {"/containerd", "containerd"}})
            if (cgroup->find(mark) != std::string::npos) return name;
    return {};
}

void read_device_nodes(const SystemRoot& root, GpuFacts& facts) {
    facts.control_errno = root.open_errno("/dev/nvidiactl");
    for (const std::string& name : root.entries("/dev"))
        if (name.size() > 6 && name.starts_with("nvidia") && name[6] >= '0' && name[6] <= '9')
            facts.device_nodes = true;
    facts.uvm_node = root.exists("/dev/nvidia-uvm");
    facts.mig_capabilities = root.exists("/dev/nvidia-caps");
    facts.wsl = root.exists("/dev/dxg");
}

std::vector<std::string> library_path(const Environment& environment) {
    std::vector<std::string> out;
    auto value = environment.find("LD_LIBRARY_PATH");
    if (value != environment.end())
        for (std::string_view part : split(value->second, ':'))
            if (part.starts_with('/')) out.emplace_back(part);
    return out;
}

void find_libcuda(const SystemRoot& root, const Environment& environment, GpuFacts& facts) {
    LibraryIndex index(root);
    facts.libcuda = index.find("libcuda.so.1", library_path(environment));
    // Not in the loader's path, but known to be used by containers, WSL and NixOS, which set the path
    // themselves.
    if (facts.libcuda.empty())
        for (const char* directory : {"/usr/lib/wsl/lib", "/usr/local/nvidia/lib64", "/usr/local/nvidia/lib",
                                      "/usr/lib/nvidia", "/usr/lib64/nvidia", "/run/opengl-driver/lib"})
            if (std::string path = std::string(directory) + "/libcuda.so.1"; root.exists(path)) {
                facts.libcuda = path;
                break;
            }
    if (facts.libcuda.empty()) return;
    facts.libcuda_file = root.resolve(facts.libcuda);
    std::string file = fs::path(facts.libcuda_file).filename().string();
    constexpr std::string_view stem = "libcuda.so.";
    if (file.starts_with(stem) && file.find('.', stem.size()) != std::string::npos)
        facts.libcuda_version = file.substr(stem.size());
    facts.libcuda_stub = facts.libcuda.find("/stubs/") != std::string::npos;
    facts.libcuda_compat = facts.libcuda.find("/compat/") != std::string::npos ||
                           facts.libcuda_file.find("/compat/") != std::string::npos;
}

} // namespace

std::string version_of_nvrm(std::string_view text) {
    auto lines = split_lines(text);
    if (lines.empty() || !lines[0].starts_with("NVRM version:")) return {};
    // The first word of digits and at least one dot is the version; "x86_64" is not.
    for (std::string_view word : split(lines[0], ' ')) {
        bool digits = !word.empty() && word.find('.') != std::string_view::npos &&
                      word.find_first_not_of("0123456789.") == std::string_view::npos;
        if (digits) return std::string(word);
    }
    return {};
}

std::map<std::string, std::string> user_environment() {
    constexpr std::string_view saved = "TINDERBOX_USER_";
    std::map<std::string, std::string> out;
    for (char** entry = environ; *entry; ++entry) {
        std::string_view text = *entry;
        auto equals = text.find('=');
        if (equals == std::string_view::npos) continue;
        std::string_view name = text.substr(0, equals), value = text.substr(equals + 1);
        if (name.starts_with(saved))
            out.insert_or_assign(std::string(name.substr(saved.size())), std::string(value));
        else if (!name.starts_with("TINDERBOX_"))
            out.emplace(name, value);
    }
    return out;
}

GpuFacts read_gpu_facts(const SystemRoot& root, const Environment& environment) {
    GpuFacts facts;
    facts.devices = read_pci(root);
    if (auto release = root.text("/proc/sys/kernel/osrelease", 256)) facts.kernel_release = trim(*release);
    if (auto text = root.text("/proc/driver/nvidia/version", 4096)) {
        facts.module_version = version_of_nvrm(*text);
        facts.module_open = text->find("Open Kernel Module") != std::string::npos;
    }
    if (facts.module_version.empty())
        if (auto text = root.text("/sys/module/nvidia/version", 256)) facts.module_version = trim(*text);
    facts.nouveau_loaded = root.exists("/sys/module/nouveau");
    facts.module_on_disk = !facts.module_version.empty() || nvidia_module_on_disk(root, facts.kernel_release);
    facts.secure_boot = read_secure_boot(root);
    read_device_nodes(root, facts);
    find_libcuda(root, environment, facts);
    facts.container = detect_container(root, environment);
    if (auto visible = environment.find("CUDA_VISIBLE_DEVICES"); visible != environment.end())
        facts.visible_devices = visible->second;
    return facts;
}

nlohmann::json to_json(const GpuFacts& facts) {
    nlohmann::json devices = nlohmann::json::array();
    for (const GpuDevice& gpu : facts.devices)
        devices.push_back({{"address", gpu.address},
                           {"pci_id", fmt::format("10de:{:04x}", gpu.id)},
                           {"name", gpu.name},
                           {"compute_capability",
                            gpu.compute ? fmt::format("{}.{}", gpu.compute / 10, gpu.compute % 10) : ""},
                           {"kernel_driver", gpu.kernel_driver}});
    nlohmann::json out = {{"devices", std::move(devices)},
                          {"driver", facts.module_version},
                          {"driver_kind", facts.module_version.empty() ? ""
                                          : facts.module_open          ? "open"
                                                                       : "proprietary"},
                          {"driver_cuda", cuda_of_driver(facts.module_version)},
                          {"libcuda", facts.libcuda_file},
                          {"libcuda_version", facts.libcuda_version},
                          {"container", facts.container},
                          {"wsl", facts.wsl},
                          {"mig", facts.mig_capabilities},
                          {"table_version", gpu_table_version}};
    if (facts.secure_boot) out["secure_boot"] = *facts.secure_boot;
    return out;
}

} // namespace tinderbox
