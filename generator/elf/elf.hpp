// Reads the headers of a 64-bit little-endian ELF file through ranges of the file, so that a gigabyte of library need
// not be in memory. Every offset, count and string is checked against the file: a hostile file counts as no ELF file
// and causes no crash. (System V ABI, gABI chapters 4 and 5; symbol versions: LSB.)
#pragma once

#include "common/base/bytes.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox::elf {

inline constexpr std::uint16_t elf_machine_x86_64 = 62, elf_machine_aarch64 = 183, elf_machine_cuda = 190;

struct ElfSegment {
    std::uint32_t type = 0; // PT_LOAD = 1, PT_DYNAMIC = 2, PT_INTERP = 3
    std::uint64_t offset = 0, address = 0, file_size = 0;
};

struct ElfDynamic { // one DT_* entry
    std::int64_t tag = 0;
    std::uint64_t value = 0;
    std::uint64_t offset = 0; // of the entry in the file (tag 8 bytes, value 8 bytes)
};

struct ElfString { // in the dynamic string table
    std::string value;
    std::uint64_t offset = 0; // of its first byte in the file
};

struct ElfInfo {
    std::uint16_t type = 0; // ET_EXEC 2, ET_DYN 3
    std::uint16_t machine = 0;
    std::vector<ElfSegment> segments;
    std::vector<ElfDynamic> dynamic; // empty: a static program or an object file
    bool has_interpreter = false;
    ElfString soname;
    std::vector<ElfString> needed;
    std::vector<ElfString> rpath, runpath; // DT_RPATH and DT_RUNPATH, not split at ':'
    std::string glibc;                     // highest x.y of the GLIBC_x.y versions asked for, "" = none

    // The offset of an address in the file; nullopt when no PT_LOAD's file part holds it.
    std::optional<std::uint64_t> file_offset(std::uint64_t address) const;
};

// Bytes [offset, offset + size) of the file, or nullopt when they are not in memory; the view must live until the next
// call.
using ElfRanges = std::function<std::optional<ByteView>(std::uint64_t offset, std::uint64_t size)>;

struct ElfResult {
    std::optional<ElfInfo> info; // nullopt: not an ELF file of this kind, damaged, or `missing` is not empty
    // Ranges that were not in memory: read them and call again. Each has at most 64 KiB.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> missing; // offset, size
};

ElfResult read_elf(std::uint64_t file_size, const ElfRanges& ranges);

// Of a whole file in memory.
std::optional<ElfInfo> read_elf(ByteView file);

struct ElfSection {
    std::string name;
    std::uint64_t offset = 0, size = 0; // in the file; size 0 for SHT_NOBITS
};
struct ElfSections {
    std::vector<ElfSection> sections; // empty: stripped of them, damaged, or more than 1,024
    std::vector<std::pair<std::uint64_t, std::uint64_t>> missing; // as in ElfResult
};
ElfSections read_elf_sections(std::uint64_t file_size, const ElfRanges& ranges);
// The range of the section headers, from the first 64 bytes: (offset, size); (0, 0) for a file without them.
std::pair<std::uint64_t, std::uint64_t> section_header_range(ByteView head);

bool looks_like_elf(ByteView head);
// "x86-64", "aarch64", else "machine N".
std::string elf_machine_name(std::uint16_t machine);

} // namespace tinderbox::elf
