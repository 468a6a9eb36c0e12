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

// A file that the installer itself leaves below PREFIX, beside its packages. What lies below pkgs/ is left only where
// packages are kept (-k, or keeps_packages); what the installer deletes again is not listed.
struct ConstructorFile {
    std::string path; // relative to PREFIX: "conda-meta/history", ".condarc", "LICENSE.txt", "_conda", "_internal/…"
    std::uint16_t mode = 0644;
    std::int64_t mtime = 0;  // seconds since 1970; 0: the installer says none, so that it is the installation's
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
    std::string minimum_glibc;       // what the header checks, "" when it does not
    bool keeps_packages = false;     // what it does without -k
    bool initialises_by_default = false;
    bool writes_nonadmin = false;        // makes PREFIX/.nonadmin unless root installs
    bool makes_envs_directory = false;   // makes PREFIX/envs
    bool registers_environments = false; // in ~/.conda/environments.txt
    // The first base_count are the base's, in the order in which they are linked; the others belong to `environments`
    // alone or, with a warning, to nobody.
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

// Whether these first bytes of a file (4 KiB are enough) look like such an installer, for whatever system: a shell
// script whose first comment has constructor's fields.
bool is_constructor_installer(std::string_view head);

struct ConstructorReadOptions {
    std::string name;         // what errors call the file; "" = the file's name
    fs::path spool_directory; // for files over a megabyte; "" = the cache directory
};

// Errors (kind usage): "FILE: what; what to do": a file cut short (declared and found size), an MD5 that does not
// match, another system's installer by name, something else altogether (an HTML page, a makeself archive, a CUDA
// .run, an ELF file, one of our own) by name, a hostile or damaged payload. I/O errors are of kind storage.
Result<ConstructorInstaller> read_constructor(const fs::path& path, const ConstructorReadOptions& options = {});

// The bytes of one package, to open_conda_package(): written to `directory`/file_name (by rename, so that it is whole
// or not there). Error (usage) when they do not match the MD5 or SHA-256 that the installer states.
Result<fs::path> extract_constructor_package(const fs::path& installer, const ConstructorPackage& package,
                                             const fs::path& directory);

// The content of a file that is no link, from wherever it lies. `path` is the .sh that `installer` was read from.
Result<std::unique_ptr<archive::ByteSource>>
open_constructor_file(const fs::path& path, const ConstructorInstaller& installer, const ConstructorFile& file);

} // namespace tinderbox::conda
