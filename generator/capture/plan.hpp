// The changes that one captured file needs under another prefix, and its mentions of the old one that cannot change.
//
// In a text (no NUL byte anywhere: conda-build's rule) a placeholder replaces every mention of the old prefix. In an
// ELF file an absolute RPATH becomes $ORIGIN-relative. Other mentions there are C strings, which limit a new prefix to
// the old one's length. Two kinds of mentions stay, because they have no effect: the interpreter's compiled-in defaults
// (it finds its prefix from its own location), and bytes that are never loaded (debug information).
#pragma once

#include "generator/elf/elf_patch.hpp"
#include "generator/parcel/artifact.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::capture {

struct Listed {
    std::string path, why;
};

// [offset, offset + length) of the file becomes `with`. Sorted, no overlap.
struct Splice {
    std::uint64_t offset = 0, length = 0;
    std::string with;
};

enum class Role : std::uint8_t {
    ordinary,
    interpreter, // bin/pythonX.Y, libpython: their compiled-in prefix is a fallback only
    build_config // sysconfig's data, Makefile, *.pc, python-config: describe how Python was built
};

struct Spelling {
    std::string text;
    // /usr and the like hold much more than Python. Only build_config files, first lines and RPATHs are relocated
    // there, and in them only names of captured paths ("/usr/bin/install" stays, "/usr/include/python3.11" moves).
    bool shared = false;
};

struct PrefixRules {
    std::vector<Spelling> spellings; // all spellings of the old prefixes; of two at one place the longer counts
    std::string build_prefix;        // looked for in build_config files only; "" when it is one of the spellings
    std::set<std::string> captured;  // every captured path and directory, relative; "" is the prefix
};

struct ConversionHint { // from conda-meta: the file as it was before conda wrote the prefix into it
    std::string placeholder, sha256;
    bool binary = false;
    std::string installed_sha256 = {}; // as conda or rattler left it; counts where the package declared no SHA-256
};

struct FilePlan {
    std::vector<Splice> splices;
    parcel::PrefixMode mode = parcel::PrefixMode::none;
    std::string placeholder, shebang; // as in Entry
    std::optional<elf::ElfFacts> elf;
    // The relative RPATH was longer than the absolute one (a prefix of less than ten characters). It is "$ORIGIN"
    // instead, and needs links beside the file to the libraries that the file loads from the prefix.
    bool links_beside = false;
    // A script's interpreter, absolute and outside every old prefix: "/usr/bin/python3", "/gone/venv/bin/python".
    std::string foreign_interpreter;
    std::vector<std::string> not_relocatable, harmless; // reasons
};

// `path` is the copy's, relative to the new prefix.
FilePlan plan_file(const std::string& path, std::string_view content, Role role, const PrefixRules& rules,
                   const ConversionHint* hint = nullptr);

// The RPATH of a file in `directory` (relative to the prefix) with every element below an old prefix made relative.
std::string relative_runpath(const std::string& value, const std::string& directory, const PrefixRules& rules);

// The content with its splices applied: for tests and small files.
std::string apply_splices(std::string_view content, const std::vector<Splice>& splices);

// The path of "a/b" relative to the directory "a/c/d": "../../b". Both are relative to one root.
std::string relative_between(const std::string& directory, const std::string& target);

// Whether a path element ends at `end`: "/old" is a prefix of "/old/lib/x", not of "/older" or "/old.bak".
bool prefix_ends_at(std::string_view text, std::size_t end);

} // namespace tinderbox::capture
