#include "common/base/visible.hpp"

#include "common/base/ascii.hpp"
#include "common/base/utf8.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace tinderbox {
namespace {

bool is_shown(char32_t code) {
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
    if (code < 0x300) return code != 0xad; // a soft hyphen
    const bool hidden = code == 0x61c || (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
                        (code >= 0x2060 && code <= 0x206f) || code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb) ||
                        (code >= 0xe0000 && code <= 0xe007f);
    return !hidden;
}

// The character at the front of `text`, 0 bytes long where no UTF-8 begins.
struct Character {
    char32_t code = 0;
    std::size_t size = 0;
};

Character first_character(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80) return {lead, 1};
    const std::size_t size = (lead >> 5) == 6 ? 2 : (lead >> 4) == 14 ? 3 : (lead >> 3) == 30 ? 4 : 0;
    if (size == 0 || size > text.size() || !is_valid_utf8(text.substr(0, size))) return {};
    char32_t code = lead & (0x7fu >> size);
    for (std::size_t i = 1; i < size; ++i) code = (code << 6) | (static_cast<unsigned char>(text[i]) & 0x3f);
    return {code, size};
}

// `replace(out, character, bytes)` writes what is not shown.
template <class Replace> std::string replaced(std::string_view text, std::string_view kept, Replace replace) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const Character c = first_character(text);
        const std::string_view bytes = text.substr(0, c.size == 0 ? 1 : c.size);
        text.remove_prefix(bytes.size());
        if (c.size != 0 && (is_shown(c.code) || (c.code < 0x80 && kept.find(bytes[0]) != std::string_view::npos)))
            out += bytes;
        else replace(out, c, bytes);
    }
    return out;
}

void escape(std::string& out, const Character& c, std::string_view bytes) {
    const auto code = static_cast<std::uint32_t>(c.code);
    if (c.size == 0 || code < 0x20) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[0]));
    else if (code < 0x10000) out += fmt::format("\\u{:04x}", code);
    else out += fmt::format("\\u{:04x}\\u{:04x}", 0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
}

// The length of one of our own sequences at the front, else 0: "\x1b[", a digit or two, "m".
std::size_t style_length(std::string_view text) {
    if (!text.starts_with("\x1b[")) return 0;
    std::size_t end = 2;
    while (end < text.size() && end < 4 && is_digit(text[end])) ++end;
    return end > 2 && end < text.size() && text[end] == 'm' ? end + 1 : 0;
}

} // namespace

bool is_visible(std::string_view text) {
    while (!text.empty()) {
        const Character c = first_character(text);
        if (c.size == 0 || !is_shown(c.code)) return false;
        text.remove_prefix(c.size);
    }
    return true;
}

std::string visible(std::string_view text) { return replaced(text, "", escape); }

std::string visible_lines(std::string_view text) {
    return replaced(text, "\n\t",
                    [&, end = text.data() + text.size()](std::string& out, const Character& c, std::string_view bytes) {
                        const char* next = bytes.data() + bytes.size();
                        if (c.size == 1 && bytes[0] == '\r' && next != end && *next == '\n') return;
                        escape(out, c, bytes);
                    });
}

std::string visible_output(std::string_view text, bool colour) {
    if (!colour) return visible_lines(text);
    std::string out;
    while (!text.empty()) {
        std::size_t plain = 0;
        while (plain < text.size() && style_length(text.substr(plain)) == 0) ++plain;
        out += visible_lines(text.substr(0, plain));
        text.remove_prefix(plain);
        const std::size_t style = style_length(text);
        out += text.substr(0, style);
        text.remove_prefix(style);
    }
    return out;
}

} // namespace tinderbox
