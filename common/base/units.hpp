// Sizes and durations as people write and read them. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tinderbox {

// "5.6 GB", "512 kB": powers of 1000, three significant digits.
std::string format_bytes(std::uint64_t bytes);
// "4G", "700 MiB", "650MB", "4294967296" in bytes: K, M, G, T (and KiB, …) count in 1024, KB, MB, … in 1000. Case does
// not matter. nullopt: another unit, no number, or more than 64 bits.
std::optional<std::uint64_t> parse_bytes(std::string_view text);
// "1 package", "3 packages", "2 entries": English plurals with -s and -ies.
std::string counted(std::uint64_t count, std::string_view noun);
// "0.4 s", "3 min 12 s".
std::string format_duration(double seconds);

} // namespace tinderbox
