// The report as one page that a lab administrator can file. It has no script and loads nothing.
#include "runtime/ui/html_parts.hpp"
#include "runtime/ui/report_read.hpp"
#include "runtime/ui/report_template.hpp"

#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/base/visible.hpp"

#include <algorithm>
#include <map>

namespace tinderbox::ui {
namespace {

using nlohmann::json;

std::string milliseconds(double ms) {
    return ms < 10     ? fmt::format("{:.2f} ms", ms)
           : ms < 1000 ? fmt::format("{:.0f} ms", ms)
                       : format_duration(ms / 1000);
}

// ---- problems, which the page shows first

std::string gpu_reason(const json& report) { return format::text_of(format::child_of(report, "gpu"), "reason"); }

// `reason`: why the GPU is not verified; a row that tells it belongs to the problems, whatever its word is. "" = none.
bool is_problem(const machine::ReportLine& line, std::string_view reason) {
    const std::string css = css_class(line.word);
    return css == "warn" || css == "bad" || (!reason.empty() && line.sentence.find(reason) != std::string::npos);
}

std::vector<machine::ReportLine> unproblematic(std::vector<machine::ReportLine> lines, std::string_view reason) {
    std::erase_if(lines, [&](const machine::ReportLine& line) { return is_problem(line, reason); });
    return lines;
}

// Without the rows about devices, which have tables.
std::vector<machine::ReportLine> probe_problems(const json& probe) {
    std::vector<machine::ReportLine> lines = machine::probe_lines(probe);
    std::erase_if(lines, [](const machine::ReportLine& line) {
        return line.word == "ok" || line.sentence.starts_with("CUDA kernels on");
    });
    return lines;
}

// The worst first.
std::vector<machine::ReportLine> problems(const json& report, std::string_view reason) {
    const json& verification = format::child_of(report, "verification");
    std::vector<machine::ReportLine> out;
    for (auto& lines : {gpu_report_lines(report), probe_problems(format::child_of(verification, "probe")),
                        finding_lines(format::child_of(format::child_of(report, "preflight"), "findings")),
                        check_lines(format::child_of(verification, "checks")),
                        installation_lines(format::child_of(report, "installation")),
                        shell_lines(format::child_of(report, "shells"))})
        std::ranges::copy_if(lines, std::back_inserter(out),
                             [&](const machine::ReportLine& line) { return is_problem(line, reason); });
    std::ranges::stable_sort(out, std::ranges::greater{},
                             [](const machine::ReportLine& line) { return css_class(line.word) == "bad"; });
    return out;
}

std::string_view kind_of(const json& report) {
    const std::string mode = format::text_of(report, "mode");
    if (mode == "check") return "Check before an installation";
    if (mode == "verify-only") return "Verification";
    return mode == "extract" ? "Extraction" : "Installation";
}

// ---- at a glance

std::string next_html(const json& report) {
    Facts facts;
    for (const machine::ReportLine& line : next_lines(report)) facts.code(line.word, line.sentence);
    return facts.finish();
}

// "2026-11-30T19:04:16+01:00" → "2026-11-30 19:04:16".
std::string clock_of(const std::string& time) { return replace_all(time.substr(0, 19), "T", " "); }

std::string date_html(const json& report) {
    const std::string utc = format::text_of(report, "created");
    const std::string utc_words = utc.empty() ? "" : clock_of(utc) + " UTC";
    const json& local = format::child_of(report, "local_time");
    const std::string time = format::text_of(local, "time");
    if (time.size() <= 19) return html_escape(utc_words);
    return fmt::format("{} <small>{} (UTC{})</small><br><small>{}</small>", html_escape(clock_of(time)),
                       html_escape(format::text_of(local, "zone")), html_escape(time.substr(19)),
                       html_escape(utc_words));
}

std::string facts_html(const json& report) {
    Facts facts;
    const json& machine = format::child_of(format::child_of(report, "preflight"), "machine");
    const json& installer = format::child_of(report, "installer");
    const json& host = format::child_of(report, "host");
    facts.text("Host", format::text_of(host, "name"));
    facts.html("Date", date_html(report));
    facts.text("Environment", format::text_of(report, "environment"));
    facts.code("Prefix", format::text_of(report, "prefix"));
    std::string system = format::text_of(machine, "distribution");
    if (auto kernel = format::text_of(machine, "kernel"); !kernel.empty())
        system += (system.empty() ? "Linux " : ", Linux ") + kernel;
    if (auto glibc = format::text_of(machine, "glibc"); !glibc.empty()) system += ", glibc " + glibc;
    facts.text("System", system);
    std::string processor = format::text_of(machine, "processor");
    if (auto level = format::number_of(machine, "cpu_level")) processor += fmt::format(" (x86-64-v{})", level);
    if (auto model = format::text_of(host, "processor"); !model.empty()) processor = model + ", " + processor;
    if (auto cpus = format::number_of(host, "cpus")) processor += fmt::format(", {} hardware threads", cpus);
    facts.text("Processor", processor);
    if (auto memory = format::number_of(host, "memory_bytes")) facts.text("Memory", format_bytes(memory));
    std::string file = format::text_of(installer, "file");
    if (auto size = format::number_of(installer, "size")) file += fmt::format(", {}", format_bytes(size));
    facts.text("Installer", file);
    return facts.finish();
}

// ---- driver ≥ runtime ≥ GPU

std::string three_numbers(const json& report) {
    const json& gpu = format::child_of(format::child_of(report, "preflight"), "gpu");
    const json& needs = format::child_of(report, "requirements");
    const std::string runtime = format::text_of(needs, "cuda_runtime"), floor = format::text_of(needs, "driver_floor");
    if (runtime.empty() && floor.empty()) return {};
    std::string driver = format::text_of(gpu, "driver"), of_cuda = format::text_of(gpu, "driver_cuda"),
                kind = format::text_of(gpu, "driver_kind");
    std::string compute;
    const json& devices = format::child_of(gpu, "devices");
    if (devices.is_array())
        for (const json& device : devices)
            if (auto cc = format::text_of(device, "compute_capability");
                !cc.empty() && compute.find(cc) == std::string::npos)
                compute += (compute.empty() ? "" : ", ") + cc;
    auto box = [](std::string_view title, const std::string& value, const std::string& words) {
        return fmt::format("<div><span>{}</span><strong>{}</strong><small>{}</small></div>", title,
                           html_escape(value.empty() ? "none" : value), html_escape(words));
    };
    return "<div class=\"numbers\">" +
           box("Driver", driver,
               of_cuda.empty() ? kind : fmt::format("of CUDA {}{}", of_cuda, kind.empty() ? "" : ", " + kind)) +
           box("Environment's CUDA", runtime, floor.empty() ? "" : fmt::format("needs driver {} or newer", floor)) +
           box("GPU", compute, compute.empty() ? "" : "compute capability") + "</div>\n";
}

std::string gpus_html(const json& report) {
    const json& devices = format::child_of(format::child_of(format::child_of(report, "preflight"), "gpu"), "devices");
    Table table({"GPU", "PCI address", "#Compute capability", "Kernel driver", "Identity"});
    if (devices.is_array())
        for (const json& d : devices) {
            std::string notes;
            auto note = [&](const std::string& words) { notes += (notes.empty() ? "" : ", ") + words; };
            if (auto profile = format::text_of(d, "vgpu_profile"); !profile.empty()) note("vGPU " + profile);
            if (format::flag_of(d, "excluded")) note("excluded by the driver's parameters");
            if (format::flag_of(d, "denied")) note("not for this user");
            const std::string name = format::text_of(d, "name");
            table.row({fmt::format("{}{}", html_escape(name.empty() ? "unknown model" : name),
                                   notes.empty() ? "" : fmt::format("<p class=\"advice\">{}</p>", html_escape(notes))),
                       "<code>" + html_escape(format::text_of(d, "address")) + "</code>",
                       html_escape(format::text_of(d, "compute_capability")),
                       html_escape(format::text_of(d, "kernel_driver").empty() ? "none"
                                                                               : format::text_of(d, "kernel_driver")),
                       "<code>" +
                           html_escape(format::text_of(d, "uuid").empty() ? format::text_of(d, "pci_id")
                                                                          : format::text_of(d, "uuid")) +
                           "</code>"});
        }
    return table.finish();
}

// ---- the probe

// A row for each kernel, a column for each way it ran: machine code and PTX through the driver, PTX through the
// runtime.
std::string kernels_html(const json& device) {
    std::vector<std::pair<std::uint64_t, std::string>> ways;
    std::vector<std::string> names;
    std::map<std::string, std::map<std::pair<std::uint64_t, std::string>, std::string>> cells;
    const json& kernels = format::child_of(device, "kernels");
    if (kernels.is_array())
        for (const json& k : kernels) {
            const std::pair way{format::number_of(k, "stage"), format::text_of(k, "image")};
            const std::string name = format::text_of(k, "kernel");
            if (std::ranges::find(ways, way) == ways.end()) ways.push_back(way);
            if (std::ranges::find(names, name) == names.end()) names.push_back(name);
            cells[name][way] = milliseconds(format::decimal_of(k, "ms")) + " " + passed(format::flag_of(k, "ok"));
        }
    std::vector<std::string> headers = {"Test"};
    for (const auto& [stage, image] : ways)
        headers.push_back(fmt::format("#{}{}", image == "ptx" ? "PTX" : image, stage == 2 ? ", CUDA runtime" : ""));
    if (ways.empty()) headers.emplace_back("#Result");
    Table table({headers.begin(), headers.end()});
    for (const std::string& name : names) {
        std::vector<std::string> row = {html_escape(name)};
        for (const auto& way : ways) row.push_back(cells[name][way]);
        table.row(row);
    }
    if (const json& memory = format::child_of(device, "memory_test"); memory.is_object()) {
        std::vector<std::string> row(headers.size());
        row[0] = fmt::format("memory, {} ({} % of what was free)", format_bytes(format::number_of(memory, "bytes")),
                             format::number_of(memory, "percent"));
        row[1] = milliseconds(format::decimal_of(memory, "ms")) + " " + passed(format::flag_of(memory, "ok"));
        table.row(row);
    }
    return table.finish();
}

// Bars are relative to the fastest direction: a copy inside a device is ten times as fast as one over the bus.
std::string bandwidth_html(const json& device) {
    const json& bandwidth = format::child_of(device, "bandwidth_gb_per_s");
    if (!bandwidth.is_object() || bandwidth.empty()) return {};
    double most = 0;
    for (const auto& [direction, speed] : bandwidth.items())
        if (speed.is_number()) most = std::max(most, speed.get<double>());
    std::vector<Bar> bars;
    for (const auto& [direction, speed] : bandwidth.items()) {
        if (!speed.is_number()) continue;
        const double value = speed.get<double>();
        bars.push_back(
            {replace_all(direction, "_", " "), most > 0 ? value / most : 0, fmt::format("{:.1f} GB/s", value)});
    }
    return bars_html(bars);
}

std::string peers_html(const json& peers) {
    Table table({"From", "To", "Direct access", "#Copies", "Result"});
    if (peers.is_array())
        for (const json& p : peers)
            table.row(
                {fmt::format("GPU&nbsp;{}", format::number_of(p, "from")),
                 fmt::format("GPU&nbsp;{}", format::number_of(p, "to")), format::flag_of(p, "access") ? "yes" : "no",
                 fmt::format("{:.1f} GB/s", format::decimal_of(p, "gb_per_s")), passed(format::flag_of(p, "ok"))});
    return table.finish();
}

std::string probe_html(const json& probe) {
    if (!probe.is_object()) return {};
    auto version = [](std::uint64_t n) {
        return n ? fmt::format(" CUDA {}.{}", n / 1000, n % 1000 / 10) : std::string();
    };
    Facts facts;
    facts.html("Driver API", mark(format::text_of(probe, "stage1")) + version(format::number_of(probe, "driver_api")));
    facts.html("CUDA runtime", mark(replace_all(format::text_of(probe, "stage2"), "_", " ")) +
                                   version(format::number_of(probe, "runtime")));
    facts.code("Library", format::text_of(probe, "libcuda"));
    std::string out = facts.finish();
    out += lines_html(unproblematic(probe_problems(probe), ""));
    const json& devices = format::child_of(probe, "devices");
    if (devices.is_array())
        for (const json& d : devices) {
            std::string about = fmt::format("compute capability {}", format::text_of(d, "compute_capability"));
            if (auto memory = format::number_of(d, "memory_bytes")) about += fmt::format(", {}", format_bytes(memory));
            out += fmt::format("<h3>GPU {}: {} <small>{}</small> {}</h3>\n", format::number_of(d, "index"),
                               html_escape(format::text_of(d, "name")), html_escape(about),
                               passed(format::flag_of(d, "ok")));
            out += kernels_html(d) + bandwidth_html(d);
        }
    if (const std::string pairs = peers_html(format::child_of(probe, "peers")); !pairs.empty())
        out += "<h3>Between GPUs</h3>\n" + pairs;
    return out;
}

// ---- imports and frameworks

std::string checks_html(const json& checks) {
    if (!checks.is_array() || checks.empty()) return {};
    std::string out = lines_html(unproblematic(check_lines(checks), ""));
    for (const json& c : checks) {
        const json& steps = format::child_of(c, "steps");
        if (!steps.is_array() || steps.empty()) continue;
        Table table({"Step", "What it said", "#Time", "Result"});
        for (const json& s : steps)
            table.row({html_escape(format::text_of(s, "name")), html_escape(format::text_of(s, "words")),
                       format_duration(format::decimal_of(s, "seconds")), passed(format::flag_of(s, "ok"))});
        out += fmt::format("<h3>{}{}{}</h3>\n{}", html_escape(format::text_of(c, "name")),
                           format::text_of(c, "environment") == "user" ? " <small>in the user's shell</small>" : "",
                           format::text_of(c, "device").empty()
                               ? ""
                               : fmt::format(" <small>on {}</small>", html_escape(format::text_of(c, "device"))),
                           table.finish());
    }
    return out;
}

// ---- phases and packages

std::string phases_html(const json& report) {
    std::vector<std::pair<std::string, double>> phases;
    if (const json& p = format::child_of(report, "preflight"); format::child_of(p, "seconds").is_number())
        phases.emplace_back("preflight", format::decimal_of(p, "seconds"));
    const json& stages = format::child_of(format::child_of(report, "installation"), "stages");
    if (stages.is_array())
        for (const json& s : stages) phases.emplace_back(format::text_of(s, "name"), format::decimal_of(s, "seconds"));
    if (const json& v = format::child_of(report, "verification"); format::child_of(v, "seconds").is_number())
        phases.emplace_back("verification", format::decimal_of(v, "seconds"));
    double most = 0;
    for (const auto& [name, seconds] : phases) most = std::max(most, seconds);
    if (phases.size() < 2 || most <= 0) return {}; // one bar compares nothing
    std::vector<Bar> bars;
    for (const auto& [name, seconds] : phases)
        bars.push_back({name, seconds / most, seconds < 1 ? milliseconds(seconds * 1000) : format_duration(seconds)});
    return bars_html(bars);
}

std::string packages_html(const json& packages) {
    if (!packages.is_array()) return {};
    Table table({"Package", "Version", "Kind", "Licence"}, "packages");
    auto group = [&](std::string_view title, bool requested) {
        if (std::ranges::none_of(packages, [&](const json& p) { return format::flag_of(p, "requested") == requested; }))
            return;
        table.group(title);
        for (const json& p : packages)
            if (format::flag_of(p, "requested") == requested)
                table.row({html_escape(format::text_of(p, "name")), html_escape(format::text_of(p, "version")),
                           html_escape(format::text_of(p, "kind")),
                           html_escape(licence_name(format::text_of(p, "license")))});
    };
    group("Asked for", true);
    group("Needed by these, or sent along", false);
    Facts hashes;
    for (const json& p : packages)
        hashes.code(format::text_of(p, "name") + " " + format::text_of(p, "version"), format::text_of(p, "sha256"));
    return table.finish() + fold("SHA-256 of each package", hashes.finish());
}

// For the person who is asked for help: what programs know the result by.
std::string support_html(const json& report) {
    Facts facts;
    facts.text("Exit code", std::to_string(format::number_of(report, "exit_code")));
    facts.code("Manifest SHA-256", format::text_of(format::child_of(report, "installer"), "manifest_sha256"));
    facts.text("Made by", "Tinderbox " + format::text_of(report, "tinderbox"));
    facts.text("Report format", std::to_string(format::number_of(report, "report")));
    for (const machine::ReportLine& line :
         finding_lines(format::child_of(format::child_of(report, "preflight"), "findings")))
        if (!line.id.empty()) facts.html(line.id, mark(line.word) + " " + html_escape(line.sentence));
    return fold("Exit code, rule ids and hashes", facts.finish());
}

std::string fill(std::string_view page, const std::vector<std::pair<std::string_view, std::string>>& values) {
    // In one pass: a value that looks like a placeholder is not filled in again.
    std::string out;
    while (!page.empty()) {
        auto at = page.find('@');
        out += page.substr(0, at);
        if (at == std::string_view::npos) break;
        page.remove_prefix(at);
        auto value = std::ranges::find_if(values, [&](const auto& v) { return page.starts_with(v.first); });
        out += value == values.end() ? "@" : value->second;
        page.remove_prefix(value == values.end() ? 1 : value->first.size());
    }
    return out;
}

} // namespace

std::string html_escape(std::string_view words) {
    std::string out;
    for (char c : visible_lines(words)) {
        switch (c) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        case '\'':
            out += "&#39;";
            break;
        default:
            out += c;
        }
    }
    return out;
}

std::string render_report_html(const json& report) {
    const json& preflight = format::child_of(report, "preflight");
    const json& verification = format::child_of(report, "verification");
    const json& installation = format::child_of(report, "installation");
    const json& packages = format::child_of(report, "packages");
    const json& shells = format::child_of(report, "shells");
    const Verdict verdict = verdict_of(report);
    const std::string reason = verdict.css == "good" ? "" : gpu_reason(report);
    auto rest = [&](const std::vector<machine::ReportLine>& lines) { return lines_html(unproblematic(lines, reason)); };
    const std::string body =
        section("What needs attention", lines_html(problems(report, reason))) + section("Next", next_html(report)) +
        section("At a glance", facts_html(report)) +
        section("Driver, CUDA, GPU", three_numbers(report) + gpus_html(report) + rest(gpu_report_lines(report))) +
        section("Machine", rest(finding_lines(format::child_of(preflight, "findings")))) +
        section("CUDA probe", probe_html(format::child_of(verification, "probe"))) +
        section("Imports and frameworks", checks_html(format::child_of(verification, "checks"))) +
        section(installation.is_object() ? "Installation" : "Time",
                rest(installation_lines(installation)) + phases_html(report)) +
        section("Shells", rest(shell_lines(shells))) +
        section(fmt::format("Packages ({})", packages.is_array() ? packages.size() : 0), packages_html(packages)) +
        section("For support", support_html(report));
    return fill(report_template(), {{"@TITLE@", html_escape(format::text_of(report, "name"))},
                                    {"@KIND@", html_escape(kind_of(report))},
                                    {"@VERDICT@", html_escape(verdict.word)},
                                    {"@ICON@", icon(verdict.css)},
                                    {"@STATE@", std::string(verdict.css)},
                                    {"@SUMMARY@", html_escape(format::text_of(report, "summary"))},
                                    {"@BODY@", body}});
}

} // namespace tinderbox::ui
