#include "common/base/member_path.hpp"

#include "common/base/text.hpp"
#include "common/base/visible.hpp"

#include <algorithm>

namespace tinderbox {
namespace {

constexpr std::size_t component_limit = 255; // NAME_MAX

// C0, DEL, and C1 as UTF-8 writes it. Names need not be UTF-8.
bool has_control_character(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7f) return true;
        if (byte != 0xc2 || i + 1 == text.size()) continue;
        const auto next = static_cast<unsigned char>(text[i + 1]);
        if (next >= 0x80 && next < 0xa0) return true;
    }
    return false;
}

} // namespace

Result<std::string> safe_relative_path(std::string_view path) {
    if (path.starts_with('/')) return make_error(ErrorKind::usage, "the path is absolute");
    std::string out;
    for (std::string_view part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        if (part == "..")
            return make_error(ErrorKind::usage, "the path has a '..' component and could leave the prefix");
        if (part.size() > component_limit)
            return make_error(ErrorKind::usage, "the path has a component over {} bytes", component_limit);
        if (has_control_character(part)) return make_error(ErrorKind::usage, "the path has a control character");
        if (!out.empty()) out += '/';
        out += part;
    }
    if (out.empty()) return make_error(ErrorKind::usage, "the path is empty");
    if (out.size() > member_path_limit)
        return make_error(ErrorKind::usage, "the path has {} bytes, and below a prefix there is room for {}",
                          out.size(), member_path_limit);
    return out;
}

bool symlink_stays_inside(std::string_view link_path, std::string_view target) {
    if (target.empty() || target.starts_with('/')) return false;
    auto depth = static_cast<long>(std::count(link_path.begin(), link_path.end(), '/'));
    for (std::string_view part : split(target, '/')) {
        if (part.empty() || part == ".") continue;
        depth += part == ".." ? -1 : 1;
        if (depth < 0) return false;
    }
    return true;
}

Status check_link_target(std::string_view link_path, std::string_view target, std::string_view whole) {
    const std::string shown = visible(target.substr(0, 200));
    if (has_control_character(target))
        return make_error(ErrorKind::usage, "its link to '{}' has a control character", shown);
    if (target.size() > member_path_limit)
        return make_error(ErrorKind::usage, "its link to '{}…' has {} bytes, and there is room for {}", shown,
                          target.size(), member_path_limit);
    if (!symlink_stays_inside(link_path, target))
        return make_error(ErrorKind::usage, "its link to '{}' leaves {}", shown, whole);
    return {};
}

} // namespace tinderbox
