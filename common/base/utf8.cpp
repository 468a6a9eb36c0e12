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

std::string latin1_to_utf8(std::string_view text) {
    std::string out;
    for (char c : text) append_utf8(out, static_cast<unsigned char>(c));
    return out;
}

std::string to_utf8(std::string_view text) { return is_valid_utf8(text) ? std::string(text) : latin1_to_utf8(text); }

} // namespace tinderbox
