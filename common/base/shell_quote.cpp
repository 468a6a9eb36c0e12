#include "common/base/shell_quote.hpp"

#include "common/base/text.hpp"

#include <algorithm>

namespace tinderbox {

std::string shell_quote(std::string_view text) {
    auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("@%_-+=:,./").find(c) != std::string_view::npos;
    };
    if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return std::string(text);
    return "'" + replace_all(text, "'", "'\\''") + "'";
}

} // namespace tinderbox
