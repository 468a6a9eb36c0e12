// Which entries of an installed tree are the installer's, and which are the user's: added since, or changed. One rule
// for --uninstall and --replace, because each of them removes a tree and neither may take somebody's work with it.
#pragma once

#include "runtime/install/installed_list.hpp"

#include <functional>

namespace tinderbox::install {

struct Ownership {
    std::vector<std::string> installed; // files and links with the bytes that were installed; compiled bytecode
    std::vector<std::string> users;     // sorted; "DIR/" for a directory that is the user's with all in it
};

// `rows`: the list of the tree's files. The bytes decide: a file whose permissions alone were changed is the
// installer's, and one that cannot be read is the user's. Bytecode that Python keeps beside sources is nobody's. An
// entry behind a link is not the installer's, because the link leads to other files of the user. The control directory
// is not looked at. `jobs` threads, 0 = available_cpus(); `progress` is called from them, one at a time.
Result<Ownership> tell_apart(const Directory& root, const std::vector<InstalledRow>& rows, unsigned jobs = 0,
                             const std::function<void(std::uint64_t files_done)>& progress = {});

// Removes `files`, the bytecode that Python wrote beside the listed sources since, and the listed directories that are
// empty then. Returns the number of files. Kind storage: some could not be removed; the others are, and it may be
// called again. `again`: what the person does then.
Result<std::uint64_t> remove_installed(const Directory& root, const std::vector<InstalledRow>& rows,
                                       const std::vector<std::string>& files, std::string_view again);

} // namespace tinderbox::install
