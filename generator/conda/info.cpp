#include "generator/conda/info.hpp"

#include "common/base/ascii.hpp"
#include "common/base/hash.hpp"
#include "common/base/json_cost.hpp"
#include "common/base/lines.hpp"
#include "common/base/member_path.hpp"
#include "common/base/text.hpp"
#include "common/base/utf8.hpp"
#include "common/format/json_fields.hpp"
#include "common/format/json_read.hpp"
#include "generator/archive/tar.hpp"
#include "generator/conda/names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace tinderbox::conda {

using nlohmann::json;

namespace {

// The field when it is there and not null.
const json* field(const json& object, const char* name) {
    auto it = object.find(name);
    return it == object.end() || it->is_null() ? nullptr : &*it;
}

format::JsonFields fields_of(const json& object, const std::string& where) {
    return {object, where, "the package is damaged or was made by hand"};
}

Result<std::string> checked_path(std::string_view text, const std::string& where) {
    auto path = safe_relative_path(text);
    if (!path.ok())
        return make_error(ErrorKind::usage, "{}: '{}': {}; the package is refused", where, text, path.error().message);
    return path;
}

Status set_prefix(PathEntry& out, std::string placeholder, std::string_view mode, const std::string& where) {
    if (placeholder.empty()) return {};
    if (mode == "text") {
        out.prefix_mode = parcel::PrefixMode::text;
    } else if (mode == "binary") {
        out.prefix_mode = parcel::PrefixMode::binary;
    } else {
        return make_error(ErrorKind::usage, "{}: '{}' has the unknown file_mode '{}'; it has to be text or binary",
                          where, out.path, mode);
    }
    // A symlink's target cannot hold a prefix: conda refuses to replace one too.
    if (out.kind_known && out.kind != format::EntryKind::file) {
        out.prefix_mode = parcel::PrefixMode::none;
        return {};
    }
    if (std::ranges::any_of(placeholder, [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
        return make_error(ErrorKind::usage, "{}: the placeholder of '{}' has a control character", where, out.path);
    out.placeholder = std::move(placeholder);
    return {};
}

Result<PathEntry> path_entry(const json& item, const std::string& where) {
    PathEntry out;
    std::string written, type, placeholder, mode;
    format::JsonFields fields = fields_of(item, where + ": paths");
    fields.text("_path", written, true);
    fields.text("path_type", type);
    fields.text("sha256", out.sha256);
    fields.text("prefix_placeholder", placeholder);
    fields.text("file_mode", mode);
    if (fields.value("size_in_bytes")) fields.integer("size_in_bytes", out.size.emplace());
    TRY(fields.status());
    out.no_link = format::flag_of(item, "no_link");
    TRY_ASSIGN(out.path, checked_path(written, where));
    static const std::map<std::string_view, format::EntryKind> types = {{"hardlink", format::EntryKind::file},
                                                                        {"softlink", format::EntryKind::symlink},
                                                                        {"directory", format::EntryKind::directory}};
    auto kind = types.find(type);
    if (kind == types.end())
        return make_error(ErrorKind::usage,
                          "{}: '{}' has the unknown path_type '{}'; known are hardlink, softlink, directory", where,
                          out.path, type);
    out.kind = kind->second;
    out.sha256 = to_lower(out.sha256);
    if (!out.sha256.empty() && !sha256_from_hex(out.sha256))
        return make_error(ErrorKind::usage, "{}: the sha256 of '{}' is not 64 hexadecimal digits", where, out.path);
    TRY(set_prefix(out, std::move(placeholder), mode, where));
    return out;
}

bool same_entry(const PathEntry& a, const PathEntry& b) {
    return a.kind == b.kind && a.sha256 == b.sha256 && a.size == b.size && a.prefix_mode == b.prefix_mode &&
           a.placeholder == b.placeholder;
}

// ---- has_prefix ---------------------------------------------------------------------------------------

// Words of a has_prefix line: separated by white space, '"' and '\'' group, a backslash is a backslash.
Result<std::vector<std::string>> has_prefix_words(std::string_view line) {
    std::vector<std::string> words;
    std::size_t i = 0;
    while (i < line.size()) {
        if (line[i] == ' ' || line[i] == '\t') {
            ++i;
            continue;
        }
        if (line[i] == '"' || line[i] == '\'') {
            auto end = line.find(line[i], i + 1);
            if (end == std::string_view::npos) return make_error(ErrorKind::usage, "a quote is not closed");
            words.emplace_back(line.substr(i + 1, end - i - 1));
            i = end + 1;
        } else {
            auto end = std::min(line.find_first_of(" \t", i), line.size());
            words.emplace_back(line.substr(i, end - i));
            i = end;
        }
    }
    return words;
}

struct PrefixLine {
    std::string placeholder, mode;
};

Result<std::map<std::string, PrefixLine>> parse_has_prefix(std::string_view text, const std::string& where) {
    std::map<std::string, PrefixLine> out;
    Spending spending(archive::tar_budget, where);
    int number = 0;
    for (std::string_view line : Lines(text)) {
        ++number;
        if (trim(line).empty()) continue;
        TRY(spending.nodes());
        auto words = has_prefix_words(line);
        if (!words.ok()) return std::move(words).error().in(fmt::format("{}:{}", where, number));
        if (words->size() == 1) {
            TRY_ASSIGN(std::string path, checked_path((*words)[0], where));
            out[path] = {default_placeholder(), "text"};
        } else if (words->size() == 3) {
            TRY_ASSIGN(std::string path, checked_path((*words)[2], where));
            out[path] = {(*words)[0], to_lower((*words)[1])};
        } else {
            return make_error(ErrorKind::usage, "{}:{}: a line is PATH or PLACEHOLDER MODE PATH, this one has {} words",
                              where, number, words->size());
        }
    }
    return out;
}

bool is_python_identifier(std::string_view text) {
    if (text.empty() || (text.front() >= '0' && text.front() <= '9')) return false;
    return std::ranges::all_of(text, [](char c) { return is_word(c) || static_cast<unsigned char>(c) >= 0x80; });
}

// Packages from before subdir was recorded have platform ("linux") and arch ("x86_64").
std::string subdir_of(const json& index) {
    if (auto subdir = format::text_field(index, "subdir"); !subdir.empty()) return subdir;
    std::string platform = format::text_field(index, "platform"), arch = format::text_field(index, "arch");
    if (platform.empty() || arch.empty()) return "noarch";
    if (arch == "x86_64") arch = "64";
    if (arch == "x86" || arch == "i686") arch = "32";
    return platform + "-" + arch;
}

} // namespace

bool is_dotted_name(std::string_view text) { return std::ranges::all_of(split(text, '.'), is_python_identifier); }

std::string default_placeholder() {
    std::string out = "/opt/";
    for (int i = 1; i <= 3; ++i) out += fmt::format("anaconda{}", i);
    return out;
}

Result<json> parse_info_json(std::string_view text, const std::string& where) {
    TRY(check_json_cost(text, where));
    try {
        if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
        return json::parse(text);
    } catch (const json::parse_error& error) {
        return make_error(ErrorKind::usage, "{}: it is not valid JSON (at byte {}); the package is damaged", where,
                          error.byte);
    } catch (const json::exception&) { // valid JSON, which may have 1e999
        return make_error(ErrorKind::usage, "{}: it has a number that is too large; the package is damaged", where);
    }
}

Result<std::vector<PathEntry>> parse_paths_json(std::string_view text, const std::string& where) {
    TRY_ASSIGN(json document, parse_info_json(text, where));
    if (!document.is_object()) return make_error(ErrorKind::usage, "{}: it is not a JSON object", where);
    const json* version = field(document, "paths_version");
    if (!version || !version->is_number_integer() || version->get<std::int64_t>() != 1)
        return make_error(ErrorKind::usage,
                          "{}: paths_version is {}, this Tinderbox knows version 1; use a newer Tinderbox or an older "
                          "package",
                          where, version ? version->dump(-1, ' ', false, json::error_handler_t::replace) : "missing");
    const json* paths = field(document, "paths");
    if (!paths || !paths->is_array()) return make_error(ErrorKind::usage, "{}: it has no list 'paths'", where);
    std::vector<PathEntry> out;
    std::map<std::string, std::size_t> seen;
    for (const json& item : *paths) {
        TRY_ASSIGN(PathEntry entry, path_entry(item, where));
        auto [known, added] = seen.emplace(entry.path, out.size());
        if (added) {
            out.push_back(std::move(entry));
        } else if (!same_entry(out[known->second], entry)) {
            return make_error(ErrorKind::usage, "{}: '{}' is listed twice, in different ways; the package is damaged",
                              where, entry.path);
        }
    }
    return out;
}

Result<std::vector<PathEntry>> parse_legacy_paths(const LegacyInfo& info, const std::string& artifact) {
    if (!info.files)
        return make_error(
            ErrorKind::usage,
            "{}: it has neither info/paths.json nor info/files, which list its files; it is not a conda package, "
            "or it is damaged",
            artifact);
    std::map<std::string, PrefixLine> prefixes;
    if (info.has_prefix) {
        TRY_ASSIGN(prefixes, parse_has_prefix(*info.has_prefix, artifact + ":info/has_prefix"));
    }
    std::set<std::string, std::less<>> unlinkable;
    Spending unlinkable_spending(archive::tar_budget, artifact + ":info/no_link");
    for (const auto* list : {&info.no_link, &info.no_softlink})
        if (*list)
            for (std::string_view line : Lines(**list)) {
                TRY(unlinkable_spending.nodes());
                unlinkable.emplace(trim(line));
            }
    std::vector<PathEntry> out;
    std::set<std::string> seen;
    std::string where = artifact + ":info/files";
    Spending spending(archive::tar_budget, where);
    for (std::string_view line : Lines(*info.files)) {
        line = trim(line);
        if (line.empty()) continue;
        TRY(spending.nodes());
        if (!is_valid_utf8(line))
            return make_error(ErrorKind::usage, "{}: a path is not UTF-8; a conda record (JSON) cannot name it", where);
        PathEntry entry;
        TRY_ASSIGN(entry.path, checked_path(line, where));
        entry.kind_known = false;
        entry.no_link = unlinkable.contains(line);
        if (auto prefix = prefixes.find(entry.path); prefix != prefixes.end())
            TRY(set_prefix(entry, prefix->second.placeholder, prefix->second.mode, artifact + ":info/has_prefix"));
        if (seen.insert(entry.path).second) out.push_back(std::move(entry));
    }
    for (const auto& [path, prefix] : prefixes)
        if (!seen.contains(path))
            return make_error(ErrorKind::usage, "{}:info/has_prefix: it names '{}', which info/files does not list",
                              artifact, path);
    return out;
}

Result<EntryPoint> parse_entry_point(std::string_view definition) {
    auto equals = definition.find('=');
    auto colon = definition.rfind(':');
    EntryPoint out;
    if (equals != std::string_view::npos && colon != std::string_view::npos && colon > equals) {
        out.command = trim(definition.substr(0, equals));
        out.module = trim(definition.substr(equals + 1, colon - equals - 1));
        out.function = trim(definition.substr(colon + 1));
    }
    // Module and function are written into source code: so they must be dotted names.
    bool valid = !out.command.empty() && out.command.front() != '.' && safe_relative_path(out.command).ok() &&
                 out.command.find_first_of("/\\") == std::string::npos && is_dotted_name(out.module) &&
                 is_dotted_name(out.function);
    if (!valid)
        return make_error(ErrorKind::usage, "the entry point '{}' is not of the form COMMAND = MODULE:FUNCTION",
                          definition);
    return out;
}

Result<LinkInfo> parse_link_json(std::string_view text, const std::string& where) {
    TRY_ASSIGN(json document, parse_info_json(text, where));
    if (!document.is_object()) return make_error(ErrorKind::usage, "{}: it is not a JSON object", where);
    const json* version = field(document, "package_metadata_version");
    if (!version || !version->is_number_integer() || version->get<std::int64_t>() != 1)
        return make_error(ErrorKind::usage, "{}: package_metadata_version is {}, this Tinderbox knows version 1", where,
                          version ? version->dump(-1, ' ', false, json::error_handler_t::replace) : "missing");
    LinkInfo out;
    const json* noarch = field(document, "noarch");
    if (!noarch) return out;
    std::string type;
    format::JsonFields fields = fields_of(*noarch, where + ": noarch");
    fields.text("type", type);
    TRY(fields.status());
    TRY_ASSIGN(out.noarch, noarch_of(json{{"noarch", type}}, where));
    const json* points = field(*noarch, "entry_points");
    if (!points) return out;
    if (!points->is_array()) return make_error(ErrorKind::usage, "{}: 'entry_points' is not a list", where);
    for (const json& point : *points) {
        if (!point.is_string()) return make_error(ErrorKind::usage, "{}: an entry point is not a string", where);
        auto parsed = parse_entry_point(point.get<std::string>());
        if (!parsed.ok()) return std::move(parsed).error().in(where);
        out.entry_points.push_back(std::move(*parsed));
    }
    return out;
}

Result<json> parse_index_json(std::string_view text, const std::string& where) {
    TRY_ASSIGN(json index, parse_info_json(text, where));
    if (!index.is_object()) return make_error(ErrorKind::usage, "{}: it is not a JSON object", where);
    if (!field(index, "build") && field(index, "build_string")) index["build"] = index["build_string"];
    format::JsonFields fields = fields_of(index, where);
    for (const char* name : {"name", "version", "build"}) {
        std::string value;
        fields.text(name, value);
        TRY(fields.status());
        if (!is_identifier(value))
            return make_error(ErrorKind::usage, "{}: its {} '{}' is missing or cannot be part of a file name", where,
                              name, value);
    }
    std::int64_t number = 0;
    fields.integer("build_number", number);
    std::vector<std::string> specs;
    for (const char* list : {"depends", "constrains"}) fields.texts(list, specs);
    TRY(fields.status());
    if (!fields.value("build_number")) index["build_number"] = 0;
    for (const char* list : {"depends", "constrains"})
        if (!fields.value(list)) index[list] = json::array();
    index["subdir"] = subdir_of(index);
    if (!is_subdir(index["subdir"].get<std::string>()))
        return make_error(ErrorKind::usage, "{}: '{}' is not the name of a platform", where,
                          index["subdir"].get<std::string>());
    return index;
}

Result<Noarch> noarch_of(const json& index, const std::string& where) {
    const json* value = field(index, "noarch");
    if (!value) return Noarch::none;
    if (value->is_boolean()) return value->get<bool>() ? Noarch::generic : Noarch::none;
    std::string text = value->is_string() ? to_lower(value->get<std::string>()) : "?";
    if (text.empty() || text == "none") return Noarch::none;
    if (text == "generic") return Noarch::generic;
    if (text == "python") return Noarch::python;
    return make_error(ErrorKind::usage, "{}: noarch is '{}', known are python and generic; use a newer Tinderbox",
                      where, text);
}

} // namespace tinderbox::conda
