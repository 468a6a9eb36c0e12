// PREFIX/.tinderbox: what an environment knows of itself. docs/install.md describes the files.
#pragma once

#include "common/format/relocate.hpp"
#include "runtime/install/installer.hpp"
#include "runtime/io/extract.hpp"
#include "runtime/io/plan.hpp"

#include <array>

namespace tinderbox {

// One line of `installed`.
struct InstalledRow {
    char kind = 'f';       // f file, d directory, l link, c compiled at the target
    Sha256Digest sha256{}; // of the content, of the link's target; zero for a directory
    std::uint64_t size = 0;
    unsigned mode = 0;
    std::string path; // below the prefix
    std::string link; // target of a link
};

std::string installed_text(const std::vector<InstalledRow>& rows); // sorted by path
Result<std::vector<InstalledRow>> parse_installed(std::string_view text);

std::vector<InstalledRow> installed_rows(const Table& table, const io::Plan& plan,
                                         const std::vector<InstalledFile>& installed,
                                         const std::vector<std::string>& prefixes, unsigned mode_mask);

// How files are written for these options. Its progress refers to `options`, which have to outlive it.
io::ExtractOptions extract_options(const InstallOptions& options, const std::vector<std::string>& prefixes,
                                   unsigned mode_mask);

// manifest.json, table, installed, stub and probes. Not durable: the caller syncs.
Status write_control_files(const fs::path& control, const RunFile& run, const std::vector<InstalledRow>& rows);

struct StateFile {
    std::string manifest_sha256;
    InstallStage stage = InstallStage::none;
    std::string parts = "env"; // io::Selection::text(); written only when there are more
};
std::string state_text(const StateFile& state);
std::optional<StateFile> parse_state(std::string_view text);

} // namespace tinderbox
