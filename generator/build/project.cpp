#include "generator/build/project.hpp"

#include "common/base/hash_file.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/archive/write_tar.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/pip/tags.hpp"

#include <algorithm>
#include <utility>

namespace tinderbox::build {
namespace {

constexpr double longest_step = 600; // seconds

// What git prints in `directory`; nullopt: it failed (no repository, or no git).
std::optional<std::string> ask_git(const fs::path& directory, const std::vector<std::string>& arguments) {
    ProcessSpec spec;
    spec.argv = {"git", "-C", directory.string()};
    spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
    spec.timeout_seconds = longest_step;
    spec.output_limit = 256u << 20;
    auto asked = run_process(spec);
    if (!asked.ok() || !asked->succeeded()) return std::nullopt;
    return std::move(asked->output);
}

// "venv/" for "venv/pyvenv.cfg", "env/" for "env/conda-meta/history".
std::optional<std::string> environment_of(std::string_view file) {
    for (std::string_view mark : {"/pyvenv.cfg", "/conda-meta/history"})
        if (file.ends_with(mark)) return std::string(file.substr(0, file.size() - mark.size() + 1));
    return std::nullopt;
}

// The files that git knows or would add, without environments that nobody told git to ignore.
std::optional<std::vector<std::string>> files_of_git(const fs::path& directory) {
    const auto listed = ask_git(directory, {"ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", "."});
    if (!listed) return std::nullopt;
    std::vector<std::string> out, environments;
    for (std::string_view name : split(*listed, '\0'))
        if (auto environment = environment_of(name)) environments.push_back(*std::move(environment));
    auto of_environment = [&](std::string_view name) {
        return std::ranges::any_of(environments, [&](const std::string& one) { return name.starts_with(one); });
    };
    std::error_code ec;
    for (std::string_view name : split(*listed, '\0'))
        if (!name.empty() && !of_environment(name) && fs::exists(fs::symlink_status(directory / name, ec)))
            out.emplace_back(name);
    return out;
}

// Of a project without git: what no build reads.
bool is_litter(const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    std::error_code ec;
    if (fs::exists(entry.path() / "pyvenv.cfg", ec) || fs::exists(entry.path() / "conda-meta", ec)) return true;
    for (std::string_view one : {".git", ".hg", ".svn", ".tox", ".nox", "__pycache__", "node_modules", "build", "dist",
                                 ".mypy_cache", ".pytest_cache", ".ruff_cache", ".eggs"})
        if (name == one) return true;
    return name.ends_with(".egg-info") || name.ends_with(".pyc") || name.ends_with(".run");
}

Result<std::vector<std::string>> files_below(const fs::path& directory) {
    std::vector<std::string> out;
    std::error_code ec;
    fs::recursive_directory_iterator it(directory, ec), end;
    for (; !ec && it != end; it.increment(ec)) {
        if (is_litter(*it)) it.disable_recursion_pending();
        else if (!it->is_directory(ec)) out.push_back(it->path().lexically_relative(directory).string());
    }
    if (ec) return make_error(ErrorKind::storage, "cannot read '{}': {}", directory.string(), ec.message());
    return out;
}

// A build backend that takes the version from git (setuptools-scm, hatch-vcs, …) finds no repository in an archive.
// There it reads this file, which `git archive` would fill in (setuptools-scm's documentation, "Git archives").
constexpr const char* archival_name = ".git_archival.txt";
std::map<std::string, std::string> git_archival(const fs::path& directory) {
    const auto commit = ask_git(directory, {"log", "-1", "--format=node: %H%nnode-date: %cI"});
    if (!commit) return {};
    const auto tag = ask_git(directory, {"describe", "--tags", "--long", "--match", "*[0-9]*"});
    return {{archival_name, *commit + (tag ? "describe-name: " + *tag : "")}};
}

// Both become the name of a file.
Status check_name_and_version(const spec::OwnProject& project, const std::string& path) {
    const auto requirement = pip::Requirement::parse(project.name);
    if (!requirement.ok() || requirement->written_name != project.name)
        return make_error(ErrorKind::usage, "{}: '{}' is no name of a project (PEP 508)", path, project.name);
    if (!pip::Version::parse(project.version))
        return make_error(ErrorKind::usage, "{}: '{}' is no version of a project (PEP 440)", path, project.version);
    return {};
}

// NAME-VERSION.tar.gz in the cache, in a directory named by its SHA-256. `ask_version`: git may know the version.
Result<fs::path> make_archive(const spec::OwnProject& project, bool ask_version) {
    std::optional<std::vector<std::string>> files = files_of_git(project.directory);
    if (!files) {
        TRY_ASSIGN(files, files_below(project.directory));
    }
    std::ranges::sort(*files);
    TRY(make_directories(cache_directory()));
    TRY_ASSIGN(const TemporaryDirectory work, TemporaryDirectory::make(cache_directory()));
    const std::string stem =
        fmt::format("{}-{}", replace_all(pip::normalize_name(project.name), "-", "_"), project.version);
    const fs::path archive = work.path() / (stem + ".tar.gz");
    std::map<std::string, std::string> texts;
    if (ask_version) texts = git_archival(project.directory);
    TRY(archive::write_tar_gz(archive, project.directory, *files, stem, texts).in(project.directory.string()));
    TRY_ASSIGN(const FileHash hash, hash_file(archive));
    const fs::path kept = cache_directory() / "projects" / to_hex(hash.sha256);
    TRY(make_directories(kept));
    std::error_code ec;
    fs::rename(archive, kept / archive.filename(), ec);
    if (ec) return make_error(ErrorKind::storage, "cannot write '{}': {}", kept.string(), ec.message());
    return kept / archive.filename();
}

} // namespace

Status add_own_project(const Options& options, const std::string& path, spec::Request& request) {
    const std::optional<spec::OwnProject> project = std::exchange(request.project, std::nullopt);
    if (options.no_project || !project) return {};
    if (project->directory.empty())
        return make_error(
            ErrorKind::usage,
            "{}: the project's own package '{}' would be left out, and through a pipe its directory is not known: give "
            "the path of the file with --with-project, or --no-project for an environment of its dependencies alone",
            path, project->name);
    if (!options.with_project)
        return make_error(
            ErrorKind::usage,
            "{}: the project's own package '{}' would be left out: --with-project builds its wheel here with its "
            "own build backend (runs its code), --no-project makes an environment of its dependencies alone",
            path, project->name);
    TRY(check_name_and_version(*project, path));
    TRY_ASSIGN(const fs::path archive, make_archive(*project, project->version == pip::dynamic_version));
    return spec::add_pip(request, fmt::format("{} @ file://{}", project->name, percent_encode_path(archive.string())),
                         {path + " (its own project)", 0});
}

Result<std::vector<lock::SourceProject>> archive_editable(const Captured& captured) {
    std::vector<lock::SourceProject> out;
    for (const capture::EditableProject& editable : captured.artifact->editable()) {
        const std::string where = fmt::format("'{}'", captured.source.path);
        std::error_code ec;
        if (!fs::is_directory(editable.directory, ec))
            return make_error(ErrorKind::usage,
                              "{}: {} is installed from its source directory {}: install it there as a wheel (pip "
                              "install DIRECTORY), "
                              "or remove it (pip uninstall {})",
                              where, editable.name,
                              editable.directory.empty() ? "that its records do not name"
                                                         : "'" + editable.directory + "', which is gone",
                              editable.name);
        const spec::OwnProject project{
            editable.name, editable.version.empty() ? pip::dynamic_version : editable.version, editable.directory};
        TRY(check_name_and_version(project, where));
        // An installation does not tell whether its version was written down or asked of git.
        TRY_ASSIGN(const fs::path archive, make_archive(project, true));
        out.push_back({pip::normalize_name(editable.name), editable.version, archive, editable.directory});
    }
    return out;
}

} // namespace tinderbox::build
