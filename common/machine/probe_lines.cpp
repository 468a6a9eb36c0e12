#include "common/machine/probe_lines.hpp"

#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/format/json_read.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::machine {

using nlohmann::json;

std::string bandwidth_text(const json& device) {
    std::string out;
    const json& bandwidth = format::child_of(device, "bandwidth_gb_per_s");
    if (bandwidth.is_object())
        for (const auto& [direction, speed] : bandwidth.items())
            if (speed.is_number())
                out += fmt::format("{}{} {:.1f} GB/s", out.empty() ? "" : ", ", replace_all(direction, "_", " "),
                                   speed.get<double>());
    return out;
}

namespace {

// "saxpy, fma, reduce, matmul right to the bit (as sm_86 and PTX)"
std::string kernel_words(const json& device) {
    std::vector<std::string> names, forms;
    const json& kernels = format::child_of(device, "kernels");
    if (!kernels.is_array()) return {};
    for (const json& k : kernels) {
        if (!format::flag_of(k, "ok")) return {}; // the line about the problem names the kernel
        std::string form = format::text_of(k, "image");
        if (form == "ptx") form = "PTX";
        if (std::ranges::find(names, format::text_of(k, "kernel")) == names.end())
            names.push_back(format::text_of(k, "kernel"));
        if (std::ranges::find(forms, form) == forms.end()) forms.push_back(form);
    }
    if (names.empty()) return {};
    return fmt::format(": {} right to the bit (as {})", fmt::join(names, ", "), fmt::join(forms, " and "));
}

std::string device_words(const json& device, bool several) {
    std::string out = format::text_of(device, "name");
    if (several) out = fmt::format("GPU {} ({})", format::number_of(device, "index"), out);
    if (auto cc = format::text_of(device, "compute_capability"); !cc.empty())
        out += fmt::format(", compute capability {}", cc);
    if (auto memory = format::number_of(device, "memory_bytes")) out += fmt::format(", {}", format_bytes(memory));
    out += kernel_words(device);
    if (const json& memory = format::child_of(device, "memory_test"); format::flag_of(memory, "ok"))
        out += fmt::format("; {} of its memory tested", format_bytes(format::number_of(memory, "bytes")));
    if (auto speeds = bandwidth_text(device); !speeds.empty()) out += "; " + speeds;
    return out;
}

std::string peer_words(const json& peers) {
    double least = 0, most = 0;
    std::size_t direct = 0;
    for (const json& p : peers) {
        const double speed = format::decimal_of(p, "gb_per_s");
        least = least == 0 ? speed : std::min(least, speed);
        most = std::max(most, speed);
        direct += format::flag_of(p, "access");
    }
    return fmt::format("data between GPUs: {} of {} directions direct, {:.1f} to {:.1f} GB/s", direct, peers.size(),
                       least, most);
}

} // namespace

std::vector<ReportLine> probe_lines(const json& probe) {
    std::vector<ReportLine> out;
    if (!probe.is_object()) return out;
    const json& devices = format::child_of(probe, "devices");
    if (devices.is_array())
        for (const json& device : devices)
            out.push_back({format::flag_of(device, "ok") ? "ok" : "failed",
                           "CUDA kernels on " + device_words(device, devices.size() > 1), "", "", ""});
    const json& peers = format::child_of(probe, "peers");
    if (peers.is_array() && !peers.empty()) {
        const bool good = std::ranges::all_of(peers, [](const json& p) { return format::flag_of(p, "ok"); });
        out.push_back({good ? "ok" : "failed", peer_words(peers), "", "", ""});
    }
    const json& problems = format::child_of(probe, "problems");
    if (problems.is_array())
        for (const json& p : problems)
            out.push_back({"failed", format::text_of(p, "sentence"), format::text_of(p, "advice"), "", ""});
    if (auto words = format::text_of(probe, "stage2_words"); !words.empty()) out.push_back({"note", words, "", "", ""});
    return out;
}

} // namespace tinderbox::machine
