// The imports that a conda package declares as its own test: what NAME.run -t checks.
//
// conda-build writes them into info/test/run_test.py, each as print("import: 'NAME'") and an import; rattler-build into
// info/tests/tests.yaml (before: info/tests/N/python_test.json). Commands and other scripts of tests are not run: they
// need things that only a build machine has.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::conda {

// Whether this member is one that declared_imports() reads.
bool declares_imports(std::string_view member);

// Dotted names, sorted, each once; what cannot be read is passed over (a test says nothing about the package's files).
std::vector<std::string> declared_imports(const std::map<std::string, std::string>& members);

} // namespace tinderbox::conda
