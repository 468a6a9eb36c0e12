#include "common/machine/probe_events.hpp"

#include "common/base/json_cost.hpp"
#include "common/base/text.hpp"
#include "common/format/json_read.hpp"
#include "common/machine/cuda_error_advice.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace tinderbox::machine {
namespace {

using nlohmann::json;

// Puts the events of one run together.
class EventReader {
  public:
    explicit EventReader(const format::Requirements& needs) : needs_(needs) {}

    void event(const json& e) {
        const std::string kind = format::text_field(e, "event");
        if (kind.empty()) return;
        result_.ran = true;
        if (kind == "libcuda") on_library(e);
        else if (kind == "driver") result_.api_version = static_cast<int>(format::integer_of(e, "api_version", 0));
        else if (kind == "runtime")
            result_.runtime_version = static_cast<int>(format::integer_of(e, "runtime_version", 0));
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
        auto index = format::integer_of(e, "device", -1);
        auto found =
            std::ranges::find(result_.devices, index, [](const ProbeDevice& d) { return std::int64_t{d.index}; });
        return found == result_.devices.end() ? nullptr : &*found;
    }

    void on_library(const json& e) {
        result_.libcuda = format::text_field(e, "resolved");
        if (result_.libcuda.empty()) result_.libcuda = format::text_field(e, "path");
    }
    void on_device(const json& e) {
        if (device(e) || result_.devices.size() >= 256) return;
        ProbeDevice d;
        d.index = static_cast<int>(format::integer_of(e, "device", 0));
        d.name = format::text_field(e, "name");
        d.compute_capability = format::text_field(e, "compute_capability");
        d.memory_bytes =
            static_cast<std::uint64_t>(std::max<std::int64_t>(0, format::integer_of(e, "memory_bytes", 0)));
        result_.devices.push_back(std::move(d));
    }
    void on_bandwidth(const json& e) {
        auto speed = e.find("gb_per_s");
        if (ProbeDevice* d = device(e); d && speed != e.end() && speed->is_number())
            d->bandwidth[format::text_field(e, "direction")] = speed->get<double>();
    }
    void on_device_done(const json& e) {
        ProbeDevice* d = device(e);
        if (!d) return;
        // A device is good when each stage that ran calls it good.
        const bool first = format::integer_of(e, "stage", 1) == 1;
        d->ok = format::flag_of(e, "ok") && (first || d->ok);
        if (first) d->image = format::text_field(e, "image");
    }
    void on_kernel(const json& e) {
        const int stage = static_cast<int>(format::integer_of(e, "stage", 0));
        if (ProbeDevice* d = device(e); d && d->kernels.size() < 64)
            d->kernels.push_back({stage, format::text_field(e, "kernel"), format::text_field(e, "image"),
                                  format::flag_of(e, "ok"), format::decimal_of(e, "ms")});
        if (format::flag_of(e, "ok")) return;
        // Machine code and PTX of one kernel often fail alike: report the kernel once.
        const std::string key =
            fmt::format("{} {} {}", stage, format::integer_of(e, "device", -1), format::text_field(e, "kernel"));
        if (!wrong_kernels_.insert(key).second) return;
        add({stage, static_cast<int>(format::integer_of(e, "device", -1)), std::nullopt, "WRONG_RESULT",
             fmt::format("{} computed {} of {} results of the kernel '{}' wrong (first: {} instead of {})",
                         device_name(e), format::integer_of(e, "wrong", 0), format::integer_of(e, "outputs", 0),
                         format::text_field(e, "kernel"), format::text_field(e, "got"),
                         format::text_field(e, "expected")),
             "the hardware or the driver is faulty: do not trust results of this GPU; run NVIDIA's dcgmi "
             "diag or test another slot"});
    }

    void on_memory(const json& e) {
        MemoryResult m;
        m.ok = format::flag_of(e, "ok");
        m.percent = static_cast<int>(format::integer_of(e, "percent", 0));
        m.bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, format::integer_of(e, "bytes", 0)));
        m.wrong = static_cast<std::uint64_t>(std::max<std::int64_t>(0, format::integer_of(e, "wrong", 0)));
        m.ms = format::decimal_of(e, "ms");
        if (!m.ok)
            add({static_cast<int>(format::integer_of(e, "stage", 0)),
                 static_cast<int>(format::integer_of(e, "device", -1)), std::nullopt, "WRONG_MEMORY",
                 fmt::format(
                     "{}: {} of {} tested words of its memory do not hold what was written", device_name(e), m.wrong,
                     m.bytes / 4 *
                         static_cast<std::uint64_t>(std::max<std::int64_t>(1, format::integer_of(e, "patterns", 1)))),
                 "the GPU's memory is faulty: do not trust its results; look at 'nvidia-smi -q -d ECC', lower an "
                 "overclocking, and have the card replaced if it stays"});
        if (ProbeDevice* d = device(e)) d->memory = m;
    }

    void on_peer(const json& e) {
        PeerResult p;
        p.from = static_cast<int>(format::integer_of(e, "from", -1));
        p.to = static_cast<int>(format::integer_of(e, "device", -1));
        p.ok = format::flag_of(e, "ok");
        p.access = format::flag_of(e, "access");
        p.gb_per_s = format::decimal_of(e, "gb_per_s");
        if (result_.peers.size() < 4096) result_.peers.push_back(p);
        if (format::integer_of(e, "wrong", 0) > 0)
            add({static_cast<int>(format::integer_of(e, "stage", 0)), p.to, std::nullopt, "WRONG_PEER",
                 fmt::format("data from GPU {} arrives damaged at GPU {}", p.from, p.to),
                 "the path between the two GPUs is broken, usually by an IOMMU or by access control (ACS) of a PCI "
                 "switch: "
                 "turn them off in the firmware or with iommu=pt; until then set NCCL_P2P_DISABLE=1"});
    }

    void on_error(const json& e) {
        ProbeProblem p;
        p.stage = static_cast<int>(format::integer_of(e, "stage", 0));
        p.device = static_cast<int>(format::integer_of(e, "device", -1));
        p.name = format::text_field(e, "name");
        if (auto code = e.find("code"); code != e.end() && code->is_number_integer()) p.code = code->get<int>();
        const std::string message = format::text_field(e, "message");
        if (p.name == "LIBRARY_NOT_FOUND") {
            p.sentence = "libcuda.so.1 was not found: no NVIDIA driver is installed, or its library is not "
                         "in the loader's path";
            p.advice = install_advice();
        } else if (p.name == "LIBRARY_BROKEN" || p.name == "SYMBOL_NOT_FOUND") {
            p.sentence = fmt::format("libcuda.so.1 cannot be used: {}", message);
            p.advice = "reinstall NVIDIA's driver, and remove other copies of libcuda from LD_LIBRARY_PATH";
        } else {
            p.sentence =
                fmt::format("{}{} failed: {}{}", p.device >= 0 ? device_name(e) + ": " : "",
                            format::text_field(e, "call"), message, p.code ? fmt::format(" (error {})", *p.code) : "");
            if (p.code)
                p.advice =
                    p.code == 35 && result_.api_version > 0 ? upgrade_advice() : cuda_error_advice(*p.code, needs_);
        }
        // Stage 2 meets the fault of stage 1 again, under another name: report it once.
        bool known = std::ranges::any_of(result_.problems, [&](const ProbeProblem& old) {
            return !p.advice.empty() && old.advice == p.advice && old.device == p.device;
        });
        if (!known) add(std::move(p));
    }

    void on_death(const json& e, const std::string& kind) {
        const std::string during = format::text_field(e, "during");
        std::string where = during.empty() ? "" : fmt::format(" in {}", during);
        std::string sentence = kind == "crash" ? fmt::format("NVIDIA's driver library crashed{} ({})", where,
                                                             format::text_field(e, "name"))
                                               : fmt::format("NVIDIA's driver did not answer{} within {} s", where,
                                                             format::integer_of(e, "seconds", 0));
        add({static_cast<int>(format::integer_of(e, "stage", 0)), static_cast<int>(format::integer_of(e, "device", -1)),
             std::nullopt, kind, sentence,
             kind == "crash" ? "the library is damaged or belongs to another driver: reinstall the driver and reboot"
                             : "the driver hangs: look at 'dmesg' for NVRM or Xid lines, and reboot"});
    }

    void on_end(const json& e) {
        ended_ = true;
        result_.ok = format::flag_of(e, "ok");
        result_.stage1 = format::text_field(e, "stage1");
        result_.stage2 = format::text_field(e, "stage2");
    }

    std::string device_name(const json& e) {
        const ProbeDevice* d = device(e);
        const std::string number = fmt::format("GPU {}", format::integer_of(e, "device", 0));
        if (!d || d->name.empty()) return number;
        return result_.devices.size() > 1 || d->index > 0 ? fmt::format("{} ({})", number, d->name) : d->name;
    }
    std::string install_advice() const { return cuda_error_advice(35, needs_); }
    std::string upgrade_advice() const {
        return needs_.driver_floor.empty() ? "upgrade NVIDIA's driver"
                                           : fmt::format("upgrade NVIDIA's driver to {} or newer", needs_.driver_floor);
    }
    void add(ProbeProblem problem) {
        if (result_.problems.size() < 64) result_.problems.push_back(std::move(problem));
    }

    const format::Requirements& needs_;
    ProbeResult result_;
    std::set<std::string> wrong_kernels_;
    bool ended_ = false;
};

} // namespace

ProbeResult parse_probe(std::string_view lines, const ProcessResult& process, const format::Requirements& needs) {
    EventReader reader(needs);
    for (std::string_view line : split_lines(lines)) {
        if (!is_affordable_json(line)) continue;
        json event = json::parse(line, nullptr, false);
        if (event.is_object()) reader.event(event);
    }
    return reader.finish(process);
}

} // namespace tinderbox::machine
