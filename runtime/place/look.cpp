#include "runtime/place/look.hpp"

#include "runtime/place/control_files.hpp"
#include "runtime/place/journal.hpp"

namespace tinderbox::place {

std::string_view to_string(Found found) {
    // docs/inside/report.schema.json lists these words.
    static constexpr std::string_view names[] = {"absent",    "file",  "unreadable", "empty directory",
                                                 "directory", "conda", "tinderbox"};
    return names[static_cast<std::size_t>(found)];
}

Found look_at(const fs::path& path) {
    std::error_code ec, reading;
    const fs::file_status status = fs::status(path, ec);
    // A dangling symlink is in the way as much as a file.
    if (!fs::exists(status)) return fs::is_symlink(fs::symlink_status(path, ec)) ? Found::file : Found::absent;
    if (!fs::is_directory(status)) return Found::file;
    fs::directory_iterator it(path, reading);
    if (reading) return Found::unreadable;
    if (fs::exists(control_file(path, control::state), ec)) return Found::environment;
    if (fs::exists(path / "conda-meta", ec)) return Found::conda;
    for (; it != fs::directory_iterator(); it.increment(reading)) {
        const fs::path name = it->path().filename();
        if (name != "lost+found" && name != control_directory) return Found::directory;
    }
    return reading ? Found::unreadable : Found::empty_directory;
}

std::optional<Traces> traces_of(const fs::path& root, const std::string& manifest_sha256) {
    if (auto state = read_state(root); state.ok() && *state && (*state)->manifest_sha256 == manifest_sha256)
        return Traces{**state, (*state)->parts};
    if (auto journal = Journal::read(control_file(root, control::journal));
        journal && journal->header.manifest_sha256 == manifest_sha256)
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
