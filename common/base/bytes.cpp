#include "common/base/bytes.hpp"

namespace tinderbox {

std::uint64_t ByteReader::integer(std::size_t width) {
    ByteView raw = bytes(width);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < raw.size(); ++i)
        value |= static_cast<std::uint64_t>(std::to_integer<std::uint8_t>(raw[i])) << (8 * i);
    return value;
}

std::uint64_t ByteReader::varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        std::uint64_t part = u8();
        if (shift == 63 && part > 1) break; // more than 64 bits
        value |= (part & 0x7f) << shift;
        if ((part & 0x80) == 0) return ok_ ? value : 0;
    }
    fail();
    return 0;
}

ByteView ByteReader::bytes(std::uint64_t count) {
    if (!ok_ || count > remaining()) {
        fail();
        return {};
    }
    ByteView out = bytes_.subspan(position_, static_cast<std::size_t>(count));
    position_ += static_cast<std::size_t>(count);
    return out;
}

std::string_view ByteReader::string() { return as_text(bytes(varint())); }

void ByteReader::seek(std::uint64_t position) {
    if (!ok_ || position > bytes_.size()) return fail();
    position_ = static_cast<std::size_t>(position);
}

void ByteWriter::integer(std::uint64_t v, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) out_.push_back(static_cast<std::byte>(v >> (8 * i)));
}

void ByteWriter::varint(std::uint64_t v) {
    while (v >= 0x80) {
        u8(static_cast<std::uint8_t>(v | 0x80));
        v >>= 7;
    }
    u8(static_cast<std::uint8_t>(v));
}

} // namespace tinderbox
