#include "generator/assemble/wheel_files.hpp"

#include "common/base/base64url.hpp"
#include "common/base/member_path.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/format/json_read.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::assemble {

using nlohmann::json;
using parcel::GeneratedFile;
using parcel::HoledText;

namespace {

bool is_identifier_path(std::string_view text) {
    if (text.empty() || text.front() == '.' || text.back() == '.') return false;
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
               static_cast<unsigned char>(c) >= 0x80;
    });
}

// The reference is put into source code: only what an object reference may be gets there.
Result<HoledText> entry_point_script(const format::PythonInfo& python, const std::string& name,
                                     std::string_view reference) {
    // "module:attr.attr [extra]"; extras are deprecated and mean nothing to the script.
    reference = trim(reference.substr(0, reference.find('[')));
    auto colon = reference.find(':');
    std::string_view module = trim(reference.substr(0, colon));
    std::string_view attribute =
        colon == std::string_view::npos ? std::string_view() : trim(reference.substr(colon + 1));
    if (!is_identifier_path(module) || !is_identifier_path(attribute))
        return make_error(ErrorKind::usage,
                          "entry_points.txt: the script '{}' refers to '{}'; it has to be of the form module:function",
                          name, reference);
    auto root = split(attribute, '.')[0];
    HoledText text;
    text.shebang(fmt::format("#!\x01/{}", python.executable));
    text << "import sys\n"
         << fmt::format("from {} import {}\n\n", module, root) << "if __name__ == \"__main__\":\n"
         << fmt::format("    sys.exit({}())\n", attribute);
    return text;
}

// CSV as Python's csv module writes it: quoted only where it must be.
std::string csv_field(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
    return "\"" + replace_all(text, "\"", "\"\"") + "\"";
}

// A path below the prefix, as RECORD writes it: relative to site-packages.
std::string relative_to_site_packages(const format::PythonInfo& python, const std::string& path) {
    if (path.starts_with(python.site_packages + "/")) return path.substr(python.site_packages.size() + 1);
    auto from = split(python.site_packages, '/');
    auto to = split(path, '/');
    std::size_t same = 0;
    while (same < from.size() && same + 1 < to.size() && from[same] == to[same]) ++same;
    std::string out;
    for (std::size_t i = same; i < from.size(); ++i) out += "../";
    for (std::size_t i = same; i < to.size(); ++i) out += (i > same ? "/" : "") + std::string(to[i]);
    return out;
}

std::string dist_info_path(const json& metadata, const format::PythonInfo& python, std::string_view file) {
    return fmt::format("{}/{}/{}", python.site_packages, format::text_field(metadata, "dist_info"), file);
}

} // namespace

Result<std::vector<GeneratedFile>> wheel_entry_points(const json& metadata, const format::PythonInfo& python,
                                                      std::uint32_t package) {
    std::vector<GeneratedFile> out;
    auto groups = metadata.find("entry_points");
    if (groups == metadata.end() || !groups->is_object()) return out;
    for (const char* group : {"console_scripts", "gui_scripts"}) {
        auto scripts = groups->find(group);
        if (scripts == groups->end() || !scripts->is_object()) continue;
        for (const auto& [name, reference] : scripts->items()) {
            if (name.find('/') != std::string::npos || !safe_relative_path(name).ok() || !reference.is_string())
                return make_error(ErrorKind::usage, "entry_points.txt: '{}' is not a name for a script", name);
            GeneratedFile file;
            file.path = "bin/" + name;
            file.mode = 0755;
            file.package = package;
            TRY_ASSIGN(file.content, entry_point_script(python, name, reference.get<std::string>()));
            out.push_back(std::move(file));
        }
    }
    return out;
}

std::vector<GeneratedFile> wheel_dist_info(const json& metadata, const format::PythonInfo& python,
                                           std::uint32_t package, const lock::LockedArtifact* artifact) {
    std::vector<GeneratedFile> out;
    auto add = [&](const char* name, std::string_view text) {
        GeneratedFile file;
        file.path = dist_info_path(metadata, python, name);
        file.package = package;
        file.content << text;
        out.push_back(std::move(file));
    };
    add("INSTALLER", "tinderbox\n");
    if (artifact && artifact->requested) add("REQUESTED", "");
    if (artifact && !artifact->direct_url.empty()) {
        json archive = json::object();
        if (!artifact->sha256.empty())
            archive = {{"hash", "sha256=" + artifact->sha256}, {"hashes", {{"sha256", artifact->sha256}}}};
        add("direct_url.json",
            json({{"archive_info", archive}, {"url", without_credentials(artifact->direct_url)}}).dump());
    }
    return out;
}

GeneratedFile wheel_record(const json& metadata, const format::PythonInfo& python, std::uint32_t package,
                           const std::vector<const format::Destination*>& files, const format::Table& table,
                           const std::function<bool(std::uint32_t)>& changes) {
    std::vector<std::pair<std::string, const format::Destination*>> rows;
    for (const format::Destination* d : files) rows.emplace_back(relative_to_site_packages(python, d->path), d);
    GeneratedFile file;
    file.path = dist_info_path(metadata, python, "RECORD");
    file.package = package;
    rows.emplace_back(relative_to_site_packages(python, file.path), nullptr);
    std::ranges::sort(rows);
    for (const auto& [path, d] : rows) {
        file.content << csv_field(path) << ",";
        if (!d || (d->flags & format::destination_bytecode) != 0) {
            file.content << ",\n";
            continue;
        }
        const format::Content& content = table.contents[d->content];
        file.content << "sha256=";
        if (changes(d->content)) {
            file.content.digest(format::RelocKind::digest_b64url, d->path) << ",";
            file.content.size(d->path) << "\n";
        } else {
            file.content << to_base64url(content.sha256) << "," << std::to_string(content.size) << "\n";
        }
    }
    return file;
}

} // namespace tinderbox::assemble
