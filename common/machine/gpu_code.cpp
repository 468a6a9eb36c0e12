#include "common/machine/gpu_code.hpp"

#include "common/base/last_component.hpp"
#include "common/base/text.hpp"
#include "common/base/version_order.hpp"
#include "common/machine/gpu_table.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace tinderbox::machine {
namespace {

struct Architecture {
    int compute = 0;
    char variant = 0; // 'a', 'f' or 0
};

std::optional<Architecture> parse_architecture(std::string_view text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return std::nullopt;
    text.remove_prefix(prefix.size());
    Architecture out;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.compute);
    if (error != std::errc()) return std::nullopt;
    if (end != text.data() + text.size()) out.variant = *end;
    return out;
}

bool same_major(int a, int b) { return a / 10 == b / 10; }

// Machine code is better than PTX; of two images of one kind the one for the nearer architecture is better.
bool better(const CodeFor& a, const CodeFor& b) {
    if (a.name.empty() || b.name.empty()) return !a.name.empty();
    if (a.machine_code != b.machine_code) return a.machine_code;
    auto number = [](const CodeFor& c) {
        auto arch = parse_architecture(c.name, c.machine_code ? "sm_" : "compute_");
        return arch ? arch->compute : 0;
    };
    return number(a) > number(b);
}

} // namespace

bool sass_runs_on(std::string_view sass, int compute) {
    auto arch = parse_architecture(sass, "sm_");
    if (!arch) return false;
    if (arch->variant == 'a') return arch->compute == compute;
    return same_major(arch->compute, compute) && arch->compute <= compute;
}

bool ptx_runs_on(std::string_view ptx, int compute) {
    auto arch = parse_architecture(ptx, "compute_");
    if (!arch) return false;
    if (arch->variant == 'a') return arch->compute == compute;
    if (arch->variant == 'f') return same_major(arch->compute, compute) && arch->compute <= compute;
    return arch->compute <= compute;
}

CodeFor code_for(const format::GpuLibrary& library, int compute) {
    CodeFor best;
    auto offer = [&](const std::string& name, bool machine_code) {
        CodeFor code{name, library.path, {}, machine_code};
        if (auto isa = library.ptx_isa.find(name); !machine_code && isa != library.ptx_isa.end())
            code.ptx_isa = isa->second;
        if (better(code, best)) best = std::move(code);
    };
    for (const std::string& sass : library.sass)
        if (sass_runs_on(sass, compute)) offer(sass, true);
    for (const std::string& ptx : library.ptx)
        if (ptx_runs_on(ptx, compute)) offer(ptx, false);
    return best;
}

std::vector<const format::GpuLibrary*> deciding_libraries(const format::Requirements& needs) {
    std::vector<const format::GpuLibrary*> out;
    for (const char* role : {"framework", "nvidia", "other"}) {
        for (const format::GpuLibrary& library : needs.gpu_libraries)
            if (library.role == role) out.push_back(&library);
        if (!out.empty()) break;
    }
    return out;
}

CodeFor code_for(const format::Requirements& needs, int compute) {
    CodeFor best;
    for (const format::GpuLibrary* library : deciding_libraries(needs))
        if (CodeFor code = code_for(*library, compute); better(code, best)) best = std::move(code);
    return best;
}

std::vector<int> supported_compute(const format::GpuLibrary& library) {
    std::vector<int> out;
    for (int compute : known_compute)
        if (!code_for(library, compute).name.empty()) out.push_back(compute);
    return out;
}

std::string unknown_gpu_code(const format::Requirements& needs) {
    for (const format::CudaEvidence& evidence : needs.cuda_evidence)
        if (evidence.major == 0) return evidence.because;
    return {};
}

namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

void add_code_lines(const format::Requirements& needs, Lines& out) {
    const auto deciding = deciding_libraries(needs);
    if (deciding.empty()) return;
    const format::GpuLibrary* shown = deciding.front(); // of several libraries the one with the most code
    for (const format::GpuLibrary* library : deciding)
        if (supported_compute(*library).size() > supported_compute(*shown).size()) shown = library;
    std::string code = fmt::format("{}", fmt::join(shown->sass, " "));
    for (const std::string& ptx : shown->ptx) code += fmt::format("{}PTX {}", code.empty() ? "" : ", ", ptx);
    out.emplace_back("GPU code", fmt::format("{} ({})", code, last_component(shown->path)));
    for (const format::GpuLibrary& library : needs.gpu_libraries)
        if (library.path == needs.gpu_weakest && library.path != shown->path) {
            auto compute = supported_compute(library);
            out.emplace_back("weakest", fmt::format("{}: {}", last_component(library.path),
                                                    compute.empty() ? "no GPU of the table"
                                                                    : fmt::format("compute capability {} to {}",
                                                                                  compute_text(compute.front()),
                                                                                  compute_text(compute.back()))));
        }
}

std::string driver_words(const format::Requirements& needs) {
    std::string out =
        needs.driver_floor.empty() ? "an NVIDIA driver" : fmt::format("NVIDIA driver {} or newer", needs.driver_floor);
    if (!needs.ptx_driver_floor.empty() && compare_versions(needs.ptx_driver_floor, needs.driver_floor) > 0)
        out += fmt::format("; {} or newer for a GPU that has to compile PTX of CUDA {}", needs.ptx_driver_floor,
                           needs.ptx_cuda);
    else if (!needs.ptx_cuda.empty() && needs.ptx_driver_floor.empty())
        out += fmt::format("; the driver of CUDA {} for a GPU that has to compile PTX", needs.ptx_cuda);
    return out;
}

} // namespace

std::vector<std::pair<std::string, std::string>> gpu_lines(const format::Requirements& needs) {
    Lines out;
    const std::string unknown = unknown_gpu_code(needs);
    if (!needs.cuda_major && unknown.empty()) return out;
    std::string cuda = !needs.cuda_runtime.empty() ? needs.cuda_runtime
                       : needs.cuda_major          ? std::to_string(*needs.cuda_major)
                                                   : "unknown";
    if (needs.cuda_major && !needs.cuda_evidence.empty())
        cuda += fmt::format(" ({})", needs.cuda_evidence.front().because);
    out.emplace_back("CUDA", cuda);
    out.emplace_back("needs", driver_words(needs));
    if (!unknown.empty()) out.emplace_back("unknown", unknown);
    add_code_lines(needs, out);
    return out;
}

} // namespace tinderbox::machine
