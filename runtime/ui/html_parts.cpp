#include "runtime/ui/html_parts.hpp"

#include "common/base/text.hpp"
#include "runtime/ui/report.hpp"

namespace tinderbox::ui {
namespace {

bool numeric(std::string_view header) { return header.starts_with('#'); }

} // namespace

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

std::string passed(bool ok) { return mark(ok ? "ok" : "failed"); }

std::string code(std::string_view words) { return "<code>" + html_escape(words) + "</code>"; }

std::string icon(std::string_view css) {
    const std::string_view shape =
        css == "good"   ? "<circle cx=\"16\" cy=\"16\" r=\"15\"/><path d=\"M9 16.5l5 5 9-10\"/>"
        : css == "warn" ? "<path class=\"plate\" d=\"M16 3 30 28H2z\"/><path d=\"M16 12v8M16 24v.5\"/>"
                        : "<path class=\"plate\" d=\"M10 1.5h12l8.5 8.5v12L22 30.5H10L1.5 "
                          "22V10z\"/><path d=\"M11 11l10 10M21 11 11 21\"/>";
    return fmt::format("<svg class=\"icon\" viewBox=\"0 0 32 32\" aria-hidden=\"true\">{}</svg>", shape);
}

std::string section(std::string_view title, const std::string& body) {
    return body.empty() ? std::string()
                        : fmt::format("<section>\n<h2>{}</h2>\n{}</section>\n", html_escape(title), body);
}

std::string fold(std::string_view title, const std::string& body) {
    return body.empty() ? std::string()
                        : fmt::format("<details>\n<summary>{}</summary>\n{}</details>\n", html_escape(title), body);
}

std::string lines_html(const std::vector<machine::ReportLine>& lines) {
    if (lines.empty()) return {};
    std::string out = "<ul class=\"lines\">\n";
    for (const machine::ReportLine& line : lines) {
        out += fmt::format("<li>{}<div>{}", mark(line.word), html_escape(line.sentence));
        if (!line.advice.empty()) out += fmt::format("<p class=\"advice\">{}</p>", html_escape(line.advice));
        out += "</div></li>\n";
    }
    return out + "</ul>\n";
}

void Facts::html(std::string_view title, const std::string& value) {
    if (!value.empty()) rows_ += fmt::format("<dt>{}</dt><dd>{}</dd>\n", html_escape(title), value);
}
void Facts::text(std::string_view title, std::string_view value) { html(title, html_escape(value)); }
void Facts::code(std::string_view title, std::string_view value) {
    if (!value.empty()) html(title, ui::code(value));
}
std::string Facts::finish() const { return rows_.empty() ? std::string() : "<dl>\n" + rows_ + "</dl>\n"; }

Table::Table(std::vector<std::string> headers, std::string_view css) : headers_(std::move(headers)) {
    out_ = fmt::format("<div class=\"scroll\"><table{}>\n<thead><tr>",
                       css.empty() ? std::string() : fmt::format(" class=\"{}\"", css));
    for (std::string_view header : headers_)
        out_ += fmt::format("<th{}>{}</th>", numeric(header) ? " class=\"n\"" : "",
                            html_escape(numeric(header) ? header.substr(1) : header));
    out_ += "</tr></thead>\n<tbody>\n";
}

void Table::row(const std::vector<std::string>& cells) {
    out_ += "<tr>";
    for (std::size_t i = 0; i < cells.size(); ++i)
        out_ +=
            fmt::format("<td{}>{}</td>", i < headers_.size() && numeric(headers_[i]) ? " class=\"n\"" : "", cells[i]);
    out_ += "</tr>\n";
    ++rows_;
}

void Table::group(std::string_view title) {
    out_ += fmt::format("<tr class=\"group\"><th colspan=\"{}\">{}</th></tr>\n", headers_.size(), html_escape(title));
}

std::string Table::finish() const { return rows_ == 0 ? std::string() : out_ + "</tbody></table></div>\n"; }

std::string bars_html(const std::vector<Bar>& bars) {
    if (bars.empty()) return {};
    std::string out = "<div class=\"bars\">\n";
    for (const Bar& bar : bars)
        out += fmt::format(
            "<span>{}</span><span class=\"bar\"><i style=\"width:{:.1f}%\"></i></span><span class=\"n\">{}</span>\n",
            html_escape(bar.title), 100 * bar.share, html_escape(bar.value));
    return out + "</div>\n";
}

} // namespace tinderbox::ui
