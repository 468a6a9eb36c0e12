// Just enough of ELF (64-bit, little-endian) to tell what a captured file needs and to make an absolute RPATH
// relative in place. Every offset is checked: a damaged file is "not ELF we know", never a crash.
#pragma once

#include "common/base/bytes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tinderbox::capture {

struct ElfRunpath {
    bool runpath = true;      // DT_RUNPATH, else DT_RPATH
    std::string value;
    std::uint64_t offset = 0; // of the string in the file
    // Nothing else (a symbol's name, a version, NEEDED, SONAME) refers to these bytes. Linkers merge tails: a symbol
    // called "lib" may be the end of "/opt/python/lib".
    bool exclusive = false;
};

struct ElfFacts {
    bool executable = false; // has an interpreter or is ET_EXEC
    std::string soname;
    std::vector<std::string> needed;
    std::vector<ElfRunpath> runpaths; // mostly none or one
    std::string glibc;                // highest GLIBC_x.y asked for, "" none
    std::vector<std::pair<std::uint64_t, std::uint64_t>> loaded; // file ranges [first, last) that PT_LOAD maps

    bool is_loaded(std::uint64_t offset) const {
        for (auto [first, last] : loaded)
            if (offset >= first && offset < last) return true;
        return false;
    }
};

// nullopt: not an ELF file of this kind, or a damaged one.
std::optional<ElfFacts> read_elf(ByteView file);

// "1.10" > "1.9", as glibc numbers its versions.
bool newer_glibc(std::string_view a, std::string_view b);

} // namespace tinderbox::capture
