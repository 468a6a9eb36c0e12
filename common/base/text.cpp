#include "common/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tinderbox {

std::string_view trim(std::string_view text) {
    auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> out;
    for (;;) {
        std::size_t end = text.find(separator);
        out.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return out;
        text.remove_prefix(end + 1);
    }
}

std::vector<std::string_view> split_lines(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    auto out = split(text, '\n');
    if (out.back().empty()) out.pop_back();
    for (auto& line : out)
        if (line.ends_with('\r')) line.remove_suffix(1);
    return out;
}

std::string to_lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
    std::string out;
    for (;;) {
        std::size_t at = from.empty() ? std::string_view::npos : text.find(from);
        out += text.substr(0, at);
        if (at == std::string_view::npos) return out;
        out += to;
        text.remove_prefix(at + from.size());
    }
}

bool is_valid_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
        unsigned char lead = byte(i);
        std::size_t more = lead < 0x80 ? 0 : (lead >> 5) == 6 ? 1 : (lead >> 4) == 14 ? 2 : (lead >> 3) == 30 ? 3 : 9;
        if (more == 9 || i + more >= text.size()) return false;
        std::uint32_t code = more == 0 ? lead : lead & (0x3fu >> more);
        for (std::size_t k = 1; k <= more; ++k) {
            if ((byte(i + k) & 0xc0) != 0x80) return false;
            code = (code << 6) | (byte(i + k) & 0x3f);
        }
        static constexpr std::uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
        i += more + 1;
    }
    return true;
}

std::string format_bytes(std::uint64_t bytes) {
    static constexpr const char* units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) return fmt::format("{} B", bytes);
    double value = static_cast<double>(bytes);
    unsigned unit = 0;
    while (value >= 999.5 && unit < 6) value /= 1000, ++unit;
    return fmt::format("{:.{}f} {}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, units[unit]);
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
    std::uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) return std::nullopt;
    std::string unit = to_lower(trim(text.substr(static_cast<std::size_t>(end - text.data()))));
    if (unit.empty() || unit == "b") return value;
    const auto power = std::string_view("kmgt").find(unit[0]);
    if (power == std::string_view::npos) return std::nullopt;
    const std::string rest = unit.substr(1);
    if (!rest.empty() && rest != "b" && rest != "ib") return std::nullopt;
    for (std::size_t i = 0; i <= power; ++i)
        if (__builtin_mul_overflow(value, rest == "b" ? 1000u : 1024u, &value)) return std::nullopt;
    return value;
}

std::string format_duration(double seconds) {
    if (seconds < 10) return fmt::format("{:.1f} s", seconds);
    auto whole = static_cast<long long>(std::llround(seconds));
    if (whole < 60) return fmt::format("{} s", whole);
    if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
    return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

std::string shell_quote(std::string_view text) {
    auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("@%_-+=:,./").find(c) != std::string_view::npos;
    };
    if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return std::string(text);
    return "'" + replace_all(text, "'", "'\\''") + "'";
}

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
