// tinderbox inspect FILE: the contents of a .run, a lock, any SPEC or a conda's installer, without network.
#include "common/base/last_component.hpp"
#include "common/base/shell_quote.hpp"
#include "common/base/standard_output.hpp"
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/base/url.hpp"
#include "common/format/manifest.hpp"
#include "common/format/run_file.hpp"
#include "common/format/update.hpp"
#include "common/machine/gpu_code.hpp"
#include "generator/commands/command.hpp"
#include "generator/conda/constructor.hpp"
#include "generator/conda/names.hpp"
#include "generator/fetch/hashes.hpp"
#include "generator/fetch/url.hpp"
#include "generator/lock/lock.hpp"
#include "generator/pip/tags.hpp"
#include "generator/spec/request.hpp"
#include "generator/spec/spec_text.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <set>

namespace tinderbox::commands {

namespace {

void print_files(const format::Table& table) {
    for (const format::Destination& d : table.destinations) {
        if (d.kind == format::EntryKind::directory) continue;
        if (d.kind == format::EntryKind::symlink)
            print("{:>12}  {} -> {}\n", "link", d.path, replace_all(d.link, "\x01", "PREFIX"));
        else print("{:>12}  {}\n", table.contents[d.content].size, d.path);
    }
}

void print_manifest(const format::Manifest& m, std::uint64_t size) {
    print("{:>12}  {} ({}, {})\n", "name", m.name, m.platform, format_bytes(size));
    if (m.python) print("{:>12}  {} {}\n", "python", m.python->implementation, m.python->version);
    print("{:>12}  {} in {} files and directories\n", "installed", format_bytes(m.install.apparent_bytes),
          m.install.inodes);
    for (const auto& [label, text] : format::update_lines(m)) print("{:>12}  {}\n", label, text);
    if (!m.requires_.glibc.empty())
        print("{:>12}  glibc {} ({})\n", "needs", m.requires_.glibc, m.requires_.glibc_because);
    if (const auto& partial = m.requires_.partial_glibc)
        print("{:>12}  glibc {} in part ({})\n", "needs", partial->version, partial->because);
    for (const auto& [label, text] : machine::gpu_lines(m.requires_)) print("{:>12}  {}\n", label, text);
    for (const std::string& library : m.requires_.libraries) print("{:>12}  {} of the system\n", "needs", library);
    if (m.install.longest_prefix != 0)
        print("{:>12}  {} bytes ({})\n", "prefix up to", m.install.longest_prefix, m.install.longest_prefix_because);
    for (const std::string& notice : m.notices) print("{:>12}  {}\n", "notice", notice);
    write_output("\n");
    for (const format::PackageInfo& p : m.packages)
        if (p.kind != "generated")
            print("{:>12}  {} {}  {}\n", p.kind, p.name, p.version,
                  p.installed_size ? format_bytes(p.installed_size) : "");
}

Status inspect_run(const std::string& path, bool as_json, bool files) {
    TRY_ASSIGN(format::RunFile run, format::RunFile::open(path));
    if (as_json) {
        write_output(run.manifest_text());
        return {};
    }
    if (files) {
        TRY_ASSIGN(format::Table table, run.table());
        print_files(table);
        return {};
    }
    TRY_ASSIGN(format::Manifest manifest, format::manifest_from_json(run.manifest()));
    print_manifest(manifest, run.total_size());
    return {};
}

void print_request(const spec::Request& request) {
    print("{:>12}  {}\n", "kind", request.kind);
    if (!request.name.empty()) print("{:>12}  {}\n", "name", request.name);
    for (const std::string& channel : request.channels) print("{:>12}  {}\n", "channel", channel);
    for (const spec::CondaSpec& spec : request.conda) print("{:>12}  {}\n", "conda", spec.text);
    for (const pip::RequirementLine& requirement : request.pip)
        print("{:>12}  {}\n", "pip", pip::printable(requirement.text));
    for (const pip::RequirementLine& requirement : request.pip)
        if (!requirement.unbundled.empty())
            print("{:>12}  {}: {}\n", "problem", requirement.line.str(), requirement.unbundled);
    for (const spec::IgnoredItem& item : request.ignored)
        print("{:>12}  {}: {} ({})\n", "ignored", item.line.str(), item.what, item.why);
}

// A lock of another tool, a package a line.
void print_lock(const nlohmann::json& lock) {
    print("{:>12}  {} {}\n", "kind", lock["kind"].get<std::string>(), lock["version"].dump());
    for (const char* key : {"platforms", "environments", "extras", "groups"})
        if (lock.contains(key) && !lock[key].empty()) {
            std::string names;
            for (const auto& name : lock[key]) names += (names.empty() ? "" : ", ") + name.get<std::string>();
            print("{:>12}  {}\n", key, names);
        }
    for (const auto& row : lock["packages"]) {
        auto field = [&](const char* key) { return row.value(key, ""); };
        print("{:>12}  {} {}{}  {}  {}\n", field("kind"), field("name"), field("version"),
              field("build").empty() ? "" : " " + field("build"), field("platform"),
              field("source").empty() ? field("url") : field("source"));
    }
}

// An @EXPLICIT list is a request and a lock, so that both are printed.
void add_packages(const spec::Request& request, nlohmann::json& out) {
    std::set<std::string> platforms;
    out["version"] = nullptr;
    out["packages"] = nlohmann::json::array();
    for (const spec::CondaSpec& spec : request.conda) {
        const std::string url = spec.url.substr(0, spec.url.rfind('/'));
        std::string platform(last_component(url));
        if (!conda::is_subdir(platform)) platform.clear();
        if (!platform.empty() && platform != "noarch") platforms.insert(platform);
        out["packages"].push_back({{"kind", "conda"},
                                   {"name", spec.name},
                                   {"version", spec.version},
                                   {"build", spec.build},
                                   {"url", pip::printable(spec.url)},
                                   {"sha256", spec.sha256},
                                   {"md5", spec.md5},
                                   {"platform", platform}});
    }
    for (const pip::RequirementLine& line : request.pip) {
        std::string sha256, version;
        for (const std::string& hash : line.hashes)
            if (hash.starts_with("sha256:")) sha256 = hash.substr(7);
        fetch::Url url = fetch::Url::parse(line.url);
        for (const auto& [algorithm, digest] : fetch::fragment_hashes(url.fragment))
            if (algorithm == "sha256") sha256 = digest;
        url.fragment.clear();
        const std::string file = fetch::file_name_at(url.str());
        if (auto wheel = pip::parse_wheel_name(file)) version = wheel->version_text;
        else if (auto sdist = pip::parse_sdist_name(file, line.name)) version = sdist->str();
        out["packages"].push_back({{"kind", "pypi"},
                                   {"name", line.name},
                                   {"version", version},
                                   {"build", ""},
                                   {"url", pip::printable(url.str())},
                                   {"sha256", sha256},
                                   {"md5", ""},
                                   {"platform", ""}});
    }
    out["platforms"] = platforms;
}

// "" where the installer has none.
std::string python_of(const conda::ConstructorInstaller& installer) {
    for (std::size_t i = 0; i < installer.base_count; ++i)
        if (auto name = conda::parse_file_name(installer.packages[i].file_name); name.ok() && name->name == "python")
            return name->version;
    return "";
}

nlohmann::json installer_json(const conda::ConstructorInstaller& installer) {
    nlohmann::json out = {{"kind", "constructor installer"},
                          {"name", installer.name},
                          {"version", installer.version},
                          {"platform", installer.platform},
                          {"constructor_version", installer.constructor_version},
                          {"size", installer.size},
                          {"python", python_of(installer)},
                          {"glibc", installer.minimum_glibc},
                          {"base_packages", installer.base_count},
                          {"environments", nlohmann::json::array()},
                          {"packages", nlohmann::json::array()}};
    for (const conda::ConstructorEnvironment& environment : installer.environments)
        out["environments"].push_back({{"name", environment.name}, {"packages", environment.packages.size()}});
    for (const conda::ConstructorPackage& package : installer.packages)
        out["packages"].push_back({{"file", package.file_name},
                                   {"url", package.url},
                                   {"md5", package.md5},
                                   {"sha256", package.sha256},
                                   {"size", package.size}});
    return out;
}

// A Miniconda or Miniforge, named because a base is made of it. Reading it whole checks it as `build --base` would.
Status inspect_installer(const std::string& path, bool as_json) {
    TRY_ASSIGN(const conda::ConstructorInstaller installer, conda::read_constructor(path));
    if (as_json) {
        write_output(format::canonical_json(installer_json(installer)));
        return {};
    }
    const std::string& maker = installer.constructor_version;
    print("{:>12}  an installer of a conda{}{}\n", "kind", maker.empty() ? "" : ", made by constructor ", maker);
    print("{:>12}  {} {} ({}, {})\n", "name", installer.name, installer.version, installer.platform,
          format_bytes(installer.size));
    if (const std::string python = python_of(installer); !python.empty()) print("{:>12}  {}\n", "python", python);
    print("{:>12}  {} in the base\n", "packages", installer.base_count);
    for (const conda::ConstructorEnvironment& environment : installer.environments)
        print("{:>12}  {}, {}\n", "environment", environment.name, counted(environment.packages.size(), "package"));
    if (!installer.minimum_glibc.empty()) print("{:>12}  glibc {}\n", "needs", installer.minimum_glibc);
    for (const std::string& warning : installer.warnings) print("{:>12}  {}\n", "left out", warning);
    const std::string platform = installer.platform == "linux-64" ? "" : " --platform " + installer.platform;
    print("{:>12}  whole and of a known form: tinderbox build SPEC{} --base {}\n", "usable", platform,
          shell_quote(path));
    return {};
}

// Beside the output, which may be read by a program.
void say_lock(spec::SpecKind kind, const std::string& path) {
    Terminal::get().note("lock", fmt::format("{}; 'tinderbox build {}' makes an installer of it", spec::to_string(kind),
                                             shell_quote(path)));
}

Status inspect(std::string argument, bool as_json, bool files) {
    TRY(take_file_of_directory(argument, spec::OwnLocks::taken));
    auto [path, names] = spec::split_argument(argument);
    if (format::looks_like_run(path)) return inspect_run(path, as_json, files);
    if (!files && conda::is_constructor_installer(spec::head_of(path))) return inspect_installer(path, as_json);
    if (files) return make_error(ErrorKind::usage, "--files lists the files of a .run, and '{}' is no .run", path);
    TRY_ASSIGN(std::string text, spec::read_spec_text(path));
    TRY_ASSIGN(const std::string decoded, spec::decode_spec(std::move(text), path));
    const spec::SpecKind kind = spec::recognise_spec(decoded);
    if (kind == spec::SpecKind::tinderbox_lock) {
        TRY_ASSIGN(lock::Lock lock, lock::parse_lock(decoded, path));
        if (!as_json) say_lock(kind, path);
        write_output(as_json ? format::canonical_json(lock::inspect_json(lock)) : lock::lock_text(lock));
        return {};
    }
    if (kind == spec::SpecKind::conda_lock || kind == spec::SpecKind::pixi_lock || kind == spec::SpecKind::pylock ||
        kind == spec::SpecKind::uv_lock) {
        TRY_ASSIGN(spec::ForeignLock lock, spec::parse_foreign_lock(kind, decoded, path));
        TRY(spec::check_asks(lock));
        if (!as_json) say_lock(kind, path);
        const nlohmann::json shown = spec::inspect_json(lock);
        if (as_json) write_output(format::canonical_json(shown));
        else print_lock(shown);
        return {};
    }
    spec::LockChoice choice;
    choice.names = std::move(names);
    TRY_ASSIGN(spec::Request request, spec::parse_spec(decoded, path, choice));
    TRY(spec::check_asks(request));
    nlohmann::json shown = spec::to_json(request);
    if (kind == spec::SpecKind::explicit_list) add_packages(request, shown);
    if (as_json) write_output(format::canonical_json(shown));
    else print_request(request);
    return {};
}

} // namespace

void add_inspect(CLI::App& app, Invocation& invocation) {
    CLI::App* command = app.add_subcommand("inspect", "Show the contents of a .run, a lock or a SPEC, without network");
    auto file = std::make_shared<std::string>();
    auto as_json = std::make_shared<bool>(false);
    auto files = std::make_shared<bool>(false);
    command->add_option("FILE", *file, "A .run, a lock, any SPEC, or the .sh of a Miniconda or Miniforge")->required();
    command->add_flag("--json", *as_json, "As JSON");
    command->add_flag("--files", *files, "Every file of a .run with its size");
    command->callback([=, &invocation] { invocation.run = [=] { return inspect(*file, *as_json, *files); }; });
}

} // namespace tinderbox::commands
