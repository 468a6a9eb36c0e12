// ROOT/.tinderbox/installed: every entry of an installed tree, as it was installed. docs/inside/install.md has its
// bytes.
#pragma once

#include "common/base/directory.hpp"
#include "common/base/hash.hpp"
#include "common/format/relocate.hpp"
#include "runtime/io/plan.hpp"

namespace tinderbox::install {

// One line.
struct InstalledRow {
    char kind = 'f';       // f file, d directory, l link, c compiled at the target
    Sha256Digest sha256{}; // of the content, of the link's target; zero for a directory
    std::uint64_t size = 0;
    unsigned mode = 0;
    std::string path; // below the root
    std::string link; // target of a link
};

std::string installed_text(const std::vector<InstalledRow>& rows); // sorted by path
// Kind storage: a line is damaged, or its path leaves the root (--uninstall removes what is listed).
Result<std::vector<InstalledRow>> parse_installed(std::string_view text);
// `control`: the .tinderbox directory.
Result<std::vector<InstalledRow>> read_installed_list(const Directory& control);

// Of the extracted files. `installed` by destination, `prefixes` by prefix_index().
std::vector<InstalledRow> installed_rows(const format::Table& table, const io::WritePlan& plan,
                                         const std::vector<format::InstalledFile>& installed,
                                         const std::vector<std::string>& prefixes, unsigned mode_mask);
// Of a directory of the plan.
InstalledRow directory_row(const format::Table& table, const io::PlannedDirectory& directory, unsigned mode_mask);
// Of bytecode that was compiled at the target; nullopt: it cannot be read, or lies behind a link.
std::optional<InstalledRow> bytecode_row(const Directory& root, const std::string& path);

} // namespace tinderbox::install
