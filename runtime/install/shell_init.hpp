// `conda init` in the user's start-up files, and its undo (docs/inside/install.md). No conda is run.
//
// Links to the files stay, and so do modes and owners; root acts with the rights of the home's owner
// (runtime/install/as_owner.hpp).
//
// Must: a file's old content is on disk beside it before the file is changed. Must: the undo gives back the very bytes,
// unless somebody has edited the file since; then the undo takes back only our own changes. One thread calls.
#pragma once

#include "common/base/file.hpp"
#include "runtime/install/conda_init.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>

namespace tinderbox::install {

// Where the user's files are and which shell is theirs; from HOME, SHELL, ZDOTDIR and XDG_CONFIG_HOME.
struct ShellPlaces {
    std::string home, shell, zdotdir, config_home;
    static ShellPlaces from_environment();
};

// The file that conda writes for this shell. tcsh without a .tcshrc but with a .cshrc: the latter, because a new
// .tcshrc would hide it.
fs::path start_up_file(Shell shell, const ShellPlaces& places);

// Without being told: the user's own shell ($SHELL; bash for an unknown one), and each other whose start-up file
// exists. A fish that was started once has its directory.
std::vector<Shell> shells_in_use(const ShellPlaces& places);

// "bash,zsh" or "all". Kind usage.
Result<std::vector<Shell>> parse_shells(std::string_view list);

struct ShellChange {
    enum class Outcome { unchanged, modified, restored, removed, left, failed };
    Shell shell = Shell::bash;
    fs::path file;
    Outcome outcome = Outcome::unchanged;
    std::string words; // one sentence: why it failed or was left, or a remark
    fs::path backup;   // "" = none
};
std::string_view to_string(ShellChange::Outcome outcome);
nlohmann::json to_json(const std::vector<ShellChange>& changes);

// Whether anything would change.
bool would_init_shells(const fs::path& conda_prefix, const std::vector<Shell>& shells, const ShellPlaces& places);

// Changes the files and adds to the record at `record` (PREFIX/.tinderbox/shell-init), which is written before each
// change. A file that cannot be changed is reported and the others go on.
std::vector<ShellChange> init_shells(const fs::path& conda_prefix, const std::vector<Shell>& shells,
                                     const ShellPlaces& places, const fs::path& record);

// Takes back the recorded changes, and removes the backups. Without a record it does nothing. Kind storage: the record
// cannot be read.
Result<std::vector<ShellChange>> undo_shells(const fs::path& record);

} // namespace tinderbox::install
