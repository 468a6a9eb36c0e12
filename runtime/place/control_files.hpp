// The names that an installation leaves on the disk: of its own directory, of the files in it, and of the trees beside
// the prefix. docs/inside/install.md describes the contents. Other versions of Tinderbox read these names, so none of
// them may change.
#pragma once

#include "common/base/file.hpp"
#include "common/format/entry.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tinderbox::place {

// Below the root of an installed tree, and below a staging tree.
inline constexpr std::string_view control_directory = format::control_directory;

// Files and directories in it.
namespace control {
inline constexpr std::string_view state = "state";     // the last finished stage; its existence is the commit
inline constexpr std::string_view journal = "journal"; // of an installation under way
inline constexpr std::string_view lock = "lock";       // held (flock) by whoever writes
inline constexpr std::string_view manifest = "manifest.json";
inline constexpr std::string_view table = "table";
inline constexpr std::string_view installed = "installed";   // the list of installed files
inline constexpr std::string_view stub = "stub";             // this program, for use without the .run
inline constexpr std::string_view log = "log";               // output of scripts
inline constexpr std::string_view shell_init = "shell-init"; // changes of start-up files
inline constexpr std::string_view stage = "stage";           // directory: the tree of an installation into a prefix
inline constexpr std::string_view repair = "repair";         // directory: the tree of a repair
inline constexpr std::string_view report_html = "report.html";
inline constexpr std::string_view report_json = "report.json";
// Of the last --verify-only, beside the report of the installation.
inline constexpr std::string_view verification_html = "verification.html";
inline constexpr std::string_view verification_json = "verification.json";
} // namespace control

// ROOT/.tinderbox/NAME.
inline fs::path control_file(const fs::path& root, std::string_view name) { return root / control_directory / name; }

// A name in .tinderbox that belongs to an installation: one of the above, "cuda_probe…", or a temporary file of one.
bool is_control_name(std::string_view name);

// Where a new prefix is built: PARENT/.NAME.tinderbox-stage-ID. The ID depends on prefix and manifest alone, so the
// next run of the same installer finds the tree again.
fs::path stage_beside(const fs::path& root, std::string_view manifest_sha256);

// Where an environment that is being replaced waits: PARENT/.NAME.tinderbox-old. One name for all installers, because
// any of them may have to bring it back.
fs::path aside_of(const fs::path& root);

// An environment that --keep left: PARENT/.NAME.tinderbox-generation-N, N from 1 on. And the N of such a name; nullopt:
// it is another one.
fs::path generation_at(const fs::path& root, unsigned number);
std::optional<unsigned> generation_number(const fs::path& root, std::string_view name);

} // namespace tinderbox::place
