// Checks that frameworks compute on a GPU (checks/NAME.py). The environment's own Python runs each check in a process
// of its own with a time limit: once in a clean environment, once with the variables of the user's shell.
#pragma once

#include "runtime/verify/imports.hpp"
#include "runtime/verify/python_run.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::verify {

struct Framework {
    std::string_view name;                       // the module that is imported: "torch"
    std::vector<std::string_view> distributions; // the packages that contain it, normalized names
    std::string_view script;                     // checks/NAME.py
};
const std::vector<Framework>& known_frameworks();

// The frameworks that can be imported from inside the prefix, and those that the manifest requires.
std::vector<const Framework*> frameworks_of(const EnvironmentPython& python, const format::Manifest& manifest);

// The check in the clean environment. A second one follows when the user's environment gives a worse result.
std::vector<ImportCheck> check_framework(const EnvironmentPython& python, const Framework& framework, bool expect_gpu);

} // namespace tinderbox::verify
