// The numbers of ELF that we read. Source: System V ABI (gABI), chapters 4 and 5; GNU's tags from glibc's ELF header.
#pragma once

#include <cstdint>

namespace tinderbox::elf {

inline constexpr std::uint32_t pt_load = 1, pt_dynamic = 2, pt_interp = 3; // p_type
inline constexpr std::uint32_t sht_nobits = 8;                             // sh_type

// d_tag
inline constexpr std::int64_t dt_needed = 1, dt_hash = 4, dt_strtab = 5, dt_symtab = 6, dt_strsz = 10, dt_syment = 11,
                              dt_soname = 14, dt_rpath = 15, dt_runpath = 29, dt_gnu_hash = 0x6ffffef5,
                              dt_config = 0x6ffffefa, dt_depaudit = 0x6ffffefb, dt_audit = 0x6ffffefc,
                              dt_verdef = 0x6ffffffc, dt_verdefnum = 0x6ffffffd, dt_verneed = 0x6ffffffe,
                              dt_verneednum = 0x6fffffff, dt_auxiliary = 0x7ffffffd, dt_filter = 0x7fffffff;

} // namespace tinderbox::elf
