// Reading a Miniconda / Miniforge installer: the `.sh` files that conda's constructor makes, every era of them.
//
// The file is read, never executed: the header is parsed as text, its payloads are cut out by offset. docs/conda.md
// describes the eras and what is taken from where.
//
// Spec: conda/constructor's header.sh of versions 1 – 3.12 and shar.py; CEP 12/13 for @EXPLICIT lines.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/file.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox {

// One conda package inside the installer.
struct ConstructorPackage {
    std::string file_name;         // "python-3.11.4-h955ad1f_0.conda"
    std::string url, md5, sha256;  // of the @EXPLICIT line, credentials removed; "" when the installer does not say
    std::uint64_t offset = 0, size = 0; // of the archive's bytes, in the .sh
    std::string repodata_record;   // shipped pkgs/<dist>/info/repodata_record.json (text), "" when there is none
};

// A file that the installer itself leaves below PREFIX, beside its packages.
struct ConstructorFile {
    std::string path; // relative to PREFIX: "conda-meta/history", ".condarc", "LICENSE.txt", "_conda", "_internal/…"
    std::uint16_t mode = 0644;
    std::int64_t mtime = 0;   // seconds since 1970
    bool is_link = false;     // then `content` is the target
    std::uint64_t offset = 0, size = 0; // a range of the .sh (the conda executable); size 0: `content` holds it
    std::string content;
};

struct ConstructorEnvironment { // envs/NAME of an installer with extra environments
    std::string name;
    std::vector<std::size_t> packages; // indexes, in link order
};

struct ConstructorInstaller {
    char era = 0;                     // 'A' … 'D' (docs/conda.md)
    std::string name, version;        // "Miniconda3", "py311_23.5.2-0"
    std::string platform;             // "linux-64", "linux-aarch64"
    std::string constructor_version;  // "" when the header does not say
    std::uint64_t size = 0;           // bytes
    std::string payload_md5;          // hex, as declared and as found
    std::string license;              // the text shown before installing, "" when there is none
    std::string minimum_glibc;        // what the header checks, "" when it does not
    bool keeps_packages = false;      // what it does without -k
    bool initialises_by_default = false;
    std::vector<ConstructorPackage> packages; // the base's, in the order in which they are linked
    std::vector<ConstructorEnvironment> environments;
    std::vector<ConstructorFile> files;
    std::string pre_install, post_install; // scripts' text, "" when there is none
    std::map<std::string, std::string> script_variables; // what the header sets for them, where it is plain text
    std::vector<std::string> warnings;
};

// Whether these first bytes of a file look like such an installer (a shell script with constructor's marks).
bool is_constructor_installer(std::string_view head);

// Errors (kind usage): "FILE: what; what to do": a file cut short (declared and found size), an MD5 that does not
// match, another system's installer by name, something else altogether (an HTML page, a makeself archive, a CUDA
// .run, an ELF file, one of our own) by name, a hostile or damaged payload. I/O errors are of kind storage.
Result<ConstructorInstaller> read_constructor(const fs::path& path);

// The bytes of one package, to open_conda_package(): written once into `directory` (content-addressed by the caller).
Result<fs::path> extract_constructor_package(const fs::path& installer, const ConstructorPackage& package,
                                             const fs::path& directory);

} // namespace tinderbox
