#include "generator/capture/editable.hpp"

#include "common/base/json_cost.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/format/json_read.hpp"
#include "generator/capture/distributions.hpp"
#include "generator/capture/record.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::capture {
namespace {

using nlohmann::json;

constexpr std::string_view egg_link = ".egg-link";
constexpr std::string_view easy_install = "/easy-install.pth";
constexpr std::size_t longest_script = 1u << 16; // bytes; a wrapper of setuptools has some hundred

// Each file below `directory`, and the directory itself.
void add_tree_paths(const std::string& directory, const FileSelection& selection, std::set<std::string>& out) {
    for (auto it = selection.items.lower_bound(directory); it != selection.items.end(); ++it) {
        if (!it->first.starts_with(directory)) break;
        if (it->first == directory || it->first.starts_with(directory + "/")) out.insert(it->first);
    }
}

// nullopt: not PEP 610's editable. "": without a directory of this machine.
std::optional<std::string> editable_directory(std::string_view direct_url) {
    const json parsed = is_affordable_json(direct_url) ? json::parse(direct_url, nullptr, false) : json();
    if (!parsed.is_object()) return std::nullopt;
    const auto info = parsed.find("dir_info");
    if (info == parsed.end() || !info->is_object() || info->value("editable", json(false)) != true) return std::nullopt;
    const std::string url = format::text_field(parsed, "url");
    return url.starts_with("file:") ? file_url_to_path(url) : "";
}

Status set_name_and_version(const fs::path& metadata, EditableProject& project) {
    TRY_ASSIGN(const std::string text, read_text(metadata, largest_core_metadata));
    const json found = read_core_metadata(text);
    if (const auto name = found["name"].get<std::string>(); !name.empty()) project.name = name;
    project.version = found["version"].get<std::string>();
    return {};
}

// What pip, uv and Poetry write: a .dist-info whose RECORD lists the files.
Result<std::optional<Editable>> of_dist_info(const std::string& directory, const std::string& site,
                                             const FileSelection& selection) {
    const auto url = selection.items.find(directory + "/direct_url.json");
    if (url == selection.items.end() || url->second.kind != format::EntryKind::file) return std::optional<Editable>();
    TRY_ASSIGN(const std::string text, read_text(url->second.source, 1u << 20));
    const std::optional<std::string> source = editable_directory(text);
    if (!source) return std::optional<Editable>();
    Editable out;
    const std::string name = directory.substr(site.size() + 1);
    out.project = {name.substr(0, name.find('-')), "", *source};
    if (auto found = selection.items.find(directory + "/METADATA"); found != selection.items.end())
        TRY(set_name_and_version(found->second.source, out.project));
    add_tree_paths(directory, selection, out.paths);
    const auto record = selection.items.find(directory + "/RECORD");
    if (record == selection.items.end()) return std::optional(std::move(out));
    TRY_ASSIGN(const std::string rows, read_text(record->second.source, largest_record));
    for (const RecordLine& row : record_lines(rows)) out.paths.insert(path_in_prefix(row, site));
    return std::optional(std::move(out));
}

// "/home/me/project/src\n../": the directory that Python imports from, and the way from there to the project.
Result<Editable> of_egg_link(const Item& link, const FileSelection& selection) {
    Editable out;
    out.paths.insert(link.path);
    const std::string file = link.path.substr(link.path.rfind('/') + 1);
    out.project.name = file.substr(0, file.size() - egg_link.size());
    TRY_ASSIGN(const std::string text, read_text(link.source, 1u << 20));
    const auto lines = split_lines(text);
    const fs::path imported = lines.empty() ? fs::path() : fs::path(trim(lines.front()));
    if (imported.empty()) return out;
    out.project.imported = imported.string();
    const fs::path up = lines.size() > 1 ? fs::path(trim(lines[1])) : fs::path(".");
    out.project.directory = (imported / up).lexically_normal().string();
    while (out.project.directory.size() > 1 && out.project.directory.ends_with('/')) out.project.directory.pop_back();
    const fs::path info = imported / (replace_all(out.project.name, "-", "_") + ".egg-info") / "PKG-INFO";
    std::error_code ec;
    if (fs::is_regular_file(info, ec)) TRY(set_name_and_version(info, out.project));
    // No record lists its scripts; setuptools names the project in each.
    for (const auto& [path, item] : selection.items) {
        if (!path.starts_with("bin/") || item.kind != format::EntryKind::file) continue;
        if (fs::file_size(item.source, ec) > longest_script || ec) continue;
        TRY_ASSIGN(const std::string script, read_text(item.source, longest_script));
        for (std::string_view mark : {"# EASY-INSTALL-ENTRY-SCRIPT: '", "# EASY-INSTALL-DEV-SCRIPT: '"})
            if (auto at = script.find(mark); at != std::string::npos) {
                const std::string_view owner = std::string_view(script).substr(at + mark.size());
                if (owner.substr(0, owner.find_first_of("='")) == out.project.name) out.paths.insert(path);
            }
    }
    return out;
}

} // namespace

Result<std::vector<Editable>> find_editable(const std::string& site_packages, const FileSelection& selection) {
    std::vector<Editable> out;
    std::string last;
    for (auto it = selection.items.lower_bound(site_packages + "/"); it != selection.items.end(); ++it) {
        const std::string& path = it->first;
        if (!path.starts_with(site_packages + "/")) break;
        const auto slash = path.find('/', site_packages.size() + 1);
        const std::string top = path.substr(0, slash);
        if (slash == std::string::npos && path.ends_with(egg_link) && it->second.kind == format::EntryKind::file) {
            TRY_ASSIGN(Editable found, of_egg_link(it->second, selection));
            out.push_back(std::move(found));
        } else if (slash != std::string::npos && top != last && top.ends_with(".dist-info")) {
            last = top;
            TRY_ASSIGN(std::optional<Editable> found, of_dist_info(top, site_packages, selection));
            if (found) out.push_back(std::move(*found));
        }
    }
    return out;
}

Status leave_out_editable(const std::vector<Editable>& editable, const std::string& site_packages,
                          FileSelection& selection) {
    std::set<std::string_view> imported;
    for (const Editable& one : editable) {
        for (const std::string& path : one.paths) selection.items.erase(path);
        if (!one.project.imported.empty()) imported.insert(one.project.imported);
    }
    const auto list = selection.items.find(site_packages + std::string(easy_install));
    if (imported.empty() || list == selection.items.end()) return {};
    TRY_ASSIGN(const std::string text, read_text(list->second.source, 1u << 20));
    std::string rest;
    for (std::string_view line : split_lines(text))
        if (!imported.contains(trim(line))) rest += std::string(line) + "\n";
    if (trim(rest).empty()) selection.items.erase(list);
    else list->second.content = rest;
    return {};
}

} // namespace tinderbox::capture
