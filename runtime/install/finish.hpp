// What needs the files at their final place: bytecode, the packages' own scripts, conda's list of environments.
#pragma once

#include "common/format/table.hpp"
#include "runtime/install/place.hpp"

namespace tinderbox {

// The .py files that bytecode is made for here: all of them with `--bytecode install`, those with relocations
// otherwise (their bytes, and so their size, were not known before). Below the prefix of `root`. In a base, as conda
// does it: only below site-packages, and only where the package ships none.
std::vector<std::string> sources_to_compile(const Manifest& manifest, const Table& table, Root root = Root::env);

// Compiles with the environment's own interpreter, `jobs` processes side by side. What does not compile is left out,
// as pip and compileall do. Returns the .pyc files, below the prefix.
struct Compiled {
    std::vector<std::string> files;
    std::size_t failed = 0;
    std::string problem; // the interpreter does not run: one clause
};
Compiled compile_sources(const fs::path& prefix, const PythonInfo& python, const std::vector<std::string>& sources,
                         unsigned jobs, const std::function<void(std::uint64_t)>& progress);

// One script with its environment.
struct Script {
    std::string name;    // for messages: "bin/.x-post-link.sh"
    std::string package; // "x 1.0"
    std::string path;    // below `prefix`; "" = `text`
    std::string text;
    fs::path prefix;
    std::map<std::string, std::string> variables;
};
// What scripts of an installer (not those of packages) are told of this installation.
struct ScriptFacts {
    std::string run_path;   // of the NAME.run, absolute
    bool unattended = true; // nothing is asked (-b)
};
// In the order in which they run: the base's pre_install, its packages', its post_install; then the same of the environment.
std::vector<Script> scripts_of(const Manifest& manifest, const InstallPlace& place, const ScriptFacts& facts);

// Output goes to CONTROL/log. Kind script; the first failure ends it.
Status run_scripts(const std::vector<Script>& scripts, const fs::path& control, const std::atomic<bool>* interrupted);

// ~/.conda/environments.txt, where ~ is $HOME. Only for an environment with conda-meta. False: nothing to do.
Result<bool> register_environment(const fs::path& prefix);
Status unregister_environment(const fs::path& prefix);

} // namespace tinderbox
