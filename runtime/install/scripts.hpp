// The scripts of packages and of the installer itself, as conda and constructor run them.
#pragma once

#include "runtime/install/progress.hpp"
#include "runtime/place/place.hpp"

#include <map>

namespace tinderbox::install {

// One script with its environment.
struct Script {
    std::string name;    // for messages: "bin/.x-post-link.sh"
    std::string package; // "x 1.0"
    std::string path;    // below `prefix`; "" = `text`
    std::string text;
    fs::path prefix;
    std::map<std::string, std::string> variables;
};
// Variables of an installer's own scripts (INSTALLER_PATH, INSTALLER_UNATTENDED), which a package's scripts lack.
struct ScriptFacts {
    std::string run_path;   // of the NAME.run, absolute
    bool unattended = true; // nothing is asked (-b)
};
// In the order in which they run: the base's pre_install, its packages' post-link scripts, those of its further
// environments, its post_install; then the same of the environment.
std::vector<Script> scripts_of(const format::Manifest& manifest, const place::Layout& layout, const ScriptFacts& facts);
// The pre-unlink scripts that are there and not behind a link, in the opposite order. Post-unlink scripts never run
// with conda, either: it looks for them when their package's files are gone (conda's core/link.py).
std::vector<Script> removal_scripts_of(const format::Manifest& manifest, const place::Layout& layout);

// Output goes to CONTROL/log. Kinds: script (the first failure ends it), interrupted (asked between two scripts).
Status run_scripts(const std::vector<Script>& scripts, const Directory& control, const TreeWork& work = {});
// As conda does it, a failure is told and keeps nothing from being removed: one sentence each.
std::vector<std::string> run_removal_scripts(const std::vector<Script>& scripts, const Directory& control,
                                             const TreeWork& work = {});

// Scripts leave lines for the person in PREFIX/.messages.txt. Returns them as sentences, and removes the file as conda
// does.
std::vector<std::string> collect_messages(const place::Layout& layout);

} // namespace tinderbox::install
