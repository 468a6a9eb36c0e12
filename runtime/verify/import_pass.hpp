// One pass of the checks: imports packages and runs the checks of frameworks, with one set of variables.
#pragma once

#include "runtime/verify/import_plan.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tinderbox::verify {

// What the packages asked for while they were imported (checks/watch.py).
struct Used {
    std::set<std::string> variables; // that were read from os.environ
    std::set<std::string> modules;   // NAME=PLACE of top-level modules from the prefix, NAME= of those not found
    std::set<std::string> startup;   // files of the modules that Python imports by itself

    void add(const PythonAnswer& answer);
};

struct FailedImport {
    std::string reason, package;
};

struct PassResult {
    // What a failure is filed under when Python itself ended, and no module's import was the cause.
    static constexpr const char* python_itself = "";

    std::vector<std::string> done;              // modules, sorted
    std::map<std::string, std::string> outside; // package → a file that it was imported from, outside of the prefix
    std::set<std::string> left_out;             // names beside the modules: tests, libraries for ctypes
    std::map<std::string, FailedImport> failed; // by module
    std::map<std::string_view, FrameworkResult> frameworks; // by name
    Used used;
    double seconds = 0;            // of the longest process
    std::uint64_t peak_memory = 0; // bytes, of the largest process
};

struct PassOptions {
    bool expect_gpu = false;
    unsigned jobs = 1;                                     // processes that run at the same time
    std::function<void(const std::string& name)> on_begin; // a package or framework; called from any thread
};

class ImportPass {
  public:
    // Keeps references to all three.
    ImportPass(const EnvironmentPython& python, const ImportPlan& plan, const PassOptions& options)
        : python_(python), plan_(plan), options_(options) {}

    PassResult run(const Variables& environment) const;
    // One package alone.
    PassResult run_package(const std::string& package, const Variables& environment) const;
    // One framework's check alone.
    FrameworkResult run_framework(const Framework& framework, const Variables& environment) const;

  private:
    const EnvironmentPython& python_;
    const ImportPlan& plan_;
    const PassOptions& options_;
};

} // namespace tinderbox::verify
