#include "common/machine/gpu_chips.hpp"

namespace tinderbox::machine {
namespace {

constexpr GpuChip chips[] = {
#include "common/machine/gpu_chips.inc"
};

} // namespace

const GpuChip* find_gpu_chip(std::uint16_t id) {
    for (const GpuChip& chip : chips)
        if (chip.first <= id && id <= chip.last) return &chip;
    return nullptr;
}

} // namespace tinderbox::machine
