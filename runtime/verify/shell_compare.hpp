// Whether the user's shell can change what the checks in a clean environment have shown.
#pragma once

#include "runtime/verify/import_pass.hpp"

namespace tinderbox::verify {

struct ShellCompare {
    bool starts = false; // Python starts with the variables of the shell
    PythonAnswer answer; // of that start
    // Why the checks must be repeated, clauses: "LD_LIBRARY_PATH is set"; empty = what the packages use is the same.
    std::vector<std::string> reasons;
    std::vector<std::string> variables; // those among the reasons
};

// `used`: what the clean checks asked for. Variables count that Python, the loader, CUDA or a package's libraries read,
// and those that were read during the imports; directories of modules (PYTHONPATH, the user site) only when one of the
// modules would come from there.
ShellCompare compare_shell(const EnvironmentPython& python, const format::Manifest& manifest, const Used& used);

} // namespace tinderbox::verify
