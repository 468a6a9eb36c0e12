#include "common/machine/host.hpp"

#include "common/base/memory_info.hpp"
#include "common/base/text.hpp"
#include "common/machine/driver_texts.hpp"

#include <nlohmann/json.hpp>

#include <optional>

namespace tinderbox::machine {
namespace {

// "KEY : VALUE" → VALUE.
std::optional<std::string_view> field(std::string_view line, std::string_view key) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || trim(line.substr(0, colon)) != key) return std::nullopt;
    return trim(line.substr(colon + 1));
}

std::uint64_t memory_of(const SystemRoot& root, std::string_view key) {
    return memory_field(root.text("/proc/meminfo").value_or(""), key);
}

} // namespace

HostFacts read_host_facts(const SystemRoot& root) {
    constexpr std::size_t cpuinfo_limit = 16u << 20; // some two kilobytes a hardware thread
    HostFacts out;
    if (auto text = root.text("/proc/sys/kernel/hostname")) out.name = printable_line(trim(*text));
    if (auto text = root.text("/proc/cpuinfo", cpuinfo_limit))
        for (std::string_view line : split_lines(*text)) {
            if (field(line, "processor")) ++out.cpus;
            if (auto model = field(line, "model name"); model && out.processor.empty())
                out.processor = printable_line(*model);
        }
    out.memory_bytes = memory_of(root, "MemTotal");
    return out;
}

std::uint64_t available_memory(const SystemRoot& root) { return memory_of(root, "MemAvailable"); }

nlohmann::json to_json(const HostFacts& facts) {
    nlohmann::json out = nlohmann::json::object();
    if (!facts.name.empty()) out["name"] = facts.name;
    if (!facts.processor.empty()) out["processor"] = facts.processor;
    if (facts.cpus != 0) out["cpus"] = facts.cpus;
    if (facts.memory_bytes != 0) out["memory_bytes"] = facts.memory_bytes;
    return out;
}

} // namespace tinderbox::machine
