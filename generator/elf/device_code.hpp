// The name of a form of GPU code. What CUDA's compiler makes has one: in a fatbin, and in the options that asked for
// it.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace tinderbox::elf {

struct DeviceCode { // one form of code for an architecture
    enum class Kind : std::uint8_t { ptx = 1, cubin = 2, lto = 8 };
    Kind kind = Kind::cubin;
    std::uint32_t architecture = 0;             // 80, 120
    char variant = 0;                           // 'a': exactly this one; 'f': its family; 0
    std::uint16_t isa_major = 0, isa_minor = 0; // of PTX in a fatbin

    std::string name() const; // "sm_90a", "compute_80", "lto_90"
    auto operator<=>(const DeviceCode&) const = default;
};

} // namespace tinderbox::elf
