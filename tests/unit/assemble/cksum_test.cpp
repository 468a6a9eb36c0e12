#include "generator/assemble/cksum.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::assemble;

// The sums are what cksum of GNU coreutils prints.
TEST_CASE("cksum is the program's", "[cksum]") {
    CHECK(cksum_text({}) == "4294967295 0");
    CHECK(cksum_text(as_bytes("123456789")) == "930766865 9");
    CHECK(cksum_text(Bytes(70000)) == "1774371287 70000");
    CHECK(cksum_text(Bytes(300, std::byte{0xff})) == "1718880618 300");
}

TEST_CASE("digits behind a text make its checksum 0", "[cksum]") {
    for (std::size_t size : {0, 1, 31, 4096, 16352}) {
        const std::string text(size, 'x'), digits = cksum_zeroing_digits(as_bytes(text));
        CAPTURE(size, digits);
        CHECK(digits.find_first_not_of("01") == std::string::npos);
        CHECK(cksum_text(as_bytes(text + digits)) == fmt::format("0 {}", size + 32));
    }
}
