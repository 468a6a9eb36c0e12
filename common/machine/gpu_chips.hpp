// The chip behind a PCI device id that has no row of its own in the table of models: NVIDIA gives a chip's ids in
// blocks.
#pragma once

#include <cstdint>
#include <string_view>

namespace tinderbox::machine {

struct GpuChip {
    std::uint16_t first, last; // PCI device ids, vendor 0x10de
    int compute;               // compute capability × 10
    std::string_view generation;
};
const GpuChip* find_gpu_chip(std::uint16_t id); // nullptr: no block of the table has the id

} // namespace tinderbox::machine
