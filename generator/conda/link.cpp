#include "generator/conda/link.hpp"

#include "common/base/member_path.hpp"
#include "common/base/text.hpp"
#include "common/base/time.hpp"
#include "common/base/url.hpp"
#include "common/format/json_read.hpp"
#include "common/format/manifest.hpp"
#include "generator/conda/names.hpp"
#include "generator/parcel/holed_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace tinderbox::conda {

using nlohmann::json;
using parcel::GeneratedFile;
using parcel::HoledJson;
using parcel::HoledText;

namespace {

// The version's first two numbers.
std::optional<std::string> major_minor(std::string_view version) {
    auto parts = split(version, '.');
    auto number = [](std::string_view t) {
        return !t.empty() && std::ranges::all_of(t, [](char c) { return c >= '0' && c <= '9'; });
    };
    if (parts.size() < 2 || !number(parts[0])) return std::nullopt;
    std::string_view minor = parts[1].substr(0, parts[1].find_first_not_of("0123456789"));
    if (!number(minor)) return std::nullopt;
    return fmt::format("{}.{}", parts[0], minor);
}

// A Python string literal, as repr() writes it.
std::string python_repr(std::string_view text) {
    char quote = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos ? '"' : '\'';
    std::string out(1, quote);
    for (char c : text) {
        if (c == quote || c == '\\') out += '\\';
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out + quote;
}

std::string one_line(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    return out;
}

bool is_noarch_python(const json& metadata) { return metadata.at("conda").at("noarch") == "python"; }

std::string dist_of(const json& index) {
    return fmt::format("{}-{}-{}", format::text_field(index, "name"), format::text_field(index, "version"),
                       format::text_field(index, "build"));
}

// Makes "files" and "paths_data" of a record.
class PathLists {
  public:
    PathLists(const json& metadata, const format::PythonInfo* python, const LinkedFileLookup& installed)
        : metadata_(metadata), python_(python), installed_(installed) {}

    void add_shipped() {
        for (const json& path : metadata_.at("conda").at("paths")) {
            const std::string final = linked_path(metadata_, python_, format::text_field(path, "_path"));
            const auto as_installed = installed_(final);
            if (!as_installed) continue;
            const std::string type = format::text_field(path, "path_type");
            add(type == "hardlink" ? with_hashes(path, final, *as_installed) : HoledJson(path), final,
                type != "directory");
        }
    }

    void add_entry_points(const std::vector<GeneratedFile>& scripts) {
        for (const GeneratedFile& script : scripts)
            if (installed_(script.path)) add(json{{"path_type", "unix_python_entry_point"}}, script.path, true);
    }

    void add_bytecode(const std::vector<std::string>& paths) {
        for (const std::string& path : paths) {
            auto as_installed = installed_(path);
            if (!as_installed) continue;
            json out = {{"path_type", "pyc_file"}};
            if (as_installed->size > 0 && !as_installed->changes) out["size_in_bytes"] = as_installed->size;
            add(std::move(out), path, true);
        }
    }

    void put_into(HoledJson& record) {
        json files = json::array();
        HoledJson paths = json::array();
        for (auto& [final, path] : paths_) {
            if (path.is_file) files.push_back(final);
            paths.push_back(std::move(path.value));
        }
        record["files"] = std::move(files);
        HoledJson data = json{{"paths_version", 1}};
        data["paths"] = std::move(paths);
        record["paths_data"] = std::move(data);
    }

  private:
    struct Path {
        HoledJson value;
        bool is_file;
    };

    // Not the declared hash: another package's file may lie there now.
    static HoledJson with_hashes(json path, const std::string& final, const LinkedFile& installed) {
        path.erase("sha256_in_prefix");
        if (!path.contains("sha256") && !installed.sha256.empty()) path["sha256"] = installed.sha256;
        HoledJson out = std::move(path);
        if (installed.recompiled) return out;
        HoledText hash;
        if (installed.changes) hash.digest(format::RelocKind::digest_hex, final);
        else hash << installed.sha256;
        out["sha256_in_prefix"] = std::move(hash);
        return out;
    }

    // The first one of a path counts: an entry point takes the place of a shipped script.
    void add(HoledJson path, const std::string& final, bool is_file) {
        path["_path"] = json(final);
        paths_.try_emplace(final, Path{std::move(path), is_file});
    }

    const json& metadata_;
    const format::PythonInfo* python_;
    const LinkedFileLookup& installed_;
    std::map<std::string, Path> paths_; // by final path
};

} // namespace

std::string linked_path(const json& metadata, const format::PythonInfo* python, const std::string& path) {
    if (python && is_noarch_python(metadata)) {
        if (path == "site-packages" || path.starts_with("site-packages/"))
            return python->site_packages + path.substr(13);
        if (path == "python-scripts" || path.starts_with("python-scripts/")) return "bin" + path.substr(14);
    }
    return path;
}

// ---- python -------------------------------------------------------------------------------------------

Result<format::PythonInfo> python_info(const json& metadata) {
    const json& index = metadata.at("conda").at("index");
    std::string dist = dist_of(index);
    if (format::text_field(index, "name") != "python")
        return make_error(ErrorKind::bug, "{} is not a python package", dist);
    format::PythonInfo out;
    out.version = format::text_field(index, "version");
    auto short_version = major_minor(out.version);
    if (!short_version)
        return make_error(ErrorKind::usage,
                          "{}: its version is not of the form 3.11.x, so noarch packages cannot be placed", dist);
    std::string build = format::text_field(index, "build");
    out.implementation = build.ends_with("_pypy") || build.find("pypy") != std::string::npos ? "pypy" : "cpython";
    out.executable = "bin/python" + *short_version;
    out.site_packages = format::text_field(index, "python_site_packages_path");
    if (out.site_packages.empty()) out.site_packages = fmt::format("lib/python{}/site-packages", *short_version);
    auto safe = safe_relative_path(out.site_packages);
    if (!safe.ok()) return std::move(safe).error().in(dist + ": python_site_packages_path");
    out.site_packages = *safe;
    out.stdlib = out.site_packages.substr(0, out.site_packages.rfind('/'));
    bool executable = false;
    for (const json& path : metadata.at("conda").at("paths")) {
        std::string file = format::text_field(path, "_path");
        executable = executable || file == out.executable;
        // The standard library is where os.py is: lib/python3.13t, lib/pypy3.9.
        if (file.ends_with("/os.py") && file.starts_with("lib/") && std::ranges::count(file, '/') == 2)
            out.stdlib = file.substr(0, file.size() - 6);
    }
    if (!executable)
        return make_error(ErrorKind::usage, "{}: it holds no {}, so the environment would have no Python", dist,
                          out.executable);
    out.gil = !(out.implementation == "cpython" && out.stdlib.ends_with(*short_version + "t")); // free-threaded
    out.cache_tag = (out.implementation == "pypy" ? "pypy" : "cpython-") + replace_all(*short_version, ".", "");
    return out;
}

bool compiles_bytecode(const json& metadata) { return is_noarch_python(metadata); }

std::vector<GeneratedFile> entry_point_files(const json& metadata, const format::PythonInfo& python) {
    std::vector<GeneratedFile> out;
    if (!is_noarch_python(metadata)) return out;
    for (const json& point : metadata.at("conda").at("entry_points")) {
        std::string module = format::text_field(point, "module"), function = format::text_field(point, "function");
        GeneratedFile script;
        script.path = "bin/" + format::text_field(point, "command");
        script.mode = 0775;
        script.content.shebang("#!\x01/" + python.executable);
        script.content << fmt::format("import sys\n\nfrom {} import {}\n\nif __name__ == '__main__':\n"
                                      "    sys.exit({}())\n",
                                      module, function.substr(0, function.find('.')), function);
        std::erase_if(out, [&](const GeneratedFile& earlier) { return earlier.path == script.path; });
        out.push_back(std::move(script));
    }
    return out;
}

std::vector<format::ScriptInfo> link_scripts(const json& metadata) {
    const json& conda = metadata.at("conda");
    std::vector<format::ScriptInfo> out;
    for (const char* action : {"post-link", "pre-unlink"}) {
        std::string path = format::text_field(conda.at("scripts"), action);
        if (path.empty()) continue;
        format::ScriptInfo script;
        script.package = format::text_field(metadata, "name");
        script.version = format::text_field(metadata, "version");
        script.build_number = conda.at("index").at("build_number").dump();
        script.path = path;
        script.action = action;
        out.push_back(std::move(script));
    }
    return out;
}

// ---- conda-meta ---------------------------------------------------------------------------------------

std::string requested_spec(const json& metadata, std::string_view requirement) {
    requirement = trim(requirement);
    std::string name = match_spec_name(requirement);
    bool is_spec = name == to_lower(format::text_field(metadata, "name")) &&
                   requirement.find("://") == std::string_view::npos && !is_package_file_name(requirement);
    if (is_spec) return one_line(requirement);
    return fmt::format("{}=={}={}", format::text_field(metadata, "name"), format::text_field(metadata, "version"),
                       format::text_field(metadata, "build"));
}

namespace {

// What repodata would say of this archive.
json archive_record(const json& metadata, const RecordInput& input) {
    json record = metadata.at("conda").at("index");
    if (std::string noarch = format::text_field(metadata.at("conda"), "noarch"); !noarch.empty())
        record["noarch"] = noarch;
    std::string url = without_credentials(input.url);
    record["fn"] = input.file_name;
    record["url"] = url;
    // conda's has the subdirectory at its end, however the package was named: by a channel, a URL or a path.
    record["channel"] = url.empty() ? without_credentials(input.channel) : channel_url(url);
    if (!input.md5.empty()) record["md5"] = input.md5;
    if (!input.sha256.empty()) record["sha256"] = input.sha256;
    if (input.size > 0) record["size"] = input.size;
    return record;
}

} // namespace

std::string repodata_record(const json& metadata, const RecordInput& input) {
    return format::canonical_json(archive_record(metadata, input));
}

Result<GeneratedFile> record_file(const json& metadata, const format::PythonInfo* python, const RecordInput& input,
                                  const LinkedFileLookup& installed) {
    json plain = archive_record(metadata, input);
    const std::string dist = dist_of(plain);
    if (is_noarch_python(metadata) && !python)
        return make_error(ErrorKind::usage,
                          "{}: it is a noarch python package, but the environment has no Python; add a python package",
                          dist);
    if (std::string noarch = format::text_field(metadata.at("conda"), "noarch"); !noarch.empty())
        plain["package_type"] = "noarch_" + noarch;
    plain["link"] = json{{"type", input.link_type}};
    plain["requested_specs"] = json::array();
    if (input.requested) {
        std::string spec = input.spec.empty() ? requested_spec(metadata, input.requirement) : input.spec;
        plain["requested_spec"] = spec;
        plain["requested_specs"].push_back(spec);
    }

    HoledJson record = plain;
    auto in_packages = [&](const std::string& name) {
        HoledText path;
        path.prefix() << "/" << input.packages << "/" << name;
        return path;
    };
    record["extracted_package_dir"] = in_packages(dist);
    record["package_tarball_full_path"] = in_packages(format::text_field(plain, "fn"));
    record["link"]["source"] = in_packages(dist);

    PathLists lists(metadata, python, installed);
    if (python) lists.add_entry_points(entry_point_files(metadata, *python));
    lists.add_shipped();
    lists.add_bytecode(input.bytecode);
    lists.put_into(record);

    GeneratedFile out;
    out.path = "conda-meta/" + dist + ".json";
    out.content = record.dump();
    out.content << "\n";
    return out;
}

GeneratedFile history_file(const History& history) {
    std::string text = fmt::format("==> {} <==\n", utc_time_spaced(history.date));
    text += fmt::format("# cmd: {}\n", one_line(history.command));
    if (!history.conda_version.empty()) text += fmt::format("# conda version: {}\n", one_line(history.conda_version));
    std::vector<std::string> dists = history.dists;
    std::ranges::sort(dists);
    for (const std::string& dist : dists) text += fmt::format("+{}\n", one_line(dist));
    if (!history.update_specs.empty()) {
        std::string list;
        for (const std::string& spec : history.update_specs) list += (list.empty() ? "" : ", ") + python_repr(spec);
        text += fmt::format("# update specs: [{}]\n", list);
    }
    GeneratedFile out;
    out.path = "conda-meta/history";
    out.content << text;
    return out;
}

} // namespace tinderbox::conda
