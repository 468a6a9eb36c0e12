// The MD5 of bytes as hexadecimal digits, for records in tests.
#pragma once

#include "common/base/hex.hpp"
#include "generator/fetch/md5.hpp"

namespace tinderbox::test {

inline std::string md5_hex(ByteView bytes) {
    fetch::Md5 md5;
    md5.update(bytes);
    return to_hex(md5.finish());
}

} // namespace tinderbox::test
