#include "common/base/member_path.hpp"

#include "common/base/text.hpp"

#include <algorithm>

namespace tinderbox {

Result<std::string> safe_relative_path(std::string_view path) {
    if (path.starts_with('/')) return make_error(ErrorKind::usage, "the path is absolute");
    std::string out;
    for (std::string_view part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        if (part == "..")
            return make_error(ErrorKind::usage, "the path has a '..' component and could leave the prefix");
        if (part.size() > 255) return make_error(ErrorKind::usage, "the path has a component over 255 bytes");
        for (char c : part)
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
                return make_error(ErrorKind::usage, "the path has a control character");
        if (!out.empty()) out += '/';
        out += part;
    }
    if (out.empty()) return make_error(ErrorKind::usage, "the path is empty");
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

} // namespace tinderbox
