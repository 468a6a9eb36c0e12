// The fields of a wheel's METADATA that choosing packages needs (core metadata 1.1 – 2.4, an e-mail-like header).
#pragma once

#include "common/base/file.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::pip {

// The largest METADATA or PKG-INFO that is read, in bytes; the largest known have 300 kB.
inline constexpr std::uint64_t largest_metadata = 16u << 20;

struct Metadata {
    std::string name, version, requires_python;
    std::vector<std::string> requires_dist; // as written
    std::vector<std::string> extras;        // Provides-Extra, normalised
};

Metadata parse_metadata(std::string_view text);
// *.dist-info/METADATA of a wheel on this machine. Errors: kind usage, "WHEEL: …".
Result<std::string> read_wheel_metadata(const fs::path& wheel);

} // namespace tinderbox::pip
