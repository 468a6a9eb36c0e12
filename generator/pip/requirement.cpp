#include "generator/pip/requirement.hpp"

#include "common/base/ascii.hpp"
#include "common/base/text.hpp"
#include "generator/pip/marker_parser.hpp"

#include <algorithm>

namespace tinderbox::pip {
namespace {

bool is_name_char(char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; }

Error problem(std::string_view text, std::string_view why) {
    return make_error(ErrorKind::usage, "'{}' is not a requirement: {}", text, why);
}

// The longest name at the cursor; it ends with a letter or digit, so "name-" leaves the "-".
std::string_view parse_name(Cursor& cursor) {
    std::size_t begin = cursor.at, stop = begin;
    while (stop < cursor.text.size() && is_name_char(cursor.text[stop])) ++stop;
    while (stop > begin && !is_alnum(cursor.text[stop - 1])) --stop;
    if (stop == begin || !is_alnum(cursor.text[begin])) return {};
    cursor.at = stop;
    return cursor.text.substr(begin, stop - begin);
}

Status parse_extras(Cursor& cursor, Requirement& out) {
    cursor.skip_space();
    if (!cursor.accept("[")) return {};
    cursor.skip_space();
    while (!cursor.accept("]")) {
        auto extra = parse_name(cursor);
        if (extra.empty()) return problem(out.text, "an extra's name is missing or malformed between '[' and ']'");
        out.extras.push_back(normalize_name(extra));
        cursor.skip_space();
        if (cursor.accept(",")) {
            cursor.skip_space();
            if (cursor.peek() == ']') return problem(out.text, "a ',' stands right before ']'");
        } else if (cursor.peek() != ']') {
            return problem(out.text, "the '[' of its extras is not closed by ']'");
        }
    }
    std::ranges::sort(out.extras);
    out.extras.erase(std::ranges::unique(out.extras).begin(), out.extras.end());
    return {};
}

// "name @ URL": the URL runs to the next white space; a marker must stand behind " ;".
Status parse_url(Cursor& cursor, Requirement& out) {
    cursor.skip_space();
    auto rest = cursor.rest();
    auto stop = std::min(rest.find_first_of(" \t"), rest.size());
    out.url = std::string(rest.substr(0, stop));
    if (out.url.empty()) return problem(out.text, "there is no URL after '@'");
    cursor.at += stop;
    return {};
}

Status parse_specifier(Cursor& cursor, Requirement& out) {
    cursor.skip_space();
    bool parenthesis = cursor.accept("(");
    auto rest = cursor.rest();
    auto stop = std::min(rest.find_first_of(parenthesis ? ")" : ";"), rest.size());
    if (parenthesis && stop == rest.size()) return problem(out.text, "a '(' is not closed by ')'");
    auto clauses = trim(rest.substr(0, stop));
    if (!clauses.empty() && std::string_view("<>=!~").find(clauses[0]) == std::string_view::npos)
        return problem(out.text, fmt::format("'{}' follows the name where a version clause such as '==1.2', an '@' "
                                             "or a ';' should be",
                                             clauses));
    auto specifier = SpecifierSet::parse(clauses);
    if (!specifier) return problem(out.text, specifier.error().message);
    out.specifier = std::move(*specifier);
    cursor.at += stop + (parenthesis ? 1 : 0);
    return {};
}

} // namespace

std::string normalize_name(std::string_view name) {
    std::string out;
    for (char c : to_lower(name)) {
        bool separator = c == '-' || c == '_' || c == '.';
        if (separator && !out.empty() && out.back() == '-') continue;
        out += separator ? '-' : c;
    }
    return out;
}

bool is_valid_name(std::string_view name) {
    return !name.empty() && is_alnum(name.front()) && is_alnum(name.back()) && std::ranges::all_of(name, is_name_char);
}

Result<Requirement> Requirement::parse(std::string_view text) {
    Requirement out;
    out.text = std::string(trim(text));
    Cursor cursor{out.text};
    auto name = parse_name(cursor);
    if (name.empty()) return problem(out.text, "it does not begin with a package's name");
    out.written_name = std::string(name);
    out.name = normalize_name(name);
    TRY(parse_extras(cursor, out));
    cursor.skip_space();
    if (cursor.accept("@")) TRY(parse_url(cursor, out));
    else TRY(parse_specifier(cursor, out));
    cursor.skip_space();
    if (cursor.end()) return out;
    if (!cursor.accept(";"))
        return problem(out.text, fmt::format("'{}' is left over at its end{}", cursor.rest(),
                                             out.url.empty() ? "" : " (a marker stands behind ' ;' with a space)"));
    auto marker = Marker::parse(trim(cursor.rest()));
    if (!marker) return problem(out.text, marker.error().message);
    out.marker = std::move(*marker);
    return out;
}

} // namespace tinderbox::pip
