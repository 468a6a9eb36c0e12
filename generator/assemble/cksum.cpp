#include "generator/assemble/cksum.hpp"

#include <array>
#include <bit>

namespace tinderbox::assemble {
namespace {

constexpr std::uint32_t polynomial = 0x04C11DB7;

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
        std::uint32_t crc = byte << 24;
        for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ (crc & 0x80000000 ? polynomial : 0);
        table[byte] = crc;
    }
    return table;
}
constexpr std::array<std::uint32_t, 256> table = make_table();

std::uint32_t add(std::uint32_t crc, ByteView bytes) {
    for (std::byte byte : bytes) crc = crc << 8 ^ table[crc >> 24 ^ static_cast<std::uint8_t>(byte)];
    return crc;
}

// The number of bytes comes last, its low byte first, without zeros at its end.
std::uint32_t finish(std::uint32_t crc, std::size_t size) {
    for (; size > 0; size >>= 8) crc = crc << 8 ^ table[crc >> 24 ^ (size & 0xff)];
    return ~crc;
}

} // namespace

std::uint32_t cksum(ByteView bytes) { return finish(add(0, bytes), bytes.size()); }

std::string cksum_text(ByteView bytes) { return fmt::format("{} {}", cksum(bytes), bytes.size()); }

// One digit more or less changes the sum by a number that does not depend on the text in front. The 32
// numbers of 32 neighbours are independent, because x^8 generates the field of the polynomial: each sum can be reached.
std::string cksum_zeroing_digits(ByteView text) {
    constexpr std::size_t count = 32;
    struct Row {
        std::uint32_t change = 0, digits = 0; // the change of the sum by these digits together
    };
    std::array<Row, count> by_highest_bit{};
    const std::string zeros(count, '0');
    const std::size_t size = text.size() + count;
    for (std::size_t i = 0; i < count; ++i) {
        std::string one = zeros;
        one[i] = '1';
        Row row{finish(add(0, as_bytes(one)), size) ^ finish(add(0, as_bytes(zeros)), size), 1u << i};
        while (row.change != 0) {
            Row& known = by_highest_bit[static_cast<std::size_t>(std::countl_zero(row.change))];
            if (known.change == 0) std::swap(known, row);
            row.change ^= known.change;
            row.digits ^= known.digits;
        }
    }
    std::uint32_t sum = finish(add(add(0, text), as_bytes(zeros)), size), digits = 0;
    for (const Row& row : by_highest_bit)
        if ((sum ^ row.change) < sum) {
            sum ^= row.change;
            digits ^= row.digits;
        }
    std::string out = zeros;
    for (std::size_t i = 0; i < count; ++i)
        if (digits >> i & 1) out[i] = '1';
    return out;
}

} // namespace tinderbox::assemble
