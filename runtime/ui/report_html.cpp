// The report as one page that a lab administrator can file. It has no script and loads nothing.
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

std::string css_class(std::string_view word) {
    if (word == "ok" || word == "verified" || word == "passed") return "good";
    if (word == "warning" || word == "not verified") return "warn";
    if (word == "error" || word == "failed" || word == "refused" || word == "crashed" || word == "timeout")
        return "bad";
    return "quiet";
}

std::string mark(std::string_view word) {
    return fmt::format("<span class=\"mark {}\">{}</span>", css_class(word), html_escape(word));
}
std::string verdict(bool ok) { return mark(ok ? "ok" : "failed"); }

std::string section(std::string_view title, const std::string& body) {
    return body.empty() ? std::string()
                        : fmt::format("<section>\n<h2>{}</h2>\n{}</section>\n", html_escape(title), body);
}

// A table that scrolls by itself on a narrow screen. Cells are HTML; a column whose header begins with '#' holds
// numbers.
class Table {
  public:
    explicit Table(std::vector<std::string_view> headers, std::string_view css = "") : headers_(std::move(headers)) {
        out_ = fmt::format("<div class=\"scroll\"><table{}>\n<thead><tr>",
                           css.empty() ? std::string() : fmt::format(" class=\"{}\"", css));
        for (std::string_view header : headers_)
            out_ += fmt::format("<th{}>{}</th>", numeric(header) ? " class=\"n\"" : "",
                                html_escape(numeric(header) ? header.substr(1) : header));
        out_ += "</tr></thead>\n<tbody>\n";
    }
    void row(const std::vector<std::string>& cells) {
        out_ += "<tr>";
        for (std::size_t i = 0; i < cells.size(); ++i)
            out_ += fmt::format("<td{}>{}</td>", i < headers_.size() && numeric(headers_[i]) ? " class=\"n\"" : "",
                                cells[i]);
        out_ += "</tr>\n";
        ++rows_;
    }
    std::string finish() { return rows_ == 0 ? std::string() : out_ + "</tbody></table></div>\n"; }

  private:
    static bool numeric(std::string_view header) { return header.starts_with('#'); }
    std::vector<std::string_view> headers_;
    std::string out_;
    int rows_ = 0;
};

std::string milliseconds(double ms) {
    return ms < 10     ? fmt::format("{:.2f} ms", ms)
           : ms < 1000 ? fmt::format("{:.0f} ms", ms)
                       : format_duration(ms / 1000);
}

std::string lines_html(const std::vector<machine::ReportLine>& lines) {
    if (lines.empty()) return {};
    std::string out = "<ul class=\"lines\">\n";
    for (const machine::ReportLine& line : lines) {
        out += fmt::format("<li>{}<div>{}", mark(line.word), html_escape(line.sentence));
        if (!line.advice.empty()) out += fmt::format("<p class=\"advice\">{}</p>", html_escape(line.advice));
        if (!line.id.empty())
            out += fmt::format("<p class=\"id\">{}{}{}</p>", html_escape(line.id), line.docs.empty() ? "" : ", ",
                               html_escape(line.docs));
        out += "</div></li>\n";
    }
    return out + "</ul>\n";
}

// ---- at a glance

std::string facts_html(const json& report) {
    std::string out = "<dl>\n";
    auto fact = [&](std::string_view name, const std::string& value, bool code = false) {
        if (!value.empty())
            out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", name,
                               code ? "<code>" + html_escape(value) + "</code>" : html_escape(value));
    };
    const json& machine = format::child_of(format::child_of(report, "preflight"), "machine");
    const json& installer = format::child_of(report, "installer");
    fact("Environment", format::text_of(report, "environment"));
    fact("Prefix", format::text_of(report, "prefix"), true);
    if (format::child_of(report, "activate").is_string())
        fact("Activate with", format::text_of(report, "activate"), true);
    std::string system = format::text_of(machine, "distribution");
    if (auto kernel = format::text_of(machine, "kernel"); !kernel.empty())
        system += (system.empty() ? "Linux " : ", Linux ") + kernel;
    if (auto glibc = format::text_of(machine, "glibc"); !glibc.empty()) system += ", glibc " + glibc;
    const json& host = format::child_of(report, "host");
    fact("Host", format::text_of(host, "name"));
    fact("Machine", system);
    std::string processor = format::text_of(machine, "processor");
    if (auto level = format::number_of(machine, "cpu_level")) processor += fmt::format(" (x86-64-v{})", level);
    if (auto model = format::text_of(host, "processor"); !model.empty()) processor = model + ", " + processor;
    if (auto cpus = format::number_of(host, "cpus")) processor += fmt::format(", {} hardware threads", cpus);
    fact("Processor", processor);
    if (auto memory = format::number_of(host, "memory_bytes")) fact("Memory", format_bytes(memory));
    fact("Date", format::text_of(report, "created"));
    std::string file = format::text_of(installer, "file");
    if (auto size = format::number_of(installer, "size")) file += fmt::format(", {}", format_bytes(size));
    fact("Installer", file);
    fact("Manifest SHA-256", format::text_of(installer, "manifest_sha256"), true);
    fact("Made by", "Tinderbox " + format::text_of(report, "tinderbox"));
    return out + "</dl>\n";
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
            cells[name][way] = milliseconds(format::decimal_of(k, "ms")) + " " + verdict(format::flag_of(k, "ok"));
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
        row[1] = milliseconds(format::decimal_of(memory, "ms")) + " " + verdict(format::flag_of(memory, "ok"));
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
    std::string out = "<div class=\"bars\">\n";
    for (const auto& [direction, speed] : bandwidth.items()) {
        if (!speed.is_number()) continue;
        const double value = speed.get<double>();
        out += fmt::format("<span>{}</span><span class=\"bar\"><i style=\"width:{:.1f}%\"></i></span><span "
                           "class=\"n\">{:.1f} GB/s</span>\n",
                           html_escape(replace_all(direction, "_", " ")), most > 0 ? 100 * value / most : 0, value);
    }
    return out + "</div>\n";
}

std::string peers_html(const json& peers) {
    Table table({"From", "To", "Direct access", "#Copies", "Result"});
    if (peers.is_array())
        for (const json& p : peers)
            table.row(
                {fmt::format("GPU&nbsp;{}", format::number_of(p, "from")),
                 fmt::format("GPU&nbsp;{}", format::number_of(p, "to")), format::flag_of(p, "access") ? "yes" : "no",
                 fmt::format("{:.1f} GB/s", format::decimal_of(p, "gb_per_s")), verdict(format::flag_of(p, "ok"))});
    return table.finish();
}

std::string probe_html(const json& probe) {
    if (!probe.is_object()) return {};
    std::string out = "<dl>\n";
    auto fact = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, value);
    };
    auto version = [](std::uint64_t n) {
        return n ? fmt::format("CUDA {}.{}", n / 1000, n % 1000 / 10) : std::string();
    };
    fact("Driver API", mark(format::text_of(probe, "stage1")) + " " + version(format::number_of(probe, "driver_api")));
    fact("CUDA runtime", mark(replace_all(format::text_of(probe, "stage2"), "_", " ")) + " " +
                             version(format::number_of(probe, "runtime")));
    if (auto library = format::text_of(probe, "libcuda"); !library.empty())
        fact("Library", "<code>" + html_escape(library) + "</code>");
    out += "</dl>\n";
    std::vector<machine::ReportLine> problems;
    for (machine::ReportLine& line : machine::probe_lines(probe))
        if (line.word != "ok" && !line.sentence.starts_with("CUDA kernels on")) problems.push_back(std::move(line));
    out += lines_html(problems);
    const json& devices = format::child_of(probe, "devices");
    if (devices.is_array())
        for (const json& d : devices) {
            std::string about = fmt::format("compute capability {}", format::text_of(d, "compute_capability"));
            if (auto memory = format::number_of(d, "memory_bytes")) about += fmt::format(", {}", format_bytes(memory));
            out += fmt::format("<h3>GPU {}: {} <small>{}</small> {}</h3>\n", format::number_of(d, "index"),
                               html_escape(format::text_of(d, "name")), html_escape(about),
                               verdict(format::flag_of(d, "ok")));
            out += kernels_html(d) + bandwidth_html(d);
        }
    if (const std::string pairs = peers_html(format::child_of(probe, "peers")); !pairs.empty())
        out += "<h3>Between GPUs</h3>\n" + pairs;
    return out;
}

// ---- imports and frameworks

std::string checks_html(const json& checks) {
    if (!checks.is_array() || checks.empty()) return {};
    std::string out = lines_html(check_lines(checks));
    for (const json& c : checks) {
        const json& steps = format::child_of(c, "steps");
        if (!steps.is_array() || steps.empty()) continue;
        Table table({"Step", "What it said", "#Time", "Result"});
        for (const json& s : steps)
            table.row({html_escape(format::text_of(s, "name")), html_escape(format::text_of(s, "words")),
                       format_duration(format::decimal_of(s, "seconds")), verdict(format::flag_of(s, "ok"))});
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
    if (phases.empty() || most <= 0) return {};
    std::string out = "<div class=\"bars\">\n";
    for (const auto& [name, seconds] : phases)
        out += fmt::format(
            "<span>{}</span><span class=\"bar\"><i style=\"width:{:.1f}%\"></i></span><span class=\"n\">{}</span>\n",
            html_escape(name), 100 * seconds / most,
            seconds < 1 ? milliseconds(seconds * 1000) : format_duration(seconds));
    return out + "</div>\n";
}

std::string packages_html(const json& packages) {
    Table table({"Package", "Version", "Kind", "Licence", "SHA-256"}, "packages");
    if (packages.is_array())
        for (const json& p : packages)
            table.row({(format::flag_of(p, "requested") ? "<b>" + html_escape(format::text_of(p, "name")) + "</b>"
                                                        : html_escape(format::text_of(p, "name"))),
                       html_escape(format::text_of(p, "version")), html_escape(format::text_of(p, "kind")),
                       html_escape(format::text_of(p, "license")),
                       "<code>" + html_escape(format::text_of(p, "sha256")) + "</code>"});
    return table.finish();
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
    const json& packages = format::child_of(report, "packages");
    const auto code = format::number_of(report, "exit_code");
    const std::string gpu_state = format::text_of(format::child_of(report, "gpu"), "state");
    std::vector<machine::ReportLine> machine = finding_lines(format::child_of(preflight, "findings"));
    const std::string body =
        facts_html(report) +
        section("Driver, CUDA, GPU", three_numbers(report) + gpus_html(report) + lines_html(gpu_report_lines(report))) +
        section("Findings on this machine", lines_html(machine)) +
        section("CUDA probe", probe_html(format::child_of(verification, "probe"))) +
        section("Imports and frameworks", checks_html(format::child_of(verification, "checks"))) +
        section(format::child_of(report, "installation").is_object() ? "Installation" : "Time",
                lines_html(installation_lines(format::child_of(report, "installation"))) + phases_html(report)) +
        section("Shells", lines_html(shell_lines(format::child_of(report, "shells")))) +
        section(fmt::format("Packages ({})", packages.is_array() ? packages.size() : 0), packages_html(packages));
    const bool doubtful = code == 0 && (gpu_state == "not verified" || gpu_state == "failed" || gpu_state == "refused");
    return fill(report_template(), {{"@TITLE@", html_escape(format::text_of(report, "name"))},
                                    {"@SUMMARY@", html_escape(format::text_of(report, "summary"))},
                                    {"@CODE@", fmt::format("exit {}", code)},
                                    {"@STATE@", code != 0  ? "bad"
                                                : doubtful ? "warn"
                                                           : "good"},
                                    {"@BODY@", body}});
}

} // namespace tinderbox::ui
