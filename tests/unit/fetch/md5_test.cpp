#include "generator/fetch/md5.hpp"

#include "common/base/hex.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>

using namespace tinderbox;

namespace {

// In two pieces, cut at `cut`.
std::string md5_hex(std::string_view text, std::size_t cut = 0) {
    fetch::Md5 hash;
    hash.update(as_bytes(text.substr(0, cut)));
    hash.update(as_bytes(text.substr(cut)));
    return to_hex(hash.finish());
}

} // namespace

TEST_CASE("MD5 gives RFC 1321's vectors, however the bytes arrive", "[md5]") {
    CHECK(md5_hex("") == "d41d8cd98f00b204e9800998ecf8427e");
    CHECK(md5_hex("abc") == "900150983cd24fb0d6963f7d28e17f72");
    const std::string digits = "12345678901234567890123456789012345678901234567890123456789012345678901234567890";
    for (std::size_t cut = 0; cut <= digits.size(); ++cut)
        REQUIRE(md5_hex(digits, cut) == "57edf4a22be3c955ac49da2e2107b67a");
}
