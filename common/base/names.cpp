#include "common/base/names.hpp"

#include "common/base/ascii.hpp"
#include "common/base/visible.hpp"

#include <algorithm>

namespace tinderbox {
namespace {

bool is_name_character(char c) {
    return is_word(c) || std::string_view(".-+@=,~").find(c) != std::string_view::npos ||
           static_cast<unsigned char>(c) >= 0x80;
}

Status check_length(std::string_view name, std::string_view what) {
    if (name.empty()) return make_error(ErrorKind::usage, "the name of {} is empty", what);
    if (name.size() <= name_limit) return {};
    return make_error(ErrorKind::usage, "the name of {} has {} bytes, and at most {} are allowed: '{}…'", what,
                      name.size(), name_limit, visible(name.substr(0, 40)));
}

} // namespace

Status check_environment_name(std::string_view name) {
    TRY(check_length(name, "the environment"));
    const bool good = std::ranges::all_of(name, is_name_character) && is_visible(name) &&
                      (is_word(name[0]) || static_cast<unsigned char>(name[0]) >= 0x80);
    if (good) return {};
    return make_error(ErrorKind::usage,
                      "'{}' cannot be an environment's name; use letters, digits, '_', '-', '.' and '+', and begin "
                      "with a letter, a digit or '_'",
                      visible(name));
}

Status check_installer_name(std::string_view name) {
    TRY(check_length(name, "the installer"));
    const bool good =
        name != "." && name != ".." && name.find_first_of("/\"\\:") == std::string_view::npos && is_visible(name);
    if (good) return {};
    return make_error(ErrorKind::usage,
                      "'{}' cannot be an installer's name, which the default prefix $HOME/NAME takes; write another "
                      "one with -o, of letters, digits, '_', '-' and '.'",
                      visible(name));
}

Status check_variable_name(std::string_view name) {
    const bool good =
        !name.empty() && name.size() <= name_limit && !is_digit(name[0]) && std::ranges::all_of(name, is_word);
    if (good) return {};
    return make_error(ErrorKind::usage, "'{}' cannot be a variable's name; use letters, digits and '_'",
                      visible(name.substr(0, name_limit)));
}

Status check_variable_value(std::string_view name, std::string_view value) {
    const bool control = std::ranges::any_of(
        value, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
    if (!control) return {};
    return make_error(ErrorKind::usage,
                      "the value of the variable '{}' has a line end or another control character, which activation "
                      "scripts cannot hold; write it in one line",
                      visible(name));
}

Status check_variable(std::string_view name, std::string_view value) {
    TRY(check_variable_name(name));
    return check_variable_value(name, value);
}

} // namespace tinderbox
