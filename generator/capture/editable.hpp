// Editable and development installations in a captured environment: a package whose source directory lies elsewhere.
// Its installed files only lead there: a .pth, an import hook, a link.
#pragma once

#include "generator/capture/captured.hpp"

namespace tinderbox::capture {

struct Editable {
    EditableProject project;
    std::set<std::string> paths; // of its installed files and directories, relative to the prefix
};

// The projects that PEP 610's direct_url.json or an .egg-link (setuptools' develop) names, by directory of their
// records. `site_packages` is relative to the prefix. Errors: storage.
Result<std::vector<Editable>> find_editable(const std::string& site_packages, const FileSelection& selection);

// Takes the files of the projects out of the selection, as an uninstallation would. Other lines of easy-install.pth
// stay. Errors: storage.
Status leave_out_editable(const std::vector<Editable>& editable, const std::string& site_packages,
                          FileSelection& selection);

} // namespace tinderbox::capture
