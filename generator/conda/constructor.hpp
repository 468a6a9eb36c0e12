// Reading a Miniconda / Miniforge installer: the `.sh` files that conda's constructor makes, every era of them.
//
// The file is read, never executed: the header is parsed as text, its payloads are cut out by offset.
// docs/building/base.md describes the eras and what is taken from where. One pass over the file, whatever its size,
// with a bounded amount of memory: of packages only the offsets are kept, files over a megabyte go to a spool.
//
// Spec: conda/constructor's header.sh of versions 0.9 – 3.16 and shar.py; conda's misc.py for @EXPLICIT lines.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/file.hpp"
#include "generator/parcel/artifact.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::archive {
class Spool;
}

namespace tinderbox::conda {

// One conda package inside the installer.
struct ConstructorPackage {
    std::string file_name;        // "python-3.11.4-h955ad1f_0.conda"
    std::string url, md5, sha256; // of the @EXPLICIT line, credentials removed; "" when the installer does not say
    std::uint64_t offset = 0, size = 0; // of the archive's bytes, in the .sh
    std::string repodata_record;        // shipped pkgs/<dist>/info/repodata_record.json (text), "" when there is none
};

// A file that the installer itself leaves below PREFIX, beside its packages. Files below pkgs/ stay only when packages
// are kept (-k, or keeps_packages). Files that the installer deletes again are not listed.
struct ConstructorFile {
    std::string path; // relative to PREFIX: "conda-meta/history", ".condarc", "LICENSE.txt", "_conda", "_internal/…"
    std::uint16_t mode = 0644;
    std::int64_t mtime = 0;  // seconds since 1970; 0: the installer has none, so the time of the installation
    bool is_link = false;    // then `content` is the target
    bool has_prefix = false; // every '\x01' in `content` stands for PREFIX
    std::uint64_t offset = 0, size = 0; // a range of the .sh (or of the spool); size 0: `content` holds it
    bool spooled = false;
    std::string content;
};

struct ConstructorEnvironment { // envs/NAME of an installer with extra_envs
    std::string name;
    std::vector<std::size_t> packages; // indexes, in link order
};

struct ConstructorInstaller {
    char era = 0;                    // 'A' … 'D' (docs/building/base.md)
    std::string name, version;       // "Miniconda3", "py311_23.5.2-0"
    std::string platform;            // "linux-64", "linux-aarch64"
    std::string constructor_version; // "" when the header does not say
    std::uint64_t size = 0;          // bytes
    std::string payload_md5;         // hex, as declared and as found
    std::string license;             // the text shown before installing, "" when there is none
    std::string minimum_glibc;       // the glibc that the header requires; "" when it does not check
    bool keeps_packages = false;     // its behaviour without -k
    bool initialises_by_default = false;
    bool writes_nonadmin = false;        // makes PREFIX/.nonadmin unless root installs
    bool makes_envs_directory = false;   // makes PREFIX/envs
    bool registers_environments = false; // in ~/.conda/environments.txt
    // The first base_count belong to the base, in link order. The others belong to `environments`, or, with a warning,
    // to no prefix.
    std::vector<ConstructorPackage> packages;
    std::size_t base_count = 0;
    std::vector<ConstructorEnvironment> environments;
    std::vector<ConstructorFile> files;    // sorted by path, each path once
    std::string pre_install, post_install; // scripts' text, "" when there is none; run by the interpreter of their
                                           // first line (constructor ≥ 3.4 where it has one), else by sh
    std::map<std::string, std::string> script_variables; // what the header sets for them, where it is plain text
    std::vector<std::string> warnings;
    std::shared_ptr<const archive::Spool> spool; // contents of files with `spooled`
};

// Whether these first bytes of a file (4 KiB are enough) look like such an installer, for any system: a shell script
// whose first comment has constructor's fields.
bool is_constructor_installer(std::string_view head);

struct ConstructorReadOptions {
    std::string name;         // what errors call the file; "" = the file's name
    fs::path spool_directory; // for files over a megabyte; "" = the cache directory
};

// Errors (kind usage): "FILE: fault; remedy". Refused are a truncated file (with declared and found size), a wrong MD5,
// an installer for another system (named), another kind of file (named: an HTML page, a makeself archive, a CUDA .run,
// an ELF file, a NAME.run), a hostile or damaged payload. I/O errors are of kind storage.
Result<ConstructorInstaller> read_constructor(const fs::path& path, const ConstructorReadOptions& options = {});

// What the header alone says: everything up to `script_variables` but packages and files, whose payload is not read.
// The same errors, as far as the first megabytes and the size of the file show them.
Result<ConstructorInstaller> read_constructor_head(const fs::path& path, const ConstructorReadOptions& options = {});

// Writes the bytes of one package to `directory`/file_name, for open_conda_package(). The file is renamed into place,
// so it is whole or absent. Error (usage): the bytes do not match the MD5 or SHA-256 in the installer.
Result<fs::path> extract_constructor_package(const fs::path& installer, const ConstructorPackage& package,
                                             const fs::path& directory);

// The content of a file that is no link, from the .sh at `path`, from the spool, or from memory.
Result<std::unique_ptr<archive::ByteSource>>
open_constructor_file(const fs::path& path, const ConstructorInstaller& installer, const ConstructorFile& file);

} // namespace tinderbox::conda
