// The members of a description, written and read side by side.
#include "common/base/json_cost.hpp"
#include "common/base/number.hpp"
#include "common/base/text.hpp"
#include "common/base/version_order.hpp"
#include "common/base/visible.hpp"
#include "common/format/json_fields.hpp"
#include "common/machine/description.hpp"
#include "common/machine/driver_texts.hpp"
#include "common/machine/gpu_table.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>

namespace tinderbox::machine {
namespace {

using nlohmann::json;

constexpr std::string_view describe_again = "describe the machine again: sh NAME.run --describe";

// The words for the errno of opening a device node.
struct OpeningRow {
    int number;
    std::string_view word;
};
constexpr OpeningRow openings[] = {
    {0, "opens"},  {ENOENT, "missing"}, {ENXIO, "no device"}, {EACCES, "no permission"}, {EPERM, "not permitted"},
    {EIO, "fails"}}; // the last one: any other

std::string_view opening_word(int number) {
    auto row = std::ranges::find(openings, number, &OpeningRow::number);
    return row == std::end(openings) ? std::rbegin(openings)->word : row->word;
}

// ---- writing --------------------------------------------------------------------------------------------

std::string shown(std::string_view text, std::size_t limit = 64) { return visible(printable_line(text, limit)); }

void add_text(json& to, const char* key, std::string_view text, std::size_t limit = 64) {
    if (std::string value = shown(text, limit); !value.empty()) to[key] = std::move(value);
}
void add_flag(json& to, const char* key, bool value) {
    if (value) to[key] = true;
}
template <class Number> void add_number(json& to, const char* key, Number value) {
    if (value != 0) to[key] = value;
}
template <class Number> void add_number(json& to, const char* key, const std::optional<Number>& value) {
    if (value) to[key] = *value;
}
void add_object(json& to, const char* key, json object) {
    if (!object.empty()) to[key] = std::move(object);
}

json gpus_json(const std::vector<GpuDevice>& devices) {
    json out = json::array();
    for (const GpuDevice& gpu : devices) {
        json one = json::object();
        add_text(one, "name", gpu.name);
        if (gpu.compute) one["compute_capability"] = compute_text(gpu.compute);
        add_number(one, "memory_bytes", gpu.memory_bytes);
        add_text(one, "kernel_driver", gpu.kernel_driver);
        add_text(one, "vgpu_profile", gpu.vgpu_profile);
        add_flag(one, "excluded", gpu.excluded);
        add_flag(one, "denied", gpu.denied);
        auto same = std::ranges::find_if(out, [&](json other) {
            other.erase("count");
            return other == one;
        });
        if (same != out.end()) {
            (*same)["count"] = (*same)["count"].get<int>() + 1;
            continue;
        }
        one["count"] = 1;
        out.push_back(std::move(one));
    }
    return out;
}

std::string_view driver_kind(const GpuFacts& gpu) {
    auto bound = [&](std::string_view driver) {
        return std::ranges::any_of(gpu.devices,
                                   [&](const GpuDevice& g) { return g.kernel_driver.starts_with(driver); });
    };
    if (!gpu.module_version.empty()) return gpu.module_open ? "open" : "proprietary";
    if (gpu.wsl) return "windows";
    if (bound("nouveau")) return "nouveau";
    if (bound("nova")) return "nova";
    if (bound("vfio-pci")) return "vfio-pci";
    return gpu.module_on_disk ? "not loaded" : "none";
}

json driver_json(const GpuFacts& gpu) {
    json out = {{"kind", driver_kind(gpu)}};
    add_text(out, "version", gpu.module_version);
    add_text(out, "cuda", cuda_of_driver(gpu.module_version));
    add_flag(out, "installed", gpu.module_version.empty() && gpu.module_on_disk);
    add_flag(out, "blacklisted", !gpu.blacklisted_by.empty());
    add_flag(out, "vgpu_host", gpu.vgpu_host);
    if (gpu.control_errno != ENOENT) out["control"] = opening_word(gpu.control_errno);
    if (gpu.uvm_errno != ENOENT) out["uvm"] = opening_word(gpu.uvm_errno);
    add_flag(out, "nodes", gpu.device_nodes);
    if (gpu.libcuda.empty()) return out;
    json library = json::object();
    add_text(library, "version", gpu.libcuda_version);
    add_text(library, "defect", gpu.libcuda_defect, 120);
    add_flag(library, "stub", gpu.libcuda_stub);
    add_flag(library, "compat", gpu.libcuda_compat);
    out["libcuda"] = std::move(library);
    return out;
}

json place_json(const FileSystemFacts& place) {
    json out = {{"free_bytes", place.free_bytes}};
    add_text(out, "file_system", place.file_system);
    add_number(out, "free_inodes", place.free_inodes);
    add_number(out, "quota_bytes", place.quota_bytes);
    add_number(out, "quota_inodes", place.quota_inodes);
    add_flag(out, "read_only", place.read_only);
    add_flag(out, "noexec", place.noexec);
    add_flag(out, "folds_case", place.folds_case);
    add_flag(out, "no_symlinks", place.no_symlinks);
    return out;
}

json distribution_json(const Distribution& distribution) {
    json out = json::object();
    add_text(out, "name", distribution.name);
    add_text(out, "id", distribution.id, 32);
    add_text(out, "version", distribution.version, 32);
    add_text(out, "family", distribution.family, 32);
    add_flag(out, "repositories", distribution.repositories);
    add_flag(out, "driver_repository", distribution.driver_repository);
    add_flag(out, "kernel_headers", distribution.headers);
    return out;
}

// ---- reading --------------------------------------------------------------------------------------------

// Fields of one object of the document. Texts are short and visible: they are shown, and written into sentences.
class Fields : public format::JsonFields {
  public:
    Fields(const json& object, const std::string& where)
        : JsonFields(object, where, std::string(describe_again)), where_(where) {}

    std::string line(const char* key) {
        std::string out;
        text(key, out);
        if (out.size() > 240 || !is_visible(out)) {
            wrong(key, "one short line of visible text");
            out.clear();
        }
        return out;
    }
    // `good` says whether a text is such a version.
    std::string version(const char* key, bool (*good)(std::string_view), const char* example) {
        std::string out = line(key);
        if (out.empty() || good(out)) return out;
        fail(fmt::format("'{}' is '{}', which is no such version (for instance {})", key, out, example));
        return {};
    }
    bool flag_at(const char* key) {
        bool out = false;
        flag(key, out);
        return out;
    }
    template <class Integer> std::optional<Integer> number(const char* key, Integer most) {
        const json* found = value(key);
        if (!found) return std::nullopt;
        Integer out{};
        integer(key, out);
        if (out >= 0 && out <= most) return out;
        fail(fmt::format("'{}' is {}, which is no number from 0 to {}", key, found->dump(), most));
        return std::nullopt;
    }
    int opening(const char* key) {
        const std::string word = line(key);
        if (word.empty()) return ENOENT;
        auto row = std::ranges::find(openings, word, &OpeningRow::word);
        if (row != std::end(openings)) return row->number;
        fail(fmt::format("'{}' is '{}', and not opens, missing, no device, no permission, not permitted or fails", key,
                         word));
        return ENOENT;
    }
    // The fields of an object in this one are read, if it is there.
    template <class Read> void object(const char* key, Read read) {
        const json* found = value(key);
        if (!found) return;
        Fields inner(*found, fmt::format("{}: '{}'", where_, key));
        read(inner);
        keep(inner.status());
    }

  private:
    std::string where_;
};

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 60;

int read_compute(Fields& fields) {
    const std::string text = fields.line("compute_capability");
    if (text.empty()) return 0;
    const auto parts = split(text, '.');
    int major = 0, minor = 0;
    if (parts.size() == 2 && parts[1].size() == 1 && parse_number(parts[0], major) && parse_number(parts[1], minor) &&
        major >= 1 && major < 100 && minor >= 0)
        return major * 10 + minor;
    fields.fail(fmt::format("'compute_capability' is '{}', which is none (for instance 8.6)", text));
    return 0;
}

void read_gpus(Fields& fields, const std::string& where, std::vector<GpuDevice>& out) {
    const json* list = fields.value("gpus");
    if (!list) return;
    if (!list->is_array()) return fields.wrong("gpus", "a list");
    for (std::size_t i = 0; i < list->size() && fields.status().ok(); ++i) {
        Fields one((*list)[i], fmt::format("{}: GPU {} of 'gpus'", where, i + 1));
        GpuDevice gpu;
        gpu.name = one.line("name");
        gpu.compute = read_compute(one);
        gpu.memory_bytes = one.number("memory_bytes", most_bytes).value_or(0);
        gpu.kernel_driver = one.line("kernel_driver");
        gpu.vgpu_profile = one.line("vgpu_profile");
        gpu.excluded = one.flag_at("excluded");
        gpu.denied = one.flag_at("denied");
        const std::size_t count = one.number<std::uint64_t>("count", most_gpus).value_or(1);
        fields.keep(one.status());
        if (out.size() + count > most_gpus)
            return fields.fail(fmt::format("'gpus' are more than {}, which no machine has", most_gpus));
        out.insert(out.end(), count, gpu);
    }
}

void read_libcuda(Fields& fields, GpuFacts& out) {
    out.libcuda = "libcuda.so.1";
    out.libcuda_version = fields.line("version");
    out.libcuda_defect = fields.line("defect");
    out.libcuda_stub = fields.flag_at("stub");
    out.libcuda_compat = fields.flag_at("compat");
}

void read_driver(Fields& fields, GpuFacts& out) {
    const std::string kind = fields.line("kind");
    out.module_version = fields.version("version", is_driver_version, "550.54.14");
    const bool loaded = kind == "open" || kind == "proprietary";
    if (!kind.empty() && loaded == out.module_version.empty())
        fields.fail(loaded ? fmt::format("'kind' is '{}', and 'version' is missing", kind)
                           : fmt::format("'kind' is '{}', which has no 'version'", kind));
    out.module_open = kind == "open";
    out.module_on_disk = fields.flag_at("installed") || !out.module_version.empty();
    if (fields.flag_at("blacklisted")) out.blacklisted_by = "modprobe.d";
    out.vgpu_host = fields.flag_at("vgpu_host");
    out.control_errno = fields.opening("control");
    out.uvm_errno = fields.opening("uvm");
    out.uvm_node = out.uvm_errno != ENOENT;
    out.device_nodes = fields.flag_at("nodes");
    fields.object("libcuda", [&](Fields& library) { read_libcuda(library, out); });
}

void read_gpu_facts(Fields& fields, const std::string& where, GpuFacts& out) {
    read_gpus(fields, where, out.devices);
    out.nouveau_loaded =
        std::ranges::any_of(out.devices, [](const GpuDevice& gpu) { return gpu.kernel_driver == "nouveau"; });
    fields.object("driver", [&](Fields& driver) { read_driver(driver, out); });
    out.container = fields.line("container");
    if (bool on = false; fields.value("secure_boot")) {
        fields.flag("secure_boot", on);
        out.secure_boot = on;
    }
    out.mig_instances = fields.number("mig_instances", 10'000).value_or(0);
    out.nvswitches = fields.number("nvswitches", 10'000).value_or(0);
    out.fabric_manager = fields.flag_at("fabric_manager");
    fields.object("wsl", [&](Fields& wsl) {
        out.wsl_version = wsl.number("version", 2).value_or(2);
        out.wsl = wsl.flag_at("gpu");
    });
    fields.object("jetson", [&](Fields& jetson) {
        out.jetson = jetson.line("model");
        out.tegra = jetson.line("chip");
        if (out.jetson.empty()) out.jetson = "a Jetson";
    });
    if (fields.value("cuda_visible_devices")) out.visible_devices = fields.line("cuda_visible_devices");
}

void read_libc(Fields& fields, MachineFacts& out) {
    const std::string kind = fields.line("kind");
    out.glibc = fields.version("version", is_dotted_number, "2.35");
    if (kind == "musl") out.musl = true;
    else if (kind != "glibc" && kind != "none")
        fields.fail(fmt::format("'kind' is '{}', which is none of glibc, musl, none", kind));
    if (kind != "glibc" && !out.glibc.empty()) fields.fail(fmt::format("'kind' is {}, which has no 'version'", kind));
    out.glibc_path = kind == "glibc" ? "libc.so.6" : "";
}

void read_machine(Fields& fields, const std::string& where, Description& out) {
    MachineFacts& machine = out.machine;
    machine.system = fields.value("system") ? fields.line("system") : "Linux";
    machine.kernel = out.gpu.kernel_release = fields.line("kernel");
    const json* processor = fields.value("processor", true);
    if (!processor) return;
    Fields cpu(*processor, where + ": 'processor'");
    cpu.text("architecture", machine.processor, true);
    if (machine.processor != "x86_64" && machine.processor != "aarch64")
        cpu.fail(fmt::format("'architecture' is '{}', and installers are for x86_64 and aarch64", machine.processor));
    machine.cpu_level = cpu.number("level", 4).value_or(0);
    out.host.processor = cpu.line("model");
    out.host.cpus = cpu.number("threads", 1'000'000u).value_or(0);
    fields.keep(cpu.status());
    out.host.memory_bytes = fields.number("memory_bytes", most_bytes).value_or(0);
    out.host.name = fields.line("host");
    machine.glibc_path = "libc.so.6"; // what is not described is not known to be missing
    fields.object("libc", [&](Fields& libc) { read_libc(libc, machine); });
    fields.object("distribution", [&](Fields& d) {
        out.distribution = {d.line("id"),
                            d.line("version"),
                            d.line("name"),
                            d.line("family"),
                            d.flag_at("repositories"),
                            d.flag_at("driver_repository"),
                            d.flag_at("kernel_headers")};
        machine.distribution = out.distribution.name;
    });
}

void read_place(Fields& fields, Description& out) {
    fields.object("place", [&](Fields& p) {
        FileSystemFacts& place = out.place.emplace();
        place.file_system = p.line("file_system");
        if (!p.value("free_bytes", true)) return;
        place.free_bytes = p.number("free_bytes", most_bytes).value_or(0);
        place.free_inodes = p.number("free_inodes", most_bytes);
        place.quota_bytes = p.number("quota_bytes", most_bytes);
        place.quota_inodes = p.number("quota_inodes", most_bytes);
        place.read_only = p.flag_at("read_only");
        place.noexec = p.flag_at("noexec");
        place.folds_case = p.flag_at("folds_case");
        place.no_symlinks = p.flag_at("no_symlinks");
    });
}

// What a document of ours is that is no description; "" = none of ours.
std::string_view other_document(const json& root) {
    if (root.contains("report")) return "a report of an installation";
    if (root.contains("tinderbox_lock")) return "a lock";
    if (root.contains("probe") && root.contains("findings")) return "what doctor --json prints";
    if (root.contains("error") && root.contains("exit_code")) return "the error of a command that failed";
    return {};
}

Status check_format(const json& root, const std::string& where) {
    const auto number = root.is_object() ? root.find("tinderbox_machine") : root.end();
    if (!root.is_object() || number == root.end()) {
        const std::string_view other = root.is_object() ? other_document(root) : "";
        return make_error(ErrorKind::usage,
                          "{}: it is {}, not the description of a machine; write one there: sh NAME.run --describe, or "
                          "tinderbox doctor --describe",
                          where, other.empty() ? "another JSON document" : other);
    }
    if (!number->is_number_unsigned() || *number == 0)
        return make_error(ErrorKind::usage, "{}: 'tinderbox_machine' is {}, which is no version of the format; {}",
                          where, number->dump(), describe_again);
    if (*number > description_version)
        return make_error(ErrorKind::usage,
                          "{}: it has version {} of the format, and this tinderbox reads up to {}; build with a newer "
                          "tinderbox, or describe the machine with one of this version",
                          where, number->dump(), description_version);
    return {};
}

Result<json> parse_json(std::string_view text, const std::string& where) {
    if (trim(text).empty()) return make_error(ErrorKind::usage, "{}: it is empty; {} > FILE", where, describe_again);
    TRY(check_json_cost(text, where));
    try {
        return json::parse(text);
    } catch (const json::parse_error& e) {
        const std::string_view before = text.substr(0, std::min<std::size_t>(e.byte, text.size()));
        return make_error(ErrorKind::usage, "{}:{}: it is not valid JSON; {} > FILE", where,
                          1 + std::ranges::count(before, '\n'), describe_again);
    } catch (const json::exception&) { // valid JSON, which may have 1e999
        return make_error(ErrorKind::usage, "{}: it holds a number that is too large; {} > FILE", where,
                          describe_again);
    }
}

} // namespace

json to_json(const Description& description) {
    const MachineFacts& machine = description.machine;
    const GpuFacts& gpu = description.gpu;
    json processor = {{"architecture", machine.processor}};
    add_number(processor, "level", machine.cpu_level);
    add_text(processor, "model", description.host.processor);
    add_number(processor, "threads", description.host.cpus);
    json libc = {{"kind", !machine.glibc_path.empty() ? "glibc" : machine.musl ? "musl" : "none"}};
    add_text(libc, "version", machine.glibc, 32);
    json out = {{"tinderbox_machine", description_version}, {"system", shown(machine.system)},
                {"processor", std::move(processor)},        {"libc", std::move(libc)},
                {"gpus", gpus_json(gpu.devices)},           {"driver", driver_json(gpu)}};
    add_text(out, "host", description.host.name);
    add_text(out, "kernel", machine.kernel);
    add_number(out, "memory_bytes", description.host.memory_bytes);
    add_object(out, "distribution", distribution_json(description.distribution));
    add_text(out, "container", gpu.container, 32);
    if (gpu.secure_boot) out["secure_boot"] = *gpu.secure_boot;
    add_number(out, "mig_instances", gpu.mig_instances);
    add_number(out, "nvswitches", gpu.nvswitches);
    add_flag(out, "fabric_manager", gpu.fabric_manager);
    if (gpu.wsl_version > 0 || gpu.wsl) {
        out["wsl"] = {{"version", gpu.wsl_version}};
        add_flag(out["wsl"], "gpu", gpu.wsl);
    }
    if (!gpu.jetson.empty()) {
        out["jetson"] = {{"model", shown(gpu.jetson)}};
        add_text(out["jetson"], "chip", gpu.tegra, 32);
    }
    if (gpu.visible_devices) out["cuda_visible_devices"] = *gpu.visible_devices;
    if (description.place) out["place"] = place_json(*description.place);
    return out;
}

json to_json(const InstalledDescription& installed) {
    const format::Manifest& manifest = installed.manifest;
    json packages = json::array();
    for (const format::PackageInfo& package : manifest.packages) {
        if (package.kind == "generated") continue;
        json one = {{"kind", package.kind}, {"name", package.name}};
        if (!package.version.empty()) one["version"] = package.version;
        if (!package.build.empty()) one["build"] = package.build;
        if (!package.prefix.is_env()) one["prefix"] = format::to_string(package.prefix);
        packages.push_back(std::move(one));
    }
    json out = {{"name", manifest.name},
                {"environment", manifest.env_name},
                {"platform", manifest.platform},
                {"base", manifest.base},
                {"manifest_sha256", installed.manifest_sha256},
                {"stage", installed.stage},
                {"packages", std::move(packages)},
                {"files", {{"count", installed.files}, {"list_sha256", installed.list_sha256}}}};
    if (installed.list.empty()) return out;
    json list = json::array();
    for (const InstalledDescription::File& file : installed.list)
        list.push_back(
            {{"path", file.path}, {"kind", std::string(1, file.kind)}, {"sha256", file.sha256}, {"size", file.size}});
    out["files"]["list"] = std::move(list);
    return out;
}

std::string description_text(const json& document) {
    return document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Description> parse_description(std::string_view text, const std::string& where) {
    TRY_ASSIGN(const json root, parse_json(text, where));
    TRY(check_format(root, where));
    Description out;
    Fields fields(root, where);
    read_machine(fields, where, out);
    read_gpu_facts(fields, where, out.gpu);
    read_place(fields, out);
    TRY(fields.status());
    return out;
}

} // namespace tinderbox::machine
