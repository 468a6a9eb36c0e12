// Bytecode of the sources whose bytes are known only at the target, made by the environment's own interpreter.
#pragma once

#include "common/base/directory.hpp"
#include "common/base/file.hpp"
#include "common/format/manifest.hpp"
#include "common/format/table.hpp"
#include "runtime/install/progress.hpp"

namespace tinderbox::install {

// The interpreter of a prefix; null when it has none.
const format::PythonInfo* python_of(const format::Manifest& manifest, format::Root root);

// The .py files that bytecode is made for here: all of them with `--bytecode install`, those with relocations
// otherwise (their bytes, and so their size, were not known before). Below the prefix of `root`. In a base and its
// further environments, as conda does it: only below site-packages, and only where the package ships none.
std::vector<std::string> sources_to_compile(const format::Manifest& manifest, const format::Table& table,
                                            format::Root root = format::Root::env);

// Compiles with the environment's own interpreter, `work.jobs` processes side by side. A source that does not compile
// is left out, as pip and compileall do. Returns the .pyc files, below the prefix. Not interrupted: a committed prefix
// is complete but for its scripts.
struct Compiled {
    std::vector<std::string> files;
    std::size_t failed = 0;
    std::string problem; // the interpreter does not run: one clause
};
Compiled compile_sources(const fs::path& prefix, const format::PythonInfo& python,
                         const std::vector<std::string>& sources, const TreeWork& work);

// Adds .pyc files (below the root) and new directories that hold them to ROOT/.tinderbox/installed, atomically. Kind
// storage.
Status record_bytecode(const Directory& root, const std::vector<std::string>& files);

} // namespace tinderbox::install
