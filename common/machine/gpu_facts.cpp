#include "common/machine/gpu_facts.hpp"

#include "common/base/text.hpp"
#include "common/machine/gpu_chips.hpp"
#include "common/machine/gpu_table.hpp"
#include "common/machine/libraries.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>

extern char** environ;

namespace tinderbox::machine {
namespace {

using Environment = std::map<std::string, std::string>;

std::optional<std::uint32_t> hex_number(const SystemRoot& root, const std::string& path) {
    auto text = root.text(path, 64);
    return text ? parse_hex(*text) : std::nullopt;
}

void name_from_table(GpuDevice& gpu) {
    if (const GpuModel* model = find_gpu_model(gpu.id)) {
        gpu.name = model->name;
        gpu.compute = model->compute;
    } else if (const GpuChip* chip = find_gpu_chip(gpu.id)) {
        gpu.compute = chip->compute;
    }
}

// Adds the loaded driver's facts about this card. The table's name, which is shorter, wins over the driver's.
void ask_driver(const SystemRoot& root, GpuDevice& gpu) {
    auto text = root.text("/proc/driver/nvidia/gpus/" + gpu.address + "/information", 16384);
    if (!text) return;
    GpuInformation about = parse_gpu_information(*text);
    gpu.vgpu_profile = vgpu_profile_of(about.model);
    gpu.uuid = std::move(about.uuid);
    gpu.firmware = std::move(about.firmware);
    gpu.excluded = about.excluded;
    // A virtual GPU has the device id of the whole one, and a name of its own.
    if (!about.model.empty() && (gpu.name.empty() || !gpu.vgpu_profile.empty())) gpu.name = std::move(about.model);
    if (about.minor) gpu.denied = root.denied(fmt::format("/dev/nvidia{}", *about.minor));
}

void read_pci(const SystemRoot& root, GpuFacts& facts) {
    const std::string bus = "/sys/bus/pci/devices";
    auto addresses = root.entries(bus);
    if (addresses.size() > most_gpus) addresses.resize(most_gpus);
    for (const std::string& address : addresses) {
        const std::string device = bus + "/" + address;
        auto vendor = hex_number(root, device + "/vendor");
        auto kind = hex_number(root, device + "/class");
        if (!vendor || *vendor != 0x10de || !kind) continue;
        // 0x0680 is "other bridge": NVSwitch has that class (its PCI-to-PCI bridges have 0x0604).
        if (*kind >> 8 == 0x0680) ++facts.nvswitches;
        // 0x0300 is a VGA and 0x0302 a 3D controller; a card's other functions are audio, USB and bridges.
        if (*kind >> 8 != 0x0300 && *kind >> 8 != 0x0302) continue;
        GpuDevice gpu;
        gpu.address = printable_line(address, 32);
        gpu.id = static_cast<std::uint16_t>(hex_number(root, device + "/device").value_or(0));
        gpu.kernel_driver = printable_line(root.link_name(device + "/driver"), 64);
        name_from_table(gpu);
        ask_driver(root, gpu);
        facts.devices.push_back(std::move(gpu));
    }
}

bool nvidia_module_on_disk(const SystemRoot& root, const std::string& release) {
    if (release.empty()) return false;
    for (const char* lib : {"/lib/modules/", "/usr/lib/modules/"}) {
        const std::string base = lib + release;
        // depmod's index names the module wherever a distribution puts it; trees without an index are searched
        // by directory.
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
        return printable_line(name->second, 32);
    if (auto name = root.text("/run/systemd/container", 64)) return printable_line(*name, 32);
    if (auto cgroup = root.text("/proc/1/cgroup", 65536))
        for (const auto& [mark, name] : {std::pair{"/docker", "docker"},
                                         {"/kubepods", "kubernetes"},
                                         {"/libpod", "podman"},
                                         {"/lxc", "lxc"},
                                         {"/containerd", "containerd"}})
            if (cgroup->find(mark) != std::string::npos) return name;
    return {};
}

int count_mig_instances(const SystemRoot& root) {
    // /proc/driver/nvidia/capabilities/gpu0/mig/gi7/…: one directory for each GPU instance.
    const std::string base = "/proc/driver/nvidia/capabilities";
    int count = 0;
    for (const std::string& gpu : root.entries(base)) {
        if (!gpu.starts_with("gpu")) continue;
        for (const std::string& instance : root.entries(base + "/" + gpu + "/mig"))
            if (instance.starts_with("gi")) ++count;
    }
    return count;
}

void read_device_nodes(const SystemRoot& root, GpuFacts& facts) {
    facts.control_errno = root.open_errno("/dev/nvidiactl");
    for (const std::string& name : root.entries("/dev"))
        if (name.size() > 6 && name.starts_with("nvidia") && name[6] >= '0' && name[6] <= '9')
            facts.device_nodes = true;
    facts.uvm_node = root.exists("/dev/nvidia-uvm");
    facts.uvm_errno = root.open_errno("/dev/nvidia-uvm");
    facts.mig_capabilities = root.exists("/dev/nvidia-caps");
    facts.mig_instances = count_mig_instances(root);
    facts.wsl = root.exists("/dev/dxg");
}

// "5.15.153.1-microsoft-standard-WSL2" and "4.4.0-19041-Microsoft".
int wsl_version_of(std::string_view release) {
    const std::string lower = to_lower(release);
    if (lower.find("microsoft") == std::string::npos) return 0;
    return lower.find("wsl2") != std::string::npos || lower.find("microsoft-standard") != std::string::npos ? 2 : 1;
}

bool runs(const SystemRoot& root, std::string_view command) {
    for (const std::string& name : root.entries("/proc")) {
        if (name.empty() || name[0] < '1' || name[0] > '9') continue;
        auto comm = root.text("/proc/" + name + "/comm", 64);
        if (comm && trim(*comm) == command) return true;
    }
    return false;
}

// The hypervisor's driver shows by its module, a guest's GPU by its name.
void read_virtualization(const SystemRoot& root, GpuFacts& facts) {
    facts.vgpu_host = root.exists("/sys/module/nvidia_vgpu_vfio");
    // The command is "nv-fabricmanager", which the kernel shortens to 15 bytes.
    if (facts.nvswitches > 0) facts.fabric_manager = runs(root, "nv-fabricmanage");
}

void read_jetson(const SystemRoot& root, GpuFacts& facts) {
    auto compatible = root.text("/proc/device-tree/compatible", 1024);
    if (!compatible) return;
    // NUL-separated: "nvidia,p3737-0000+p3701-0000\0nvidia,tegra234\0".
    for (std::string_view word : split(*compatible, '\0')) {
        constexpr std::string_view stem = "nvidia,tegra";
        if (!word.starts_with(stem)) continue;
        facts.tegra = printable_line(word.substr(std::string_view("nvidia,").size()), 32);
        auto model = root.text("/proc/device-tree/model", 256);
        facts.jetson = model ? printable_line(std::string_view(*model).substr(0, model->find('\0'))) : facts.tegra;
        if (facts.jetson.empty()) facts.jetson = facts.tegra;
    }
}

// Tools that switch a laptop to its other GPU, and administrators, keep the module from loading.
std::string blacklist_of(const SystemRoot& root) {
    for (const std::string directory : {"/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"})
        for (const std::string& name : root.entries(directory)) {
            if (!name.ends_with(".conf")) continue;
            auto text = root.text(directory + "/" + name, 65536);
            if (!text) continue;
            for (std::string_view line : split_lines(*text)) {
                std::string words;
                for (std::string_view word : split(line, ' '))
                    if (word = trim(word); !word.empty()) words += (words.empty() ? "" : " ") + std::string(word);
                if (words == "blacklist nvidia" || words == "install nvidia /bin/false" ||
                    words == "install nvidia /bin/true")
                    return printable_line(directory + "/" + name);
            }
        }
    return {};
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
    // These are outside of the loader's path. Containers, WSL and NixOS use them, and set the path
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
    if (auto bytes = root.text(facts.libcuda_file, 64)) {
        std::error_code error;
        const auto size = fs::file_size(root.at(facts.libcuda_file), error);
        facts.libcuda_defect = library_defect(*bytes, error ? 0 : size);
    }
    std::string file = fs::path(facts.libcuda_file).filename().string();
    constexpr std::string_view stem = "libcuda.so.";
    if (file.starts_with(stem) && file.find('.', stem.size()) != std::string::npos)
        facts.libcuda_version = file.substr(stem.size());
    facts.libcuda_stub = facts.libcuda.find("/stubs/") != std::string::npos;
    facts.libcuda_compat =
        facts.libcuda.find("/compat/") != std::string::npos || facts.libcuda_file.find("/compat/") != std::string::npos;
}

} // namespace

std::map<std::string, std::string> user_environment() {
    constexpr std::string_view saved = "TINDERBOX_USER_";
    std::map<std::string, std::string> out;
    for (char** entry = environ; *entry; ++entry) {
        std::string_view text = *entry;
        auto equals = text.find('=');
        if (equals == std::string_view::npos) continue;
        std::string_view name = text.substr(0, equals), value = text.substr(equals + 1);
        if (name.starts_with(saved)) out.insert_or_assign(std::string(name.substr(saved.size())), std::string(value));
        else if (!name.starts_with("TINDERBOX_")) out.emplace(name, value);
    }
    return out;
}

GpuFacts read_gpu_facts(const SystemRoot& root, const Environment& environment) {
    GpuFacts facts;
    read_pci(root, facts);
    if (auto release = root.text("/proc/sys/kernel/osrelease", 256))
        facts.kernel_release = printable_line(*release, 128);
    facts.wsl_version = wsl_version_of(facts.kernel_release);
    if (auto text = root.text("/proc/driver/nvidia/version", 4096)) {
        facts.module_version = version_of_nvrm(*text);
        facts.module_open = text->find("Open Kernel Module") != std::string::npos;
    }
    if (facts.module_version.empty())
        if (auto text = root.text("/sys/module/nvidia/version", 256)) facts.module_version = version_of_module(*text);
    facts.nouveau_loaded = root.exists("/sys/module/nouveau");
    facts.module_on_disk = !facts.module_version.empty() || nvidia_module_on_disk(root, facts.kernel_release);
    facts.secure_boot = read_secure_boot(root);
    if (facts.module_version.empty()) facts.blacklisted_by = blacklist_of(root);
    read_device_nodes(root, facts);
    read_virtualization(root, facts);
    read_jetson(root, facts);
    find_libcuda(root, environment, facts);
    facts.container = detect_container(root, environment);
    if (auto visible = environment.find("CUDA_VISIBLE_DEVICES"); visible != environment.end())
        facts.visible_devices = printable_line(visible->second, 200);
    return facts;
}

nlohmann::json to_json(const GpuDevice& gpu) {
    nlohmann::json out = {
        {"address", gpu.address},
        {"pci_id", fmt::format("10de:{:04x}", gpu.id)},
        {"name", gpu.name},
        {"compute_capability", gpu.compute ? fmt::format("{}.{}", gpu.compute / 10, gpu.compute % 10) : ""},
        {"kernel_driver", gpu.kernel_driver}};
    // Rare facts are left out where they are false or empty.
    if (!gpu.uuid.empty()) out["uuid"] = gpu.uuid;
    if (!gpu.firmware.empty()) out["firmware"] = gpu.firmware;
    if (!gpu.vgpu_profile.empty()) out["vgpu_profile"] = gpu.vgpu_profile;
    if (gpu.excluded) out["excluded"] = true;
    if (gpu.denied) out["denied"] = true;
    return out;
}

nlohmann::json to_json(const GpuFacts& facts) {
    nlohmann::json devices = nlohmann::json::array();
    for (const GpuDevice& gpu : facts.devices) devices.push_back(to_json(gpu));
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
                          {"mig_instances", facts.mig_instances},
                          {"table_version", gpu_table_version}};
    if (facts.secure_boot) out["secure_boot"] = *facts.secure_boot;
    if (!facts.libcuda_defect.empty()) out["libcuda_defect"] = facts.libcuda_defect;
    if (facts.nvswitches > 0) {
        out["nvswitches"] = facts.nvswitches;
        out["fabric_manager"] = facts.fabric_manager;
    }
    if (facts.vgpu_host) out["vgpu_host"] = true;
    if (facts.wsl_version > 0) out["wsl_version"] = facts.wsl_version;
    if (!facts.blacklisted_by.empty()) out["blacklisted_by"] = facts.blacklisted_by;
    if (!facts.jetson.empty()) out["jetson"] = {{"model", facts.jetson}, {"chip", facts.tegra}};
    return out;
}

} // namespace tinderbox::machine
