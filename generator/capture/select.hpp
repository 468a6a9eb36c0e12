// Selects the files to capture. docs/building/capture.md has a table of the rules with their reasons.
#pragma once

#include "generator/capture/captured.hpp"
#include "generator/capture/interpreter.hpp"

#include <functional>

namespace tinderbox::capture {

// /usr and its like hold more than one program: only Python's own files are captured from there.
bool is_shared_prefix(const std::string& prefix);

// Adds the spellings of a directory to the rules: as given, and with its symlinks resolved; without duplicates.
void add_spellings(const std::string& directory, PrefixRules& rules);

// Roles by path: the interpreter's binaries, the files that describe its build.
void assign_roles(const format::PythonInfo& info, FileSelection& selection);

// The interpreter, its standard library, headers, configuration, and the libraries inside its prefix that they load.
Status select_interpreter(const Interpreter& python, FileSelection& selection);

// Adds the tree below `source` at `path`. `skip` is called with paths relative to `source`; a directory that it rejects
// is not entered. A symlink that leads out of `root` is replaced by its target if that is a file and `follow_out` is
// set, otherwise left out.
struct Walk {
    fs::path source;
    std::string path;
    fs::path root; // the prefix the tree belongs to
    bool follow_out = false;
    std::function<bool(const std::string& relative, bool is_directory)> skip;
};
Status add_tree(const Walk& walk, FileSelection& selection);

nlohmann::json python_json(const format::PythonInfo& info);

} // namespace tinderbox::capture
