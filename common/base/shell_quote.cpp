#include "common/base/shell_quote.hpp"

#include "common/base/ascii.hpp"
#include "common/base/text.hpp"

#include <algorithm>

namespace tinderbox {
namespace {

bool is_plain(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return is_alnum(c) || std::string_view("@%_-+=:,./").find(c) != std::string_view::npos;
    });
}

} // namespace

std::string shell_quote(std::string_view text) {
    return is_plain(text) ? std::string(text) : "'" + replace_all(text, "'", "'\\''") + "'";
}

std::string fish_quote(std::string_view text) {
    if (is_plain(text)) return std::string(text);
    return "'" + replace_all(replace_all(text, "\\", "\\\\"), "'", "\\'") + "'";
}

std::string csh_quote(std::string_view text) {
    if (is_plain(text)) return std::string(text);
    return "'" + replace_all(replace_all(text, "'", "'\\''"), "!", "\\!") + "'";
}

} // namespace tinderbox
