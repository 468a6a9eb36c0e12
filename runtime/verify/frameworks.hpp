// The frameworks that compute on a GPU, each asked to do so with the environment's own Python: found by import name,
// run in a process of its own with a time limit, once in a clean environment and once as the user's shell has it.
// checks/NAME.py is the script that runs.
#pragma once

#include "runtime/verify/imports.hpp"
#include "runtime/verify/python_run.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::verify {

struct Framework {
    std::string_view name;                       // what is imported: "torch"
    std::vector<std::string_view> distributions; // the packages that bring it, normalized names
    std::string_view script;                     // checks/NAME.py
};
const std::vector<Framework>& known_frameworks();

// Those that can be imported from inside the prefix, and those that the manifest promises.
std::vector<const Framework*> frameworks_of(const EnvironmentPython& python, const format::Manifest& manifest);

// One or two checks: the clean environment's, and the user's when it differs for the worse.
std::vector<ImportCheck> check_framework(const EnvironmentPython& python, const Framework& framework, bool expect_gpu);

} // namespace tinderbox::verify
