// Whether an ELF file's absolute RPATH may be changed in place: other fields may refer to the bytes of its string.
// Every offset is checked: a damaged file is never exclusive, and never causes a crash.
#pragma once

#include "generator/elf/elf.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tinderbox::elf {

struct ElfRunpath {
    bool runpath = true; // DT_RUNPATH, else DT_RPATH
    std::string value;
    std::uint64_t offset = 0; // of the string in the file
    // Nothing else (a symbol's name, a version, NEEDED, SONAME) refers to these bytes. Linkers merge tails: a symbol
    // called "lib" may be the end of "/opt/python/lib".
    bool exclusive = false;
};

struct ElfFacts {
    ElfInfo info;
    std::vector<ElfRunpath> runpaths; // at most one in most files

    // The byte is mapped when the file is loaded or run.
    bool is_loaded(std::uint64_t offset) const;
    // The byte belongs to the name of the program's dynamic loader (PT_INTERP).
    bool is_loader_name(std::uint64_t offset) const;
};

// nullopt: not a 64-bit little-endian ELF file, or a damaged one.
std::optional<ElfFacts> elf_facts(ByteView file);

} // namespace tinderbox::elf
