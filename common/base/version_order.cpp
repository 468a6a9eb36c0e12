#include "common/base/version_order.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <charconv>

namespace tinderbox {
namespace {

// The number behind `index` dots.
long number_at(const std::vector<std::string_view>& parts, std::size_t index) {
    long value = 0;
    if (index < parts.size()) std::from_chars(parts[index].data(), parts[index].data() + parts[index].size(), value);
    return value;
}

} // namespace

int compare_versions(std::string_view a, std::string_view b) {
    const auto left = split(a, '.'), right = split(b, '.');
    for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i)
        if (const long x = number_at(left, i), y = number_at(right, i); x != y) return x < y ? -1 : 1;
    return 0;
}

bool is_dotted_number(std::string_view text) {
    return !text.empty() && text.size() <= 32 && text.find_first_not_of("0123456789.") == std::string_view::npos &&
           text.front() != '.' && text.back() != '.' && text.find("..") == std::string_view::npos;
}

} // namespace tinderbox
