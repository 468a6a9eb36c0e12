#include "common/base/memory_info.hpp"

#include "common/base/number.hpp"
#include "common/base/text.hpp"

namespace tinderbox {

std::uint64_t memory_field(std::string_view meminfo, std::string_view key) {
    std::uint64_t kib = 0; // what the kernel calls kB
    for (std::string_view line : split_lines(meminfo)) {
        const auto colon = line.find(':');
        if (colon == std::string_view::npos || trim(line.substr(0, colon)) != key) continue;
        const std::string_view value = trim(line.substr(colon + 1));
        (void)parse_number(value.substr(0, value.find(' ')), kib);
    }
    return kib * 1024;
}

} // namespace tinderbox
