#include "runtime/ui/report.hpp"

#include "common/base/text.hpp"
#include "runtime/ui/report_template.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox {
namespace {

using nlohmann::json;

// Reading a report never throws: what is missing or of another type is empty.
std::string text(const json& j, const char* key) {
    if (!j.is_object()) return {};
    auto found = j.find(key);
    if (found == j.end() || found->is_null()) return {};
    return found->is_string() ? found->get<std::string>() : found->dump();
}
const json& child(const json& j, const char* key) {
    static const json nothing = nullptr;
    if (!j.is_object()) return nothing;
    auto found = j.find(key);
    return found == j.end() ? nothing : *found;
}
std::uint64_t number(const json& j, const char* key) {
    const json& value = child(j, key);
    return value.is_number() ? value.get<std::uint64_t>() : 0;
}
double decimal(const json& j, const char* key) {
    const json& value = child(j, key);
    return value.is_number() ? value.get<double>() : 0;
}
bool flag(const json& j, const char* key) {
    const json& value = child(j, key);
    return value.is_boolean() && value.get<bool>();
}

std::string paint(Style style, std::string_view words, bool colour) {
    static constexpr const char* codes[] = {"", "1", "2", "32", "33", "31"};
    if (!colour || style == Style::plain) return std::string(words);
    return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<int>(style)], words);
}

Style style_of(std::string_view severity) {
    if (severity == "ok" || severity == "verified") return Style::green;
    if (severity == "warning" || severity == "not verified") return Style::yellow;
    if (severity == "error" || severity == "failed" || severity == "refused") return Style::red;
    return Style::dim;
}

// One row: a word in a column of its own, then text; advice goes below it with an arrow.
std::string row(std::string_view word, std::string_view sentence, std::string_view advice, bool colour) {
    std::string out =
        fmt::format("  {} {}\n", paint(style_of(word), fmt::format("{:<12}", word), colour), sentence);
    if (!advice.empty()) out += fmt::format("  {:<12} → {}\n", "", advice);
    return out;
}

std::string heading(std::string_view title, bool colour) {
    return "\n" + paint(Style::bold, title, colour) + "\n";
}

std::string describe_device(const json& device) {
    std::string out = text(device, "name");
    if (auto cc = text(device, "compute_capability"); !cc.empty())
        out += fmt::format(", compute capability {}", cc);
    if (auto memory = number(device, "memory_bytes")) out += fmt::format(", {}", format_bytes(memory));
    const json& bandwidth = child(device, "bandwidth_gb_per_s");
    if (bandwidth.is_object() && !bandwidth.empty()) {
        std::string speeds;
        for (const auto& [direction, speed] : bandwidth.items())
            if (speed.is_number())
                speeds += fmt::format("{}{} {:.1f} GB/s", speeds.empty() ? "" : ", ",
                                      replace_all(direction, "_", " "), speed.get<double>());
        out += fmt::format("; {}", speeds);
    }
    return out;
}

struct Line {
    std::string word, sentence, advice;
};

std::vector<Line> finding_lines(const json& findings) {
    std::vector<Line> out;
    if (findings.is_array())
        for (const json& f : findings)
            out.push_back({text(f, "severity"), text(f, "sentence"), text(f, "advice")});
    return out;
}

std::vector<Line> installation_lines(const json& installation) {
    std::vector<Line> out;
    if (!installation.is_object()) return out;
    std::string rate;
    if (double seconds = decimal(installation, "seconds"); seconds > 0)
        rate = fmt::format(" in {}", format_duration(seconds));
    out.push_back({"ok",
                   fmt::format("{} files, {}{}", number(installation, "files"),
                               format_bytes(number(installation, "bytes")), rate),
                   ""});
    const json& notes = child(installation, "notes");
    if (notes.is_array())
        for (const json& note : notes)
            if (note.is_string()) out.push_back({"note", note.get<std::string>(), ""});
    return out;
}

// What `conda init` did to the start-up files.
std::vector<Line> shell_lines(const json& shells) {
    std::vector<Line> out;
    if (!shells.is_array()) return out;
    for (const json& shell : shells) {
        const std::string outcome = text(shell, "outcome"), words = text(shell, "words"),
                          backup = text(shell, "backup");
        std::string sentence = text(shell, "file");
        if (outcome == "modified")
            sentence += fmt::format(": conda initialized{}", backup.empty() ? "" : "; as it was: " + backup);
        else if (outcome == "unchanged")
            sentence += ": nothing to change";
        if (!words.empty()) sentence += ": " + words;
        out.push_back({outcome == "failed" || (outcome == "unchanged" && !words.empty()) ? "warning"
                       : outcome == "modified"                                           ? "ok"
                                                                                         : "note",
                       sentence, ""});
    }
    return out;
}

std::vector<Line> verification_lines(const json& report) {
    std::vector<Line> out;
    const json& verification = child(report, "verification");
    if (verification.is_object()) {
        const json& probe = child(verification, "probe");
        const json& devices = child(probe, "devices");
        if (devices.is_array())
            for (const json& device : devices)
                out.push_back(
                    {flag(device, "ok") ? "ok" : "failed", "CUDA kernel on " + describe_device(device), ""});
        const json& problems = child(probe, "problems");
        if (problems.is_array())
            for (const json& p : problems)
                out.push_back({"failed", text(p, "sentence"), text(p, "advice")});
        if (probe.is_object())
            if (auto words = text(probe, "stage2_words"); !words.empty()) out.push_back({"note", words, ""});
        const json& checks = child(verification, "checks");
        if (checks.is_array())
            for (const json& c : checks)
                out.push_back({flag(c, "ok") ? (text(c, "advice").empty() ? "ok" : "warning") : "failed",
                               text(c, "sentence"), text(c, "advice")});
    }
    const json& gpu = child(report, "gpu");
    if (gpu.is_object()) {
        std::string state = text(gpu, "state"), reason = text(gpu, "reason");
        out.push_back({state == "verified" ? "ok" : state,
                       fmt::format("GPU: {}{}{}", state, reason.empty() ? "" : ": ", reason), ""});
    }
    return out;
}

std::string lines_text(const std::vector<Line>& lines, bool colour) {
    std::string out;
    for (const Line& line : lines)
        out += row(line.word, line.sentence, line.advice, colour);
    return out;
}

// ---- HTML
// ----------------------------------------------------------------------------------------------------

std::string css_class(std::string_view word) {
    if (word == "ok" || word == "verified") return "good";
    if (word == "warning" || word == "not verified") return "warn";
    if (word == "error" || word == "failed" || word == "refused") return "bad";
    return "quiet";
}

std::string lines_html(const std::vector<Line>& lines) {
    std::string out = "<table class=\"lines\">\n";
    for (const Line& line : lines) {
        out += fmt::format("<tr><td><span class=\"mark {}\">{}</span></td><td>{}", css_class(line.word),
                           html_escape(line.word), html_escape(line.sentence));
        if (!line.advice.empty())
            out += fmt::format("<div class=\"advice\">{}</div>", html_escape(line.advice));
        out += "</td></tr>\n";
    }
    return out + "</table>\n";
}

std::string section_html(std::string_view title, const std::vector<Line>& lines) {
    return lines.empty() ? std::string()
                         : fmt::format("<h2>{}</h2>\n{}", html_escape(title), lines_html(lines));
}

std::string packages_html(const json& packages) {
    if (!packages.is_array() || packages.empty()) return {};
    std::string out = fmt::format("<h2>Packages ({})</h2>\n<table class=\"packages\">\n"
                                  "<tr><th>Name</th><th>Version</th><th>Kind</th><th>Licence</th></tr>\n",
                                  packages.size());
    for (const json& p : packages)
        out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                           html_escape(text(p, "name")), html_escape(text(p, "version")),
                           html_escape(text(p, "kind")), html_escape(text(p, "license")));
    return out + "</table>\n";
}

std::string facts_html(const json& report) {
    std::string out = "<dl>\n";
    auto fact = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, html_escape(value));
    };
    fact("Environment", text(report, "environment"));
    fact("Prefix", text(report, "prefix"));
    fact("Platform", text(report, "platform"));
    const json& machine = child(child(report, "preflight"), "machine");
    fact("System", text(machine, "distribution"));
    fact("Kernel", text(machine, "kernel"));
    const json& gpu = child(child(report, "preflight"), "gpu");
    fact("NVIDIA driver", text(gpu, "driver"));
    const json& requirements = child(report, "requirements");
    fact("CUDA of the environment", text(requirements, "cuda_runtime"));
    fact("Driver needed", text(requirements, "driver_floor"));
    fact("Installer", text(child(report, "installer"), "file"));
    fact("Manifest SHA-256", text(child(report, "installer"), "manifest_sha256"));
    fact("Made by", "Tinderbox " + text(report, "tinderbox"));
    fact("Date", text(report, "created"));
    const json& activate = child(report, "activate");
    if (activate.is_string()) fact("Activate with", activate.get<std::string>());
    return out + "</dl>\n";
}

} // namespace

std::string html_escape(std::string_view words) {
    std::string out;
    for (char c : words) {
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

std::string render_columns(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& cells : rows)
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (i >= widths.size()) widths.push_back(0);
            widths[i] = std::max(widths[i], cells[i].size());
        }
    std::string out;
    for (const auto& cells : rows) {
        std::string line;
        for (std::size_t i = 0; i < cells.size(); ++i)
            line += fmt::format("{:<{}}  ", cells[i], widths[i]);
        while (line.ends_with(' '))
            line.pop_back();
        out += line + "\n";
    }
    return out;
}

std::string render_findings_text(const json& findings, bool colour) {
    return lines_text(finding_lines(findings), colour);
}

std::string render_report_text(const json& report, bool colour) {
    std::string out =
        paint(Style::bold, fmt::format("{}: {}", text(report, "name"), text(report, "summary")), colour) +
        "\n";
    auto section = [&](std::string_view title, const std::vector<Line>& lines) {
        if (!lines.empty()) out += heading(title, colour) + lines_text(lines, colour);
    };
    section("Machine", finding_lines(child(child(report, "preflight"), "findings")));
    section("Installation", installation_lines(child(report, "installation")));
    section("Shells", shell_lines(child(report, "shells")));
    section(child(report, "verification").is_object() ? "Verification" : "GPU", verification_lines(report));
    return out;
}

std::string render_report_html(const json& report) {
    const bool good = number(report, "exit_code") == 0;
    const std::string body =
        facts_html(report) +
        section_html(child(report, "verification").is_object() ? "Verification" : "GPU",
                     verification_lines(report)) +
        section_html("Installation", installation_lines(child(report, "installation"))) +
        section_html("Shells", shell_lines(child(report, "shells"))) +
        section_html("Machine", finding_lines(child(child(report, "preflight"), "findings"))) +
        packages_html(child(report, "packages"));
    // In one pass: a value that itself looks like a placeholder stays what it is.
    std::string out;
    std::string_view rest = report_template();
    const std::pair<std::string_view, std::string> values[] = {
        {"@TITLE@", html_escape(text(report, "name"))},
        {"@SUMMARY@", html_escape(text(report, "summary"))},
        {"@STATE@", good ? "good" : "bad"},
        {"@BODY@", body}};
    while (!rest.empty()) {
        auto at = rest.find('@');
        out += rest.substr(0, at);
        if (at == std::string_view::npos) break;
        rest.remove_prefix(at);
        auto value = std::ranges::find_if(values, [&](const auto& v) { return rest.starts_with(v.first); });
        out += value == std::end(values) ? "@" : value->second;
        rest.remove_prefix(value == std::end(values) ? 1 : value->first.size());
    }
    return out;
}

} // namespace tinderbox
