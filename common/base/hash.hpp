// SHA-256 (FIPS 180-4), with SHA-NI or ARMv8 instructions where the CPU has them: mbedTLS has no such
// path on x86 and would bind an installation to 0.3 GB/s.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/hex.hpp"

#include <array>

namespace tinderbox {

using Sha256Digest = std::array<std::byte, 32>;

// One computation. An object belongs to one thread at a time; nothing fails.
class Sha256 {
  public:
    Sha256();
    void update(ByteView data);
    // Ends the computation; the object must not be used afterwards.
    Sha256Digest finish();

  private:
    std::array<std::uint32_t, 8> state_;
    std::array<std::byte, 64> buffer_;
    std::uint64_t length_ = 0; // bytes so far
};

Sha256Digest sha256(ByteView data);

// For tests and benches: the portable code path even where the CPU has instructions for it.
void sha256_force_portable(bool on);
// "sha-ni", "armv8" or "portable".
std::string_view sha256_implementation();

// nullopt unless the text is exactly 64 hexadecimal digits, either case.
std::optional<Sha256Digest> sha256_from_hex(std::string_view text);

} // namespace tinderbox
