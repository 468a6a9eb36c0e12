// Captured artifacts: an interpreter (--python-from) or a whole prefix (--from-prefix) of this machine, made
// position-independent. docs/building/capture.md says what is taken, what is left out, and why.
//
// A captured file's content may differ from the file. Where its prefix is relocated, a text holds a neutral placeholder
// instead of the old prefix, an ELF file's absolute RPATH has become $ORIGIN-relative, and pip's long-path launcher is
// a plain first line again. The artifact's digest is over that content. So the same Python captured from two places has
// one digest, if its binaries do not name the place.
//
// metadata() (JSON, kept in the parcel; no absolute path of this machine in it):
//   kind            "python" | "prefix"
//   name, version, build, license, licenses [{name, text}]
//   python          {version, implementation, executable, site_packages, stdlib, cache_tag, gil}: PythonInfo's fields,
//                   paths relative to the prefix. Absent for a conda prefix without Python.
//   libraries       [{name, needed_by: [path]}]: sonames needed from the target, beyond glibc's own
//   universal       [path]: ELF files of packages for every platform (generator/parcel/universal.hpp); absent: none
//   glibc           {version, needed_by}: the highest GLIBC_x.y that another ELF file asks for; absent when none does
//   not_relocatable [{path, why}]: still names the old prefix, or a path outside it, and may fail because of that
//   harmless        [{path, why}]: names the old prefix without effect (docs/building/capture.md has the reasons)
//   differing       [{path, why}]: differs from RECORD, conda-meta, or the first line that its installer wrote
//   left_out        [{path, why}]: in the prefix, but not captured, beyond the documented rules
//   distributions   [{name, version, license, path}]: Python distributions in site-packages (prefix only)
//   conda_packages  [{name, version, build, channel, license}]: from conda-meta (prefix only); in both "requested":
//                   true of what somebody asked for (PEP 376, conda's requested_spec)
//   warnings        [string]: for the linker to show
#pragma once

#include "common/base/file.hpp"
#include "generator/parcel/artifact.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tinderbox::capture {

struct CaptureOptions {
    bool strict = false; // anything in not_relocatable or differing is an error (kind usage) with names
    // Leaves the files of editable installations out, for the wheels that replace them (CapturedArtifact::editable).
    // Otherwise they are an error.
    bool without_editable = false;
    unsigned threads = 0; // 0 = all cores
    // Bytes read; from several threads, one at a time.
    std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

// A project that is installed from its source directory (an editable or development installation).
struct EditableProject {
    std::string name, version, directory; // as its metadata says; "" = not known
    std::string imported = {};            // of an .egg-link: the directory in sys.path
};

class CapturedArtifact : public parcel::Artifact {
  public:
    // SHA-256, hex, over sorted paths, kinds, modes, contents as captured, and the metadata: CapturedSource::sha256.
    virtual const std::string& sha256() const = 0;
    // Where it was taken from: absolute, for CapturedSource::path and messages.
    virtual const std::string& source() const = 0;
    // The file of this machine that a file entry is captured from: absolute.
    virtual const fs::path& file_of(std::size_t entry) const = 0;
    // The projects whose files were left out (CaptureOptions::without_editable).
    virtual const std::vector<EditableProject>& editable() const = 0;
};

// Only the interpreter and its standard library. `executable_or_directory`: a python (a venv's leads to its base,
// pyenv's shim to what it would start), or a directory with bin/python3. Runs it once or twice, isolated (-I -S, no
// PYTHON* variable). Errors: usage (not a Python 3.6 or newer, a layout that cannot be moved), storage (reading).
Result<std::unique_ptr<CapturedArtifact>> capture_python(const fs::path& executable_or_directory,
                                                         const CaptureOptions& options = {});

// An environment: a venv (merged with its base interpreter), a conda prefix, or the prefix of a pyenv or standalone
// Python with its site-packages. Files must not change between this call and the last read: a changed file is an error
// of kind storage.
Result<std::unique_ptr<CapturedArtifact>> capture_prefix(const fs::path& directory, const CaptureOptions& options = {});

} // namespace tinderbox::capture
