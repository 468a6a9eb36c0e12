#include "common/machine/probe.hpp"

#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/format/json_read.hpp"

#include <nlohmann/json.hpp>

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>

namespace tinderbox {
namespace {

using nlohmann::json;

std::int64_t integer(const json& j, const char* key, std::int64_t otherwise) {
    auto found = j.find(key);
    return found != j.end() && found->is_number_integer() ? found->get<std::int64_t>() : otherwise;
}

class Listener {
  public:
    explicit Listener(const Requirements& needs) : needs_(needs) {}

    void event(const json& e) {
        const std::string kind = text_field(e, "event");
        if (kind.empty()) return;
        result_.ran = true;
        if (kind == "libcuda")
            result_.libcuda = text_field(e, "resolved").empty() ? text_field(e, "path") : text_field(e, "resolved");
        else if (kind == "driver") result_.api_version = static_cast<int>(integer(e, "api_version", 0));
        else if (kind == "runtime") result_.runtime_version = static_cast<int>(integer(e, "runtime_version", 0));
        else if (kind == "device") on_device(e);
        else if (kind == "bandwidth") on_bandwidth(e);
        else if (kind == "device_done") on_device_done(e);
        else if (kind == "kernel") on_kernel(e);
        else if (kind == "memory_test") on_memory(e);
        else if (kind == "peer") on_peer(e);
        else if (kind == "error") on_error(e);
        else if (kind == "crash" || kind == "timeout") on_death(e, kind);
        else if (kind == "end") on_end(e);
    }

    ProbeResult finish(const ProcessResult& process) {
        if (!ended_) {
            result_.ok = false;
            add({0, -1, std::nullopt, process.timed_out ? "timeout" : "crash",
                 fmt::format("the CUDA probe ended before its end: {}", process.describe()),
                 "run the installer again with --verify-only; if it stays, NVIDIA's driver is broken: look "
                 "at 'dmesg'"});
        } else if (!result_.ok && result_.problems.empty()) {
            add({0, -1, std::nullopt, "failed", "the CUDA probe failed without saying why", ""});
        }
        if (result_.stage2 == "not_available")
            result_.stage2_words =
                needs_.cuda_major
                    ? fmt::format("stage 2 is not available for CUDA {}, whose runtime is not carried here; "
                                  "stage 1, the driver API, was tested",
                                  *needs_.cuda_major)
                    : "stage 1, the driver API, was tested; stage 2 has no CUDA runtime to test";
        return std::move(result_);
    }

  private:
    ProbeDevice* device(const json& e) {
        auto index = integer(e, "device", -1);
        auto found =
            std::ranges::find(result_.devices, index, [](const ProbeDevice& d) { return std::int64_t{d.index}; });
        return found == result_.devices.end() ? nullptr : &*found;
    }

    void on_device(const json& e) {
        if (device(e) || result_.devices.size() >= 256) return;
        ProbeDevice d;
        d.index = static_cast<int>(integer(e, "device", 0));
        d.name = text_field(e, "name");
        d.compute_capability = text_field(e, "compute_capability");
        d.memory_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, integer(e, "memory_bytes", 0)));
        result_.devices.push_back(std::move(d));
    }
    void on_bandwidth(const json& e) {
        auto speed = e.find("gb_per_s");
        if (ProbeDevice* d = device(e); d && speed != e.end() && speed->is_number())
            d->bandwidth[text_field(e, "direction")] = speed->get<double>();
    }
    void on_device_done(const json& e) {
        ProbeDevice* d = device(e);
        if (!d) return;
        // A device is good when every stage that ran says so.
        bool first = integer(e, "stage", 1) == 1;
        d->ok = first ? flag_of(e, "ok") : d->ok && flag_of(e, "ok");
        if (first) d->image = text_field(e, "image");
    }
    void on_kernel(const json& e) {
        const int stage = static_cast<int>(integer(e, "stage", 0));
        if (ProbeDevice* d = device(e); d && d->kernels.size() < 64)
            d->kernels.push_back(
                {stage, text_field(e, "kernel"), text_field(e, "image"), flag_of(e, "ok"), decimal_of(e, "ms")});
        if (flag_of(e, "ok")) return;
        // Machine code and PTX that fail alike are one fact.
        const std::string key = fmt::format("{} {} {}", stage, integer(e, "device", -1), text_field(e, "kernel"));
        if (!wrong_kernels_.insert(key).second) return;
        add({stage, static_cast<int>(integer(e, "device", -1)), std::nullopt, "WRONG_RESULT",
             fmt::format("{} computed {} of {} results of the kernel '{}' wrong (first: {} instead of {})",
                         device_name(e), integer(e, "wrong", 0), integer(e, "outputs", 0), text_field(e, "kernel"),
                         text_field(e, "got"), text_field(e, "expected")),
             "the hardware or the driver is faulty: do not trust results of this GPU; run NVIDIA's dcgmi "
             "diag or test another slot"});
    }

    void on_memory(const json& e) {
        MemoryResult m;
        m.ok = flag_of(e, "ok");
        m.percent = static_cast<int>(integer(e, "percent", 0));
        m.bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, integer(e, "bytes", 0)));
        m.wrong = static_cast<std::uint64_t>(std::max<std::int64_t>(0, integer(e, "wrong", 0)));
        m.ms = decimal_of(e, "ms");
        if (!m.ok)
            add({static_cast<int>(integer(e, "stage", 0)), static_cast<int>(integer(e, "device", -1)), std::nullopt,
                 "WRONG_MEMORY",
                 fmt::format(
                     "{}: {} of {} tested words of its memory do not hold what was written", device_name(e), m.wrong,
                     m.bytes / 4 * static_cast<std::uint64_t>(std::max<std::int64_t>(1, integer(e, "patterns", 1)))),
                 "the GPU's memory is faulty: do not trust its results; look at 'nvidia-smi -q -d ECC', lower an "
                 "overclocking, and have the card replaced if it stays"});
        if (ProbeDevice* d = device(e)) d->memory = m;
    }

    void on_peer(const json& e) {
        PeerResult p;
        p.from = static_cast<int>(integer(e, "from", -1));
        p.to = static_cast<int>(integer(e, "device", -1));
        p.ok = flag_of(e, "ok");
        p.access = flag_of(e, "access");
        p.gb_per_s = decimal_of(e, "gb_per_s");
        if (result_.peers.size() < 4096) result_.peers.push_back(p);
        if (integer(e, "wrong", 0) > 0)
            add({static_cast<int>(integer(e, "stage", 0)), p.to, std::nullopt, "WRONG_PEER",
                 fmt::format("data from GPU {} arrives damaged at GPU {}", p.from, p.to),
                 "the path between the two GPUs is broken, usually by an IOMMU or by access control (ACS) of a PCI "
                 "switch: "
                 "turn them off in the firmware or with iommu=pt; until then set NCCL_P2P_DISABLE=1"});
    }

    void on_error(const json& e) {
        ProbeProblem p;
        p.stage = static_cast<int>(integer(e, "stage", 0));
        p.device = static_cast<int>(integer(e, "device", -1));
        p.name = text_field(e, "name");
        if (auto code = e.find("code"); code != e.end() && code->is_number_integer()) p.code = code->get<int>();
        const std::string message = text_field(e, "message");
        if (p.name == "LIBRARY_NOT_FOUND") {
            p.sentence = "libcuda.so.1 was not found: no NVIDIA driver is installed, or its library is not "
                         "in the loader's path";
            p.advice = install_advice();
        } else if (p.name == "LIBRARY_BROKEN" || p.name == "SYMBOL_NOT_FOUND") {
            p.sentence = fmt::format("libcuda.so.1 cannot be used: {}", message);
            p.advice = "reinstall NVIDIA's driver, and remove other copies of libcuda from LD_LIBRARY_PATH";
        } else {
            p.sentence = fmt::format("{}{} failed: {}{}", p.device >= 0 ? device_name(e) + ": " : "",
                                     text_field(e, "call"), message, p.code ? fmt::format(" (error {})", *p.code) : "");
            if (p.code)
                p.advice = p.code == 35 && result_.api_version > 0 ? upgrade_advice() : advice_for(*p.code, needs_);
        }
        // Stage 2 repeats what stage 1 has found, in its own words.
        bool known = std::ranges::any_of(result_.problems, [&](const ProbeProblem& old) {
            return !p.advice.empty() && old.advice == p.advice && old.device == p.device;
        });
        if (!known) add(std::move(p));
    }

    void on_death(const json& e, const std::string& kind) {
        const std::string during = text_field(e, "during");
        std::string where = during.empty() ? "" : fmt::format(" in {}", during);
        std::string sentence =
            kind == "crash"
                ? fmt::format("NVIDIA's driver library crashed{} ({})", where, text_field(e, "name"))
                : fmt::format("NVIDIA's driver did not answer{} within {} s", where, integer(e, "seconds", 0));
        add({static_cast<int>(integer(e, "stage", 0)), static_cast<int>(integer(e, "device", -1)), std::nullopt, kind,
             sentence,
             kind == "crash" ? "the library is damaged or belongs to another driver: reinstall the driver and reboot"
                             : "the driver hangs: look at 'dmesg' for NVRM or Xid lines, and reboot"});
    }

    void on_end(const json& e) {
        ended_ = true;
        result_.ok = flag_of(e, "ok");
        result_.stage1 = text_field(e, "stage1");
        result_.stage2 = text_field(e, "stage2");
    }

    std::string device_name(const json& e) {
        const ProbeDevice* d = device(e);
        const std::string number = fmt::format("GPU {}", integer(e, "device", 0));
        if (!d || d->name.empty()) return number;
        return result_.devices.size() > 1 || d->index > 0 ? fmt::format("{} ({})", number, d->name) : d->name;
    }
    std::string install_advice() const { return advice_for(35, needs_); }
    std::string upgrade_advice() const {
        return needs_.driver_floor.empty() ? "upgrade NVIDIA's driver"
                                           : fmt::format("upgrade NVIDIA's driver to {} or newer", needs_.driver_floor);
    }
    void add(ProbeProblem problem) {
        if (result_.problems.size() < 64) result_.problems.push_back(std::move(problem));
    }

    const Requirements& needs_;
    ProbeResult result_;
    std::set<std::string> wrong_kernels_;
    bool ended_ = false;
};

std::vector<std::string> usual_directories() {
    std::vector<std::string> out;
    for (const char* name : {"TMPDIR", "", "XDG_RUNTIME_DIR", "HOME"}) {
        if (!*name) {
            out.insert(out.end(), {"/tmp", "/var/tmp", "/dev/shm"});
            continue;
        }
        if (const char* value = std::getenv(name); value && *value == '/') out.emplace_back(value);
    }
    return out;
}

bool may_execute(const std::string& directory) {
    struct statvfs info {};
    return ::access(directory.c_str(), W_OK | X_OK) == 0 &&
           (::statvfs(directory.c_str(), &info) != 0 || (info.f_flag & ST_NOEXEC) == 0);
}

json to_json(const ProbeDevice& d) {
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

ProbeResult not_started(std::string sentence, std::string advice) {
    ProbeResult out;
    out.problems.push_back({0, -1, std::nullopt, "NOT_STARTED", std::move(sentence), std::move(advice)});
    return out;
}

} // namespace

std::string advice_for(int code, const Requirements& needs) {
    const std::string floor = needs.driver_floor.empty() ? "" : fmt::format(" {} or newer", needs.driver_floor);
    switch (code) {
    case 2:
        return "other programs fill the GPU's memory: look at nvidia-smi, end them and run --verify-only "
               "again";
    case 34:
        return "a toolkit's stub library was loaded: remove 'stubs' from LD_LIBRARY_PATH";
    case 35:
        return fmt::format("install NVIDIA's proprietary or open driver{}; nouveau has no CUDA", floor);
    case 46:
        return "another process holds the GPU in exclusive mode: end it, or set the mode with 'nvidia-smi -c "
               "0'";
    case 100:
        return "the driver sees no GPU: load its module (modprobe nvidia), blacklist nouveau, unset "
               "CUDA_VISIBLE_DEVICES, or create MIG "
               "instances";
    case 101:
        return "CUDA_VISIBLE_DEVICES names a GPU that does not exist: unset it";
    case 209:
        return "there is no code for this GPU: build the installer from packages made for it (another +cuXXX "
               "wheel)";
    case 214:
        return "the GPU's memory has an uncorrectable error: look at 'nvidia-smi -q', reset or replace the "
               "GPU";
    case 218:
    case 222:
        return fmt::format("the driver cannot compile this PTX: upgrade it{}", floor.empty() ? "" : " to" + floor);
    case 221:
        return "the driver's PTX compiler is missing (libnvidia-ptxjitcompiler): install all of the driver's "
               "libraries";
    case 304:
        return "the device nodes may not be used: fix the permissions of /dev/nvidia*, or pass the GPU to "
               "the container";
    case 800:
        return "the driver or the container forbids this: ask the administrator";
    case 802:
        return "start the matching fabric manager: systemctl start nvidia-fabricmanager, of the driver's own "
               "version";
    case 803:
        return "kernel module and libraries differ in version: reboot; if it stays, remove the stray libcuda";
    case 804:
        return "cuda-compat does not support this GPU: remove it and upgrade the driver";
    case 999:
        return "nvidia_uvm is missing or broken (often after suspend): 'nvidia-modprobe -c0 -u', reload the "
               "module, or reboot";
    default:
        return {};
    }
}

ProbeResult parse_probe(std::string_view lines, const ProcessResult& process, const Requirements& needs) {
    Listener listener(needs);
    for (std::string_view line : split_lines(lines)) {
        json event = json::parse(line, nullptr, false);
        if (event.is_object()) listener.event(event);
    }
    return listener.finish(process);
}

ProbeResult run_probe(ByteView program, const Requirements& needs, const ProbeRun& run) {
    std::string last_error = "no directory was found in which a program can be written and started";
    for (const std::string& parent : run.directories.empty() ? usual_directories() : run.directories) {
        if (!may_execute(parent)) continue;
        auto directory = TemporaryDirectory::make(parent);
        if (!directory.ok()) continue;
        const fs::path path = directory->path() / "cuda_probe";
        if (auto written = write_atomically(path, program, 0700); !written.ok()) {
            last_error = written.error().message;
            continue;
        }
        ProcessSpec spec;
        spec.argv = {path.string()};
        spec.argv.insert(spec.argv.end(), run.arguments.begin(), run.arguments.end());
        spec.argv.insert(spec.argv.end(), {"--seconds", std::to_string(run.seconds)});
        // Whatever reaches our own loader must not reach NVIDIA's: a preloaded library, a debugger's settings.
        spec.unset = {"LD_*"};
        spec.set = run.environment;
        spec.directory = "/";
        // The probe watches its own children; this is for the case that it cannot.
        spec.timeout_seconds = run.seconds + 10;
        spec.output_limit = 4u << 20;
        auto process = run_process(spec);
        if (!process.ok()) {
            last_error = process.error().message;
            continue;
        }
        return parse_probe(process->output, *process, needs);
    }
    return not_started(fmt::format("the CUDA probe could not be started: {}", last_error),
                       "set TMPDIR to a directory that is not mounted noexec; on a system without glibc's "
                       "loader nothing was tested");
}

ProbeResult run_probe_as_user(ByteView program, const Requirements& needs, const ProbeRun& clean,
                              const std::map<std::string, std::string>& user) {
    ProbeResult result = run_probe(program, needs, clean);
    auto path = user.find("LD_LIBRARY_PATH");
    if (result.ok || path == user.end() || path->second.empty()) return result;
    ProbeRun as_user = clean;
    as_user.environment["LD_LIBRARY_PATH"] = path->second;
    ProbeResult second = run_probe(program, needs, as_user);
    // The one that came farther tells more of what is wrong.
    const bool farther = second.ok || (second.stage1 == "passed" && result.stage1 != "passed") ||
                         (result.libcuda.empty() && !second.libcuda.empty());
    return farther ? second : result;
}

std::string choose_probe(const std::vector<std::string>& carried, std::optional<int> cuda_major) {
    auto has = [&](const std::string& name) { return std::ranges::find(carried, name) != carried.end(); };
    if (cuda_major)
        if (std::string own = fmt::format("cuda_probe_{}", *cuda_major); has(own)) return own;
    // Never that of another major: its stage 2 has another floor.
    return has("cuda_probe_0") ? "cuda_probe_0" : "";
}

std::optional<int> ask_driver_api(ByteView program, const std::map<std::string, std::string>& environment) {
    ProbeRun run;
    run.arguments = {"--stage", "1"};
    run.environment = environment;
    run.seconds = 20;
    ProbeResult result = run_probe(program, {}, run);
    return result.api_version > 0 ? std::optional(result.api_version) : std::nullopt;
}

json to_json(const ProbeResult& result) {
    json devices = json::array(), peers = json::array(), problems = json::array();
    for (const ProbeDevice& d : result.devices) devices.push_back(to_json(d));
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

} // namespace tinderbox
