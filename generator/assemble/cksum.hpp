// The checksum of cksum(1), which every POSIX system has: a shell script can compare it. It finds damage, no forgery.
// Source: POSIX.1-2017, cksum: CRC-32 with the polynomial 0x04C11DB7, over the bytes and then over their number.
#pragma once

#include "common/base/bytes.hpp"

#include <string>

namespace tinderbox::assemble {

std::uint32_t cksum(ByteView bytes);

// What `cksum <FILE` prints, without the line end: "4294967295 0".
std::string cksum_text(ByteView bytes);

// 32 digits 0 or 1 that, behind `text`, make the checksum of both 0. So a text can be compared with a sum that it holds
// itself.
std::string cksum_zeroing_digits(ByteView text);

} // namespace tinderbox::assemble
