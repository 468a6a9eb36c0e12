#include "generator/elf/device_code.hpp"

#include "common/base/text.hpp"

namespace tinderbox::elf {

std::string DeviceCode::name() const {
    std::string_view prefix = kind == Kind::ptx ? "compute_" : kind == Kind::cubin ? "sm_" : "lto_";
    return fmt::format("{}{}{}", prefix, architecture, variant ? std::string(1, variant) : "");
}

} // namespace tinderbox::elf
