#include "common/base/hash.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace tinderbox {
namespace {

using State = std::array<std::uint32_t, 8>;
using Compress = void (*)(State&, const std::byte*, std::size_t blocks);

constexpr std::array<std::uint32_t, 64> round_constants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::uint32_t load_be32(const std::byte* p) {
    std::uint32_t v;
    std::memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}

void compress_portable(State& state, const std::byte* data, std::size_t blocks) {
    for (; blocks > 0; --blocks, data += 64) {
        std::array<std::uint32_t, 64> w;
        for (unsigned i = 0; i < 16; ++i) w[i] = load_be32(data + 4 * i);
        for (unsigned i = 16; i < 64; ++i) {
            std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
            std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
            w[i] = w[i - 16] + s0 + w[i - 7] + s1;
        }
        auto [a, b, c, d, e, f, g, h] = state;
        for (unsigned i = 0; i < 64; ++i) {
            std::uint32_t t1 = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g)) +
                               round_constants[i] + w[i];
            std::uint32_t t2 = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
            h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
        }
        const State next = {a, b, c, d, e, f, g, h};
        for (unsigned i = 0; i < 8; ++i) state[i] += next[i];
    }
}

#if defined(__x86_64__)
// The instructions keep the state as two vectors, ABEF and CDGH; each sha256rnds2 does two rounds.
__attribute__((target("sha,sse4.1,ssse3"))) void compress_sha_ni(State& state, const std::byte* data,
                                                                 std::size_t blocks) {
    const __m128i byte_swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i abcd = _mm_loadu_si128(reinterpret_cast<const __m128i*>(&state[0]));
    __m128i efgh = _mm_loadu_si128(reinterpret_cast<const __m128i*>(&state[4]));
    abcd = _mm_shuffle_epi32(abcd, 0xb1);
    efgh = _mm_shuffle_epi32(efgh, 0x1b);
    __m128i abef = _mm_alignr_epi8(abcd, efgh, 8);
    __m128i cdgh = _mm_blend_epi16(efgh, abcd, 0xf0);

    for (; blocks > 0; --blocks, data += 64) {
        const __m128i abef_before = abef;
        const __m128i cdgh_before = cdgh;
        __m128i w[4];
        for (int i = 0; i < 4; ++i)
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data) + i), byte_swap);
#pragma GCC unroll 16
        for (int i = 0; i < 16; ++i) {
            const __m128i current = w[i & 3];
            const __m128i k =
                _mm_loadu_si128(reinterpret_cast<const __m128i*>(&round_constants[static_cast<unsigned>(i) * 4]));
            const __m128i sum = _mm_add_epi32(current, k);
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
            if (i < 12) {
                // w[t] for the round group after the next three, from the four groups in the ring.
                __m128i next = _mm_sha256msg1_epu32(current, w[(i + 1) & 3]);
                next = _mm_add_epi32(next, _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
                w[i & 3] = _mm_sha256msg2_epu32(next, w[(i + 3) & 3]);
            }
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }

    const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(&state[0]), _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(&state[4]), _mm_alignr_epi8(dchg, feba, 8));
}

bool cpu_has_sha() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_SSE4_1) == 0 || (c & bit_SSSE3) == 0) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) != 0;
}
#elif defined(__aarch64__)
__attribute__((target("+crypto"))) void compress_armv8(State& state, const std::byte* data, std::size_t blocks) {
    uint32x4_t abcd = vld1q_u32(&state[0]);
    uint32x4_t efgh = vld1q_u32(&state[4]);
    for (; blocks > 0; --blocks, data += 64) {
        const uint32x4_t abcd_before = abcd;
        const uint32x4_t efgh_before = efgh;
        uint32x4_t w[4];
        for (int i = 0; i < 4; ++i)
            w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(data) + 16 * i)));
        for (int i = 0; i < 16; ++i) {
            const uint32x4_t sum = vaddq_u32(w[i & 3], vld1q_u32(&round_constants[static_cast<unsigned>(i) * 4]));
            const uint32x4_t abcd_old = abcd;
            abcd = vsha256hq_u32(abcd, efgh, sum);
            efgh = vsha256h2q_u32(efgh, abcd_old, sum);
            if (i < 12)
                w[i & 3] = vsha256su1q_u32(vsha256su0q_u32(w[i & 3], w[(i + 1) & 3]), w[(i + 2) & 3], w[(i + 3) & 3]);
        }
        abcd = vaddq_u32(abcd, abcd_before);
        efgh = vaddq_u32(efgh, efgh_before);
    }
    vst1q_u32(&state[0], abcd);
    vst1q_u32(&state[4], efgh);
}
bool cpu_has_sha() { return (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0; }
#else
bool cpu_has_sha() { return false; }
#endif

const bool has_sha = cpu_has_sha();
bool force_portable = false;

Compress compressor() {
#if defined(__x86_64__)
    if (has_sha && !force_portable) return compress_sha_ni;
#elif defined(__aarch64__)
    if (has_sha && !force_portable) return compress_armv8;
#endif
    return compress_portable;
}

void md5_compress(std::array<std::uint32_t, 4>& state, const std::byte* data, std::size_t blocks) {
    static constexpr std::array<std::uint32_t, 64> k = {
        0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
        0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
        0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
        0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
        0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
        0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
        0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
        0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
    static constexpr std::array<int, 16> shifts = {7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};
    for (; blocks > 0; --blocks, data += 64) {
        std::array<std::uint32_t, 16> m;
        std::memcpy(m.data(), data, 64);
        auto [a, b, c, d] = state;
        for (unsigned i = 0; i < 64; ++i) {
            std::uint32_t f = 0;
            unsigned g = 0;
            switch (i / 16) {
            case 0:
                f = (b & c) | (~b & d), g = i;
                break;
            case 1:
                f = (d & b) | (~d & c), g = (5 * i + 1) % 16;
                break;
            case 2:
                f = b ^ c ^ d, g = (3 * i + 5) % 16;
                break;
            default:
                f = c ^ (b | ~d), g = (7 * i) % 16;
            }
            f += a + k[i] + m[g];
            a = d, d = c, c = b;
            b += std::rotl(f, shifts[i / 16 * 4 + i % 4]);
        }
        state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    }
}

// Both functions share the Merkle–Damgård framing: whole 64-byte blocks, 0x80, zeros, the bit length.
template <class State, class Fn>
void absorb(State& state, std::array<std::byte, 64>& buffer, std::uint64_t& length, ByteView data, Fn compress) {
    std::size_t filled = length % 64;
    length += data.size();
    if (filled > 0) {
        std::size_t take = std::min(64 - filled, data.size());
        std::copy_n(data.begin(), take, buffer.begin() + static_cast<std::ptrdiff_t>(filled));
        data = data.subspan(take);
        if (filled + take < 64) return;
        compress(state, buffer.data(), 1);
    }
    if (std::size_t blocks = data.size() / 64) {
        compress(state, data.data(), blocks);
        data = data.subspan(blocks * 64);
    }
    std::copy(data.begin(), data.end(), buffer.begin());
}

std::array<std::byte, 72> padding(std::uint64_t length, bool big_endian, std::size_t& size) {
    std::array<std::byte, 72> out{};
    out[0] = std::byte{0x80};
    std::size_t zeros = (119 - length % 64) % 64;
    for (unsigned i = 0; i < 8; ++i)
        out[1 + zeros + i] = static_cast<std::byte>((length * 8) >> (big_endian ? 56 - 8 * i : 8 * i));
    size = 1 + zeros + 8;
    return out;
}

} // namespace

Sha256::Sha256()
    : state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19},
      buffer_{} {}

void Sha256::update(ByteView data) { absorb(state_, buffer_, length_, data, compressor()); }

Sha256Digest Sha256::finish() {
    std::size_t size = 0;
    const auto tail = padding(length_, true, size);
    update(ByteView(tail).first(size));
    Sha256Digest out;
    for (unsigned i = 0; i < 32; ++i) out[i] = static_cast<std::byte>(state_[i / 4] >> (24 - 8 * (i % 4)));
    return out;
}

Sha256Digest sha256(ByteView data) {
    Sha256 h;
    h.update(data);
    return h.finish();
}

void sha256_force_portable(bool on) { force_portable = on; }

std::string_view sha256_implementation() {
    if (compressor() == compress_portable) return "portable";
#if defined(__x86_64__)
    return "sha-ni";
#else
    return "armv8";
#endif
}

Md5::Md5() : state_{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, buffer_{} {}

void Md5::update(ByteView data) { absorb(state_, buffer_, length_, data, md5_compress); }

Md5Digest Md5::finish() {
    std::size_t size = 0;
    const auto tail = padding(length_, false, size);
    update(ByteView(tail).first(size));
    Md5Digest out;
    for (unsigned i = 0; i < 16; ++i) out[i] = static_cast<std::byte>(state_[i / 4] >> (8 * (i % 4)));
    return out;
}

Md5Digest md5(ByteView data) {
    Md5 h;
    h.update(data);
    return h.finish();
}

std::string to_hex(ByteView bytes) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (std::byte b : bytes) {
        out += digits[std::to_integer<unsigned>(b) >> 4];
        out += digits[std::to_integer<unsigned>(b) & 15];
    }
    return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    auto digit = [](char c) -> int {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    Bytes out;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        int high = digit(text[i]), low = digit(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out.push_back(static_cast<std::byte>(high * 16 + low));
    }
    return out;
}

std::optional<Sha256Digest> sha256_from_hex(std::string_view text) {
    auto bytes = from_hex(text);
    if (!bytes || bytes->size() != 32) return std::nullopt;
    Sha256Digest out;
    std::copy(bytes->begin(), bytes->end(), out.begin());
    return out;
}

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
