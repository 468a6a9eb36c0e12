// The MD5 of bytes as hexadecimal digits, for records in tests.
#pragma once

#include "common/base/hex.hpp"
#include "generator/fetch/hashes.hpp"

namespace tinderbox::test {

inline std::string md5_hex(ByteView bytes) {
    fetch::Hasher md5("md5");
    md5.update(bytes);
    return md5.finish();
}

} // namespace tinderbox::test
