// What needs the files at their final place: bytecode, the packages' own scripts, conda's list of environments.
#pragma once

#include "common/format/table.hpp"
#include "runtime/install/place.hpp"

namespace tinderbox {

// The interpreter of a prefix; null when it has none.
const PythonInfo* python_of(const Manifest& manifest, Root root);

// The .py files that bytecode is made for here: all of them with `--bytecode install`, those with relocations
// otherwise (their bytes, and so their size, were not known before). Below the prefix of `root`. In a base and its
// further environments, as conda does it: only below site-packages, and only where the package ships none.
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
// In the order in which they run: the base's pre_install, its packages' post-link scripts, those of its further
// environments, its post_install; then the same of the environment.
std::vector<Script> scripts_of(const Manifest& manifest, const InstallPlace& place, const ScriptFacts& facts);
// The pre-unlink scripts that are there, in the opposite order. Post-unlink scripts never run with conda, either: it
// looks for them when their package's files are gone (conda's core/link.py).
std::vector<Script> removal_scripts_of(const Manifest& manifest, const InstallPlace& place);

// Output goes to CONTROL/log. Kind script; the first failure ends it.
Status run_scripts(const std::vector<Script>& scripts, const fs::path& control, const std::atomic<bool>* interrupted);
// As conda does it, a failure is told and keeps nothing from being removed: one sentence each.
std::vector<std::string> run_removal_scripts(const std::vector<Script>& scripts, const fs::path& control);

// What scripts leave in PREFIX/.messages.txt for the person to read: its lines; the file is removed, as conda does it.
std::vector<std::string> take_messages(const InstallPlace& place);

// ~/.conda/environments.txt, where ~ is $HOME. Only for an environment with conda-meta. False: nothing to do.
Result<bool> register_environment(const fs::path& prefix);
Status unregister_environment(const fs::path& prefix);

} // namespace tinderbox
