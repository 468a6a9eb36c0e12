// tinderbox inspect FILE: what a .run, a lock or any SPEC says, without network.
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/format/manifest.hpp"
#include "common/format/run_file.hpp"
#include "common/machine/gpu_code.hpp"
#include "generator/commands/command.hpp"
#include "generator/conda/names.hpp"
#include "generator/lock/lock.hpp"
#include "generator/pip/tags.hpp"
#include "generator/spec/request.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <set>

namespace tinderbox {

namespace {

void print_files(const Table& table) {
    for (const Destination& d : table.destinations) {
        if (d.kind == EntryKind::directory) continue;
        if (d.kind == EntryKind::symlink)
            fmt::print("{:>12}  {} -> {}\n", "link", d.path, replace_all(d.link, "\x01", "PREFIX"));
        else fmt::print("{:>12}  {}\n", table.contents[d.content].size, d.path);
    }
}

void print_manifest(const Manifest& m, std::uint64_t size) {
    fmt::print("{:>12}  {} ({}, {})\n", "name", m.name, m.platform, format_bytes(size));
    if (m.python) fmt::print("{:>12}  {} {}\n", "python", m.python->implementation, m.python->version);
    fmt::print("{:>12}  {} in {} files and directories\n", "installed", format_bytes(m.install.apparent_bytes),
               m.install.inodes);
    if (!m.requires_.glibc.empty())
        fmt::print("{:>12}  glibc {} ({})\n", "needs", m.requires_.glibc, m.requires_.glibc_because);
    for (const auto& [label, text] : gpu_lines(m.requires_)) fmt::print("{:>12}  {}\n", label, text);
    for (const std::string& library : m.requires_.libraries) fmt::print("{:>12}  {} of the system\n", "needs", library);
    if (m.install.longest_prefix != 0)
        fmt::print("{:>12}  {} bytes ({})\n", "prefix up to", m.install.longest_prefix,
                   m.install.longest_prefix_because);
    for (const std::string& notice : m.notices) fmt::print("{:>12}  {}\n", "notice", notice);
    fmt::print("\n");
    for (const PackageInfo& p : m.packages)
        if (p.kind != "generated")
            fmt::print("{:>12}  {} {}  {}\n", p.kind, p.name, p.version,
                       p.installed_size ? format_bytes(p.installed_size) : "");
}

Status inspect_run(const std::string& path, bool as_json, bool files) {
    TRY_ASSIGN(RunFile run, RunFile::open(path));
    if (as_json) {
        fmt::print("{}", run.manifest_text());
        return {};
    }
    if (files) {
        TRY_ASSIGN(Table table, run.table());
        print_files(table);
        return {};
    }
    TRY_ASSIGN(Manifest manifest, manifest_from_json(run.manifest()));
    print_manifest(manifest, run.total_size());
    return {};
}

void print_request(const Request& request) {
    fmt::print("{:>12}  {}\n", "kind", request.kind);
    if (!request.name.empty()) fmt::print("{:>12}  {}\n", "name", request.name);
    for (const std::string& channel : request.channels) fmt::print("{:>12}  {}\n", "channel", channel);
    for (const CondaSpec& spec : request.conda) fmt::print("{:>12}  {}\n", "conda", spec.text);
    for (const PipRequirement& requirement : request.pip)
        fmt::print("{:>12}  {}\n", "pip", printable(requirement.text));
    for (const PipRequirement& requirement : request.pip)
        if (!requirement.unbundled.empty())
            fmt::print("{:>12}  {}: {}\n", "problem", requirement.line.str(), requirement.unbundled);
    for (const IgnoredItem& item : request.ignored)
        fmt::print("{:>12}  {}: {} ({})\n", "ignored", item.line.str(), item.what, item.why);
}

// A lock of another tool, a package a line.
void print_lock(const nlohmann::json& lock) {
    fmt::print("{:>12}  {} {}\n", "kind", lock["kind"].get<std::string>(), lock["version"].dump());
    for (const char* key : {"platforms", "environments", "extras", "groups"})
        if (lock.contains(key) && !lock[key].empty()) {
            std::string names;
            for (const auto& name : lock[key]) names += (names.empty() ? "" : ", ") + name.get<std::string>();
            fmt::print("{:>12}  {}\n", key, names);
        }
    for (const auto& row : lock["packages"]) {
        auto field = [&](const char* key) { return row.value(key, ""); };
        fmt::print("{:>12}  {} {}{}  {}  {}\n", field("kind"), field("name"), field("version"),
                   field("build").empty() ? "" : " " + field("build"), field("platform"),
                   field("source").empty() ? field("url") : field("source"));
    }
}

// An @EXPLICIT list is a request and a lock: it says both.
void add_packages(const Request& request, nlohmann::json& out) {
    std::set<std::string> platforms;
    out["version"] = nullptr;
    out["packages"] = nlohmann::json::array();
    for (const CondaSpec& spec : request.conda) {
        const std::string url = spec.url.substr(0, spec.url.rfind('/'));
        std::string platform = url.substr(url.rfind('/') + 1);
        if (!is_conda_subdir(platform)) platform.clear();
        if (!platform.empty() && platform != "noarch") platforms.insert(platform);
        out["packages"].push_back({{"kind", "conda"},
                                   {"name", spec.name},
                                   {"version", spec.version},
                                   {"build", spec.build},
                                   {"url", printable(spec.url)},
                                   {"sha256", spec.sha256},
                                   {"md5", spec.md5},
                                   {"platform", platform}});
    }
    for (const PipRequirement& line : request.pip) {
        std::string sha256, version;
        for (const std::string& hash : line.hashes)
            if (hash.starts_with("sha256:")) sha256 = hash.substr(7);
        Url url = Url::parse(line.url);
        if (url.fragment.starts_with("sha256=")) sha256 = url.fragment.substr(7);
        url.fragment.clear();
        const std::string path = percent_decode(url.path);
        const std::string_view file = std::string_view(path).substr(path.rfind('/') + 1);
        if (auto wheel = pip::parse_wheel_name(file)) version = wheel->version_text;
        else if (auto sdist = pip::parse_sdist_name(file, line.name)) version = sdist->str();
        out["packages"].push_back({{"kind", "pypi"},
                                   {"name", line.name},
                                   {"version", version},
                                   {"build", ""},
                                   {"url", printable(url.str())},
                                   {"sha256", sha256},
                                   {"md5", ""},
                                   {"platform", ""}});
    }
    out["platforms"] = platforms;
}

Status inspect(const std::string& argument, bool as_json, bool files) {
    auto [path, names] = split_argument(argument);
    if (looks_like_run(path)) return inspect_run(path, as_json, files);
    if (files) return make_error(ErrorKind::usage, "--files lists what is in a .run; '{}' is none", path);
    auto text = read_text(path);
    if (!text.ok()) return Error{ErrorKind::usage, std::move(text).error().message};
    TRY_ASSIGN(const std::string decoded, decode_spec(std::move(*text), path));
    const SpecKind kind = recognise_spec(decoded);
    if (kind == SpecKind::tinderbox_lock) {
        TRY_ASSIGN(Lock lock, read_lock(path));
        fmt::print("{}", as_json ? canonical_json(inspect_json(lock)) : lock_text(lock));
        return {};
    }
    if (kind == SpecKind::conda_lock || kind == SpecKind::pixi_lock || kind == SpecKind::pylock ||
        kind == SpecKind::uv_lock) {
        TRY_ASSIGN(ForeignLock lock, parse_foreign_lock(kind, decoded, path));
        const nlohmann::json shown = inspect_json(lock);
        if (as_json) fmt::print("{}", canonical_json(shown));
        else print_lock(shown);
        return {};
    }
    LockChoice choice;
    choice.names = std::move(names);
    TRY_ASSIGN(Request request, parse_spec(decoded, path, choice));
    nlohmann::json shown = to_json(request);
    if (kind == SpecKind::explicit_list) add_packages(request, shown);
    if (as_json) fmt::print("{}", canonical_json(shown));
    else print_request(request);
    return {};
}

} // namespace

void add_inspect(CLI::App& app, Invocation& invocation) {
    CLI::App* command = app.add_subcommand("inspect", "Say what a .run, a lock or a SPEC holds, without network");
    auto file = std::make_shared<std::string>();
    auto as_json = std::make_shared<bool>(false);
    auto files = std::make_shared<bool>(false);
    command->add_option("FILE", *file, "A .run, a lock, or any SPEC")->required();
    command->add_flag("--json", *as_json, "As JSON");
    command->add_flag("--files", *files, "Every file of a .run with its size");
    command->callback([=, &invocation] { invocation.run = [=] { return inspect(*file, *as_json, *files); }; });
}

} // namespace tinderbox
