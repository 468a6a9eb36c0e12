// The imports that a conda package declares as its own test. NAME.run -t runs them.
//
// conda-build writes them into info/test/run_test.py, each as print("import: 'NAME'") and an import. rattler-build
// writes them into info/tests/tests.yaml (before: info/tests/N/python_test.json). Commands and other test scripts are
// not run, because they need files of a build machine.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::conda {

// Whether this member is one that declared_imports() reads.
bool declares_imports(std::string_view member);

// Dotted names, sorted, each once. Unreadable members are skipped, because a test is no part of the package's files.
std::vector<std::string> declared_imports(const std::map<std::string, std::string>& members);

} // namespace tinderbox::conda
