// Asks an interpreter about itself: runs it once, and for a venv also the base.
#pragma once

#include "common/base/file.hpp"
#include "common/format/manifest.hpp"

#include <string>

namespace tinderbox::capture {

struct Interpreter {
    fs::path executable;                 // the base's real ELF file, never a symlink, shim or a venv's copy
    std::string prefix;                  // sys.base_prefix as the interpreter spells it
    std::string given_prefix;            // prefix of the named python: a venv's, or the same as `prefix`
    std::string build_prefix;            // the --prefix of its build; may lie elsewhere (a moved build)
    std::string abiflags, short_version; // "3.11"
    std::string library;                 // "libpython3.11.so.1.0", "" when the interpreter is one static file
    std::string include;                 // relative to the prefix; "" when there is none
    std::string multiarch;               // "x86_64-linux-gnu" or ""
    std::string wheel_directory;         // ensurepip's wheels outside the standard library, relative, or ""
    // The directory where `site` looks for packages in a relocated prefix, if it is not site-packages: Debian's
    // dist-packages. Relative; "" when `site` finds site-packages.
    std::string site_alias;
    bool default_scheme_is_prefix = true;
    format::PythonInfo info; // paths relative to the prefix
};

// `path`: an executable or a directory with bin/python3 (or bin/python). Errors: kind usage, in one sentence.
Result<Interpreter> find_interpreter(const fs::path& path);

} // namespace tinderbox::capture
