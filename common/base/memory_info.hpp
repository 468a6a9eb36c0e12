// Rows of /proc/meminfo (proc_meminfo(5)). Thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

namespace tinderbox {

// The row "KEY:   65843052 kB" of the text in bytes; 0 = it is not there.
std::uint64_t memory_field(std::string_view meminfo, std::string_view key);

} // namespace tinderbox
