#include "common/base/wrap.hpp"

#include "common/base/text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace tinderbox {
namespace {

constexpr std::size_t least_room = 24; // columns for words

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

void wrap_line(std::string_view line, std::size_t indent, std::size_t width, std::string& out) {
    std::size_t column = indent;
    bool first = true;
    for (std::string_view word : split(line, ' ')) {
        const std::size_t size = display_width(word);
        if (column > indent && column + 1 + size > width) {
            out += "\n" + std::string(indent, ' ');
            column = indent;
        } else if (!first) {
            out += ' ';
            ++column;
        }
        first = false;
        out += word;
        column += size;
    }
}

} // namespace

std::size_t terminal_width(int descriptor) {
    winsize size{};
    if (::isatty(descriptor) != 1 || ::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 0;
    return std::max<std::size_t>(size.ws_col, 40);
}

std::size_t display_width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !continues(c); }));
}

std::string cut_to_width(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string(text);
    std::size_t shown = 0, at = 0;
    while (at < text.size() && shown + 1 < width) {
        ++at;
        while (at < text.size() && continues(text[at])) ++at;
        ++shown;
    }
    return std::string(text.substr(0, at)) + "…";
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
    if (width < indent + least_room) return std::string(text);
    std::string out;
    bool first = true;
    for (std::string_view line : split(text, '\n')) {
        std::size_t hanging = indent;
        if (!first) {
            hanging = std::min(line.find_first_not_of(' '), line.size());
            out += '\n';
            out += line.substr(0, hanging);
            line.remove_prefix(hanging);
        }
        first = false;
        if (width < hanging + least_room) out += line;
        else wrap_line(line, hanging, width, out);
    }
    return out;
}

} // namespace tinderbox
