#include "common/base/utf8.hpp"

#include <cstdint>

namespace tinderbox {

void append_utf8(std::string& out, char32_t code) {
    auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    auto put_rest = [&](unsigned shift) { put(0x80 | ((code >> shift) & 0x3f)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xc0 | (code >> 6));
        put_rest(0);
    } else if (code < 0x10000) {
        put(0xe0 | (code >> 12));
        put_rest(6);
        put_rest(0);
    } else {
        put(0xf0 | (code >> 18));
        put_rest(12);
        put_rest(6);
        put_rest(0);
    }
}

namespace {

// Reads the character at `at` and moves behind it; nullopt: it is not UTF-8.
std::optional<char32_t> next_character(std::string_view text, std::size_t& at) {
    auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    const unsigned char lead = byte(at);
    const std::size_t more = lead < 0x80 ? 0 : (lead >> 5) == 6 ? 1 : (lead >> 4) == 14 ? 2 : (lead >> 3) == 30 ? 3 : 9;
    if (more == 9 || more >= text.size() - at) return std::nullopt;
    char32_t code = more == 0 ? lead : lead & (0x3fu >> more);
    for (std::size_t k = 1; k <= more; ++k) {
        if ((byte(at + k) & 0xc0) != 0x80) return std::nullopt;
        code = (code << 6) | (byte(at + k) & 0x3f);
    }
    static constexpr char32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (code < least[more] || !is_scalar_value(code)) return std::nullopt;
    at += more + 1;
    return code;
}

} // namespace

bool is_valid_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();)
        if (!next_character(text, at)) return false;
    return true;
}

std::optional<std::string> utf8_to_latin1(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto code = next_character(text, at);
        if (!code || *code > 0xff) return std::nullopt;
        out += static_cast<char>(*code);
    }
    return out;
}

std::string latin1_to_utf8(std::string_view text) {
    std::string out;
    for (char c : text) append_utf8(out, static_cast<unsigned char>(c));
    return out;
}

std::string to_utf8(std::string_view text) { return is_valid_utf8(text) ? std::string(text) : latin1_to_utf8(text); }

} // namespace tinderbox
