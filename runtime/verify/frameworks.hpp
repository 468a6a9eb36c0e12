// Checks that frameworks compute on a GPU (checks/NAME.py), and what their answers mean. The environment's own Python
// runs them.
#pragma once

#include "runtime/verify/import_check.hpp"
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

// The result of one run of a framework's check.
struct FrameworkResult {
    ImportCheck check;
    std::string file; // where the framework was imported from
};
// What the answers of a check say. `expect_gpu`: a framework built for CUDA must find one.
FrameworkResult judge_framework(const Framework& framework, const PythonAnswer& answer, bool expect_gpu);

// The whole text of the check: prelude and script.
std::string framework_script(const Framework& framework);

} // namespace tinderbox::verify
