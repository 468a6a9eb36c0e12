// The text files of a wheel's .dist-info.
#include "common/base/budget.hpp"
#include "common/base/lines.hpp"
#include "common/base/member_path.hpp"
#include "common/base/text.hpp"
#include "generator/archive/zip.hpp"
#include "generator/pip/wheel.hpp"

#include <algorithm>

namespace tinderbox::pip {

std::vector<std::pair<std::string, std::string>> parse_headers(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> out;
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) break;
        if ((line[0] == ' ' || line[0] == '\t') && !out.empty()) {
            out.back().second += "\n" + std::string(trim(line));
            continue;
        }
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        out.emplace_back(to_lower(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1))));
    }
    if (!text.empty()) out.emplace_back("", std::string(text));
    return out;
}

namespace {

// One CSV field from the front of `text`, which then begins with its separator, a line's end, or is empty.
std::optional<std::string> take_field(std::string_view& text) {
    std::string out;
    if (!text.starts_with('"')) {
        const std::size_t end = std::min(text.find_first_of(",\r\n"), text.size());
        out = text.substr(0, end);
        text.remove_prefix(end);
        return out;
    }
    text.remove_prefix(1);
    for (;;) {
        const std::size_t quote = text.find('"');
        if (quote == std::string_view::npos) return std::nullopt;
        out += text.substr(0, quote);
        text.remove_prefix(quote + 1);
        if (!text.starts_with('"')) break;
        out += '"';
        text.remove_prefix(1);
    }
    if (!text.empty() && text.find_first_of(",\r\n") != 0) return std::nullopt;
    return out;
}

constexpr std::size_t most_fields = 100;

RecordRow row_of(const std::vector<std::string>& fields, std::size_t line) {
    RecordRow out{fields[0], fields[1], std::string(trim(fields[2])), line, nullptr};
    if (fields.size() == 3) return out;
    const std::size_t path = fields.size() - 2;
    out.joined = std::make_unique<RecordRow>();
    for (std::size_t i = 0; i < path; ++i) out.joined->path += (i ? "," : "") + fields[i];
    out.joined->hash = fields[path];
    out.joined->size = trim(fields[path + 1]);
    return out;
}

} // namespace

Result<std::vector<RecordRow>> parse_record(std::string_view text) {
    // As many as an archive may have members.
    Spending spending(Budget{.nodes = archive::zip_budget.nodes}, "RECORD");
    std::vector<RecordRow> rows;
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    for (std::size_t line = 1; !text.empty(); ++line) {
        std::vector<std::string> fields;
        bool good = true;
        while (good && fields.size() <= most_fields) {
            auto field = take_field(text);
            good = field.has_value();
            if (good) fields.push_back(std::move(*field));
            if (!good || !text.starts_with(',')) break;
            text.remove_prefix(1);
        }
        // Blank lines occur at ends of files.
        const bool blank = fields.size() == 1 && trim(fields[0]).empty();
        if (!good || fields.size() > most_fields || (!blank && (fields.size() < 3 || fields[0].empty())))
            return make_error(ErrorKind::usage, "line {} is not of the form PATH,HASH,SIZE", line);
        TRY(spending.nodes(blank ? 0 : 1));
        if (!blank) rows.push_back(row_of(fields, line));
        if (text.starts_with('\r')) text.remove_prefix(1);
        if (text.starts_with('\n')) text.remove_prefix(1);
    }
    return rows;
}

Result<std::vector<EntryPoint>> parse_entry_points(std::string_view text) {
    // Each script becomes a file. The packages with the most have some hundreds.
    Spending scripts(Budget{.nodes = 10'000}, "the list of scripts");
    std::vector<EntryPoint> out;
    std::string group;
    std::size_t number = 0;
    for (std::string_view raw : Lines(text)) {
        ++number;
        std::string_view line = trim(raw);
        if (line.empty() || line[0] == '#' || line[0] == ';') continue;
        if (line.starts_with('[')) {
            if (!line.ends_with(']'))
                return make_error(ErrorKind::usage, "line {}: the section '{}' has no ']'", number, line);
            group = trim(line.substr(1, line.size() - 2));
            continue;
        }
        // Other groups belong to plugins and are read by the program that has them.
        if (group != "console_scripts" && group != "gui_scripts") continue;
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos)
            return make_error(ErrorKind::usage, "line {}: '{}' is not of the form NAME = MODULE:FUNCTION", number,
                              line);
        EntryPoint point{group, std::string(trim(line.substr(0, equals))), std::string(trim(line.substr(equals + 1)))};
        if (point.name.empty() || point.name.find('/') != std::string::npos || !safe_relative_path(point.name).ok())
            return make_error(ErrorKind::usage, "line {}: '{}' is not a name for a script", number, point.name);
        if (point.reference.find(':') == std::string::npos)
            return make_error(ErrorKind::usage, "line {}: '{}' is not of the form NAME = MODULE:FUNCTION", number,
                              line);
        TRY(scripts.nodes());
        out.push_back(std::move(point));
    }
    return out;
}

} // namespace tinderbox::pip
