// What the checks import, and which processes share the work.
#pragma once

#include "runtime/verify/frameworks.hpp"

namespace tinderbox::verify {

// What one process imports, one after another, before it runs the checks of these frameworks.
struct ImportGroup {
    std::vector<std::string> packages; // as checks/imports.py takes them: "numpy", or "numpy=numpy,numpy.linalg"
    std::vector<const Framework*> frameworks;
};

struct ImportPlan {
    // A framework is imported once: with the packages that need it.
    std::vector<ImportGroup> groups;
    std::size_t packages = 0, frameworks = 0; // of all groups

    bool empty() const { return groups.empty(); }
};

// What the person asked for; in a list that names every package, those that no other of them needs. `all_packages`:
// every package, and the modules that each declares, shared by up to `jobs` processes. Frameworks: those that can be
// imported from inside the prefix, and those that the manifest requires.
ImportPlan plan_imports(const EnvironmentPython& python, const format::Manifest& manifest, bool all_packages,
                        unsigned jobs);

} // namespace tinderbox::verify
