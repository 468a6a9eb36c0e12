#include "runtime/place/look.hpp"

#include "runtime/place/control_files.hpp"
#include "runtime/place/journal.hpp"

namespace tinderbox::place {

std::string_view to_string(Found found) {
    // docs/inside/report.schema.json lists these words.
    static constexpr std::string_view names[] = {"absent",    "file",  "unreadable", "empty directory",
                                                 "directory", "conda", "tinderbox",  "untrusted"};
    return names[static_cast<std::size_t>(found)];
}

Found look_at(const Approach& approach) {
    if (approach.refusal) return Found::untrusted;
    if (!approach.not_directory.empty()) return approach.at_path ? Found::file : Found::absent;
    if (!approach.missing.empty()) return Found::absent;
    if (!approach.tree) return Found::unreadable;
    struct stat st;
    if (approach.tree.look(fmt::format("{}/{}", control_directory, control::state), st) == 0) return Found::environment;
    if (approach.tree.look("conda-meta", st) == 0) return Found::conda;
    const auto entries = approach.tree.entries();
    if (!entries.ok()) return Found::unreadable;
    for (const Directory::Entry& entry : *entries)
        if (entry.name != "lost+found" && entry.name != control_directory) return Found::directory;
    return Found::empty_directory;
}

std::optional<Traces> traces_of(const Directory& root, const Trust& trust, const std::string& manifest_sha256) {
    if (!root) return std::nullopt;
    const auto control = open_control(root, trust, Access::read);
    if (!control.ok() || !*control) return std::nullopt;
    if (auto state = read_state(**control); state.ok() && *state && (*state)->manifest_sha256 == manifest_sha256)
        return Traces{**state, (*state)->parts};
    if (auto journal = Journal::read(**control); journal && journal->header.manifest_sha256 == manifest_sha256)
        return Traces{std::nullopt, journal->header.parts};
    return std::nullopt;
}

bool is_conda_prefix(const fs::path& prefix) {
    std::error_code ec;
    return fs::is_directory(prefix / "conda-meta", ec) &&
           (fs::exists(prefix / "bin" / "conda", ec) || fs::exists(prefix / "condabin" / "conda", ec));
}

bool is_conda_root(const fs::path& prefix) {
    std::error_code ec;
    if (!fs::is_directory(prefix / "conda-meta", ec)) return false;
    for (const char* program :
         {"bin/conda", "condabin/conda", "bin/mamba", "condabin/mamba", "bin/micromamba", "condabin/micromamba"})
        if (fs::exists(prefix / program, ec)) return true;
    // micromamba's program lies elsewhere; its root has a package cache, which no mere environment has.
    return fs::is_directory(prefix / "pkgs", ec) || fs::is_directory(prefix / "envs", ec);
}

} // namespace tinderbox::place
