// Which entries of an installed tree are the installer's, and which are the user's: added since, or changed. One rule
// for --uninstall and --replace, because each of them removes a tree and neither may take somebody's work with it.
#pragma once

#include "runtime/install/installed_list.hpp"
#include "runtime/install/progress.hpp"

namespace tinderbox::install {

struct Ownership {
    std::vector<std::string> installed; // files and links with the bytes that were installed; compiled bytecode
    std::vector<std::string> users;     // sorted; "DIR/" for a directory that is the user's with all in it
};

// `rows`: the list of the tree's files. The bytes decide: a file whose permissions alone were changed is the
// installer's, and one that cannot be read is the user's. Bytecode that Python keeps beside sources is nobody's. An
// entry behind a link is not the installer's, because the link leads to other files of the user. The control directory
// is not looked at. `twin`: a tree that an update made of this one; a file that has a second name there is the
// installer's, and is not read. Kind interrupted.
Result<Ownership> tell_apart(const Directory& root, const std::vector<InstalledRow>& rows, const TreeWork& work = {},
                             const Directory* twin = nullptr);

// Removes `files`, the bytecode that Python wrote beside the listed sources since, and the listed directories that are
// empty then. Returns the number of files. Kinds: storage (some could not be removed; the others are), interrupted; it
// may be called again. `again`: what the person does then.
Result<std::uint64_t> remove_installed(const Directory& root, const std::vector<InstalledRow>& rows,
                                       const std::vector<std::string>& files, std::string_view again,
                                       const TreeWork& work = {});

// Every file and link of the list, whosever it is.
std::vector<std::string> listed_files(const std::vector<InstalledRow>& rows);

// Removes the tree `name` with everything in it, the listed files by all threads. May be called again. Kinds: storage,
// interrupted.
Status remove_whole(const Directory& parent, const std::string& name, const TreeWork& work = {});

} // namespace tinderbox::install
