#include "common/base/base64url.hpp"

namespace tinderbox {

std::string to_base64url(ByteView bytes) {
    static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    std::uint32_t bits = 0;
    int count = 0;
    for (std::byte b : bytes) {
        bits = (bits << 8) | std::to_integer<std::uint32_t>(b);
        for (count += 8; count >= 6;) {
            count -= 6;
            out += alphabet[(bits >> count) & 63];
        }
    }
    if (count > 0) out += alphabet[(bits << (6 - count)) & 63];
    return out;
}

std::optional<Bytes> from_base64url(std::string_view text) {
    while (text.ends_with('=')) text.remove_suffix(1);
    Bytes out;
    std::uint32_t bits = 0;
    int count = 0;
    for (char c : text) {
        std::uint32_t v = 0;
        if (c >= 'A' && c <= 'Z') v = static_cast<std::uint32_t>(c - 'A');
        else if (c >= 'a' && c <= 'z') v = static_cast<std::uint32_t>(c - 'a' + 26);
        else if (c >= '0' && c <= '9') v = static_cast<std::uint32_t>(c - '0' + 52);
        else if (c == '-') v = 62;
        else if (c == '_') v = 63;
        else return std::nullopt;
        bits = (bits << 6) | v;
        if ((count += 6) >= 8) {
            count -= 8;
            out.push_back(static_cast<std::byte>(bits >> count));
        }
    }
    return out;
}

} // namespace tinderbox
