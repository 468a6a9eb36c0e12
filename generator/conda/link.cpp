#include "generator/conda/link.hpp"

#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/format/json_read.hpp"
#include "generator/conda/names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <ctime>
#include <set>

namespace tinderbox {

using nlohmann::json;

namespace {

// Stand-ins inside JSON strings: control characters, which no name, path or text that gets here may have.
constexpr char prefix_mark = '\x01', digest_begin = '\x02', digest_end = '\x03';

// What a package's author wrote must not look like a stand-in.
void drop_marks(json& value) {
    if (value.is_string()) {
        for (char& c : value.get_ref<std::string&>())
            if (c >= prefix_mark && c <= digest_end) c = ' ';
    } else if (value.is_structured()) {
        for (json& child : value) drop_marks(child);
    }
}

// Cuts the dumped JSON at the stand-ins. The dump writes them as \u0001 …; every other backslash escapes one
// character, which is skipped with it.
CondaText with_holes(const std::string& dump) {
    CondaText out;
    std::string literal, digest;
    bool in_digest = false;
    auto flush = [&] {
        if (!literal.empty()) out.pieces.push_back({CondaTextPiece::Kind::literal, std::move(literal)});
        literal.clear();
    };
    for (std::size_t i = 0; i < dump.size(); ++i) {
        std::string& current = in_digest ? digest : literal;
        if (dump[i] != '\\') {
            current += dump[i];
            continue;
        }
        std::string_view escape = std::string_view(dump).substr(i, 6);
        if (escape == "\\u0001") {
            flush();
            out.pieces.push_back({CondaTextPiece::Kind::prefix, ""});
            i += 5;
        } else if (escape == "\\u0002") {
            flush();
            in_digest = true;
            i += 5;
        } else if (escape == "\\u0003") {
            // The path went through JSON's escapes on its way: undo them.
            out.pieces.push_back(
                {CondaTextPiece::Kind::sha256_of, json::parse("\"" + digest + "\"").get<std::string>()});
            digest.clear();
            in_digest = false;
            i += 5;
        } else {
            current += dump.substr(i, 2);
            ++i;
        }
    }
    flush();
    return out;
}

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
    return fmt::format("{}-{}-{}", text_field(index, "name"), text_field(index, "version"), text_field(index, "build"));
}

// Makes "files" and "paths_data" of a record.
class PathLists {
  public:
    PathLists(const json& metadata, const PythonInfo* python, const CondaInstalledLookup& installed)
        : metadata_(metadata), python_(python), installed_(installed) {}

    void add_shipped() {
        for (const json& path : metadata_.at("conda").at("paths")) {
            json out = path;
            std::string final = conda_final_path(metadata_, python_, text_field(path, "_path"));
            auto as_installed = installed_(final);
            if (!as_installed) continue;
            std::string type = text_field(path, "path_type");
            if (type == "hardlink") {
                if (!out.contains("sha256") && !as_installed->sha256.empty()) out["sha256"] = as_installed->sha256;
                // Not the declared hash: another package's file may lie there now.
                if (as_installed->recompiled) out.erase("sha256_in_prefix");
                else
                    out["sha256_in_prefix"] =
                        as_installed->changes ? digest_begin + final + digest_end : as_installed->sha256;
            }
            add(std::move(out), final, type != "directory");
        }
    }

    void add_entry_points(const std::vector<CondaGenerated>& scripts) {
        for (const CondaGenerated& script : scripts)
            if (installed_(script.path)) add({{"path_type", "unix_python_entry_point"}}, script.path, true);
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

    void put_into(json& record) {
        std::ranges::sort(files_);
        std::ranges::sort(paths_, {}, [](const json& p) { return p.at("_path").get<std::string>(); });
        record["files"] = std::move(files_);
        record["paths_data"] = {{"paths_version", 1}, {"paths", std::move(paths_)}};
    }

  private:
    void add(json path, const std::string& final, bool is_file) {
        if (!seen_.insert(final).second) return; // an entry point in place of a shipped script
        path["_path"] = final;
        if (is_file) files_.push_back(final);
        paths_.push_back(std::move(path));
    }

    const json& metadata_;
    const PythonInfo* python_;
    const CondaInstalledLookup& installed_;
    std::vector<std::string> files_;
    std::vector<json> paths_;
    std::set<std::string> seen_;
};

} // namespace

std::string CondaText::render(std::string_view prefix,
                              const std::function<std::string(const std::string&)>& sha256_of) const {
    std::string out;
    for (const CondaTextPiece& piece : pieces) {
        switch (piece.kind) {
        case CondaTextPiece::Kind::literal:
            out += piece.text;
            break;
        case CondaTextPiece::Kind::prefix:
            out += prefix;
            break;
        case CondaTextPiece::Kind::shebang:
            out += replace_all(piece.text, "\x01", prefix) + "\n";
            break;
        case CondaTextPiece::Kind::sha256_of:
            out += sha256_of ? sha256_of(piece.text) : std::string(64, '0');
            break;
        }
    }
    return out;
}

std::string conda_final_path(const json& metadata, const PythonInfo* python, const std::string& path) {
    if (python && is_noarch_python(metadata)) {
        if (path == "site-packages" || path.starts_with("site-packages/"))
            return python->site_packages + path.substr(13);
        if (path == "python-scripts" || path.starts_with("python-scripts/")) return "bin" + path.substr(14);
    }
    return path;
}

// ---- python -------------------------------------------------------------------------------------------

Result<PythonInfo> conda_python_info(const json& metadata) {
    const json& index = metadata.at("conda").at("index");
    std::string dist = dist_of(index);
    if (text_field(index, "name") != "python") return make_error(ErrorKind::bug, "{} is not a python package", dist);
    PythonInfo out;
    out.version = text_field(index, "version");
    auto short_version = major_minor(out.version);
    if (!short_version)
        return make_error(ErrorKind::usage,
                          "{}: its version is not of the form 3.11.x, so noarch packages cannot be placed", dist);
    std::string build = text_field(index, "build");
    out.implementation = build.ends_with("_pypy") || build.find("pypy") != std::string::npos ? "pypy" : "cpython";
    out.executable = "bin/python" + *short_version;
    out.site_packages = text_field(index, "python_site_packages_path");
    if (out.site_packages.empty()) out.site_packages = fmt::format("lib/python{}/site-packages", *short_version);
    auto safe = safe_relative_path(out.site_packages);
    if (!safe.ok()) return std::move(safe).error().in(dist + ": python_site_packages_path");
    out.site_packages = *safe;
    out.stdlib = out.site_packages.substr(0, out.site_packages.rfind('/'));
    bool executable = false;
    for (const json& path : metadata.at("conda").at("paths")) {
        std::string file = text_field(path, "_path");
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

bool conda_compiles_bytecode(const json& metadata) { return is_noarch_python(metadata); }

std::vector<CondaGenerated> conda_entry_points(const json& metadata, const PythonInfo& python) {
    std::vector<CondaGenerated> out;
    if (!is_noarch_python(metadata)) return out;
    for (const json& point : metadata.at("conda").at("entry_points")) {
        std::string module = text_field(point, "module"), function = text_field(point, "function");
        CondaGenerated script;
        script.path = "bin/" + text_field(point, "command");
        script.mode = 0775;
        script.content.pieces.push_back({CondaTextPiece::Kind::shebang, "#!\x01/" + python.executable});
        script.content.pieces.push_back({CondaTextPiece::Kind::literal,
                                         fmt::format("import sys\n\nfrom {} import {}\n\nif __name__ == '__main__':\n"
                                                     "    sys.exit({}())\n",
                                                     module, function.substr(0, function.find('.')), function)});
        std::erase_if(out, [&](const CondaGenerated& earlier) { return earlier.path == script.path; });
        out.push_back(std::move(script));
    }
    return out;
}

std::vector<ScriptInfo> conda_scripts(const json& metadata) {
    const json& conda = metadata.at("conda");
    std::vector<ScriptInfo> out;
    for (const char* action : {"post-link", "pre-unlink"}) {
        std::string path = text_field(conda.at("scripts"), action);
        if (path.empty()) continue;
        ScriptInfo script;
        script.package = text_field(metadata, "name");
        script.version = text_field(metadata, "version");
        script.build_number = conda.at("index").at("build_number").dump();
        script.path = path;
        script.action = action;
        out.push_back(std::move(script));
    }
    return out;
}

// ---- conda-meta ---------------------------------------------------------------------------------------

std::string conda_requested_spec(const json& metadata, std::string_view requirement) {
    requirement = trim(requirement);
    std::string name = match_spec_name(requirement);
    bool is_spec = name == to_lower(text_field(metadata, "name")) &&
                   requirement.find("://") == std::string_view::npos && !is_conda_file_name(requirement);
    if (is_spec) return one_line(requirement);
    return fmt::format("{}=={}={}", text_field(metadata, "name"), text_field(metadata, "version"),
                       text_field(metadata, "build"));
}

namespace {

// What repodata would say of this archive.
json archive_record(const json& metadata, const CondaRecordInput& input) {
    json record = metadata.at("conda").at("index");
    if (std::string noarch = text_field(metadata.at("conda"), "noarch"); !noarch.empty()) record["noarch"] = noarch;
    std::string url = without_credentials(input.url);
    record["fn"] = input.file_name;
    record["url"] = url;
    // conda's has the subdirectory at its end, however the package was named: by a channel, a URL or a path.
    record["channel"] = url.empty() ? without_credentials(input.channel) : conda_channel_url(url);
    if (!input.md5.empty()) record["md5"] = input.md5;
    if (!input.sha256.empty()) record["sha256"] = input.sha256;
    if (input.size > 0) record["size"] = input.size;
    return record;
}

} // namespace

std::string conda_repodata_record(const json& metadata, const CondaRecordInput& input) {
    return archive_record(metadata, input).dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<CondaGenerated> conda_record(const json& metadata, const PythonInfo* python, const CondaRecordInput& input,
                                    const CondaInstalledLookup& installed) {
    json record = archive_record(metadata, input);
    std::string dist = dist_of(record);
    if (is_noarch_python(metadata) && !python)
        return make_error(ErrorKind::usage,
                          "{}: it is a noarch python package, but the environment has no Python; add a python package",
                          dist);
    if (std::string noarch = text_field(metadata.at("conda"), "noarch"); !noarch.empty())
        record["package_type"] = "noarch_" + noarch;
    drop_marks(record); // before the real ones

    std::string extracted = input.packages + "/" + dist;
    record["extracted_package_dir"] = extracted;
    record["package_tarball_full_path"] = input.packages + "/" + text_field(record, "fn");
    record["link"] = {{"source", extracted}, {"type", input.link_type}};
    record["requested_specs"] = json::array();
    if (input.requested) {
        std::string spec = input.spec.empty() ? conda_requested_spec(metadata, input.requirement) : input.spec;
        record["requested_spec"] = spec;
        record["requested_specs"].push_back(spec);
    }

    PathLists lists(metadata, python, installed);
    if (python) lists.add_entry_points(conda_entry_points(metadata, *python));
    lists.add_shipped();
    lists.add_bytecode(input.bytecode);
    lists.put_into(record);

    CondaGenerated out;
    out.path = "conda-meta/" + dist + ".json";
    out.content = with_holes(record.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
    return out;
}

CondaGenerated conda_history(const CondaHistory& history) {
    std::time_t when = static_cast<std::time_t>(history.date);
    std::tm utc{};
    ::gmtime_r(&when, &utc);
    std::string text = fmt::format("==> {:04}-{:02}-{:02} {:02}:{:02}:{:02} <==\n", utc.tm_year + 1900, utc.tm_mon + 1,
                                   utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
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
    CondaGenerated out;
    out.path = "conda-meta/history";
    out.content.pieces.push_back({CondaTextPiece::Kind::literal, std::move(text)});
    return out;
}

} // namespace tinderbox
