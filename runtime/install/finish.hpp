// What needs the files at their final place: bytecode, the packages' own scripts, conda's list of environments.
#pragma once

#include "runtime/install/installer.hpp"

namespace tinderbox {

// The .py files that bytecode is made for here: all of them with `--bytecode install`, those with relocations
// otherwise (their bytes, and so their size, were not known before). Below the environment's prefix.
std::vector<std::string> sources_to_compile(const Manifest& manifest, const Table& table);

// Compiles with the environment's own interpreter, `jobs` processes side by side. What does not compile is left out,
// as pip and compileall do. Returns the .pyc files, below the prefix.
struct Compiled {
    std::vector<std::string> files;
    std::size_t failed = 0;
    std::string problem; // the interpreter does not run: one clause
};
Compiled compile_sources(const fs::path& prefix, const Manifest& manifest, const std::vector<std::string>& sources,
                         unsigned jobs, const std::function<void(std::uint64_t)>& progress);

// Runs manifest.scripts in order, output appended to `log`. Kind script; the first failure ends it.
Status run_scripts(const fs::path& prefix, const Manifest& manifest, const fs::path& log,
                   const std::atomic<bool>* interrupted);

// ~/.conda/environments.txt, where ~ is $HOME. Only for an environment with conda-meta. False: nothing to do.
Result<bool> register_environment(const fs::path& prefix);
Status unregister_environment(const fs::path& prefix);

} // namespace tinderbox
