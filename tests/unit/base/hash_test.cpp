#include "common/base/base64url.hpp"
#include "common/base/hash.hpp"
#include "common/base/hex.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <string>

using namespace tinderbox;

namespace {
std::string sha_hex(std::string_view text) { return to_hex(sha256(as_bytes(text))); }
} // namespace

TEST_CASE("SHA-256 gives the published vectors on every code path", "[hash]") {
    bool portable = GENERATE(false, true);
    sha256_force_portable(portable);
    INFO("implementation: " << sha256_implementation());
    // FIPS 180-4 examples, and the million 'a'.
    CHECK(sha_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(sha_hex(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    sha256_force_portable(false);
}

TEST_CASE("SHA-256 is the same in one piece and in many, and on both code paths", "[hash]") {
    std::string data;
    for (int i = 0; i < 1000; ++i) data += static_cast<char>(i * 7 + i / 256);
    for (std::size_t size = 0; size < 260; ++size) {
        std::string_view text = std::string_view(data).substr(0, size);
        Sha256Digest whole = sha256(as_bytes(text));
        for (std::size_t cut = 0; cut <= size; cut += 13) {
            Sha256 h;
            h.update(as_bytes(text.substr(0, cut)));
            h.update(as_bytes(text.substr(cut)));
            REQUIRE(h.finish() == whole);
        }
        sha256_force_portable(true);
        REQUIRE(sha256(as_bytes(text)) == whole);
        sha256_force_portable(false);
    }
}

TEST_CASE("hex and base64url round-trip and refuse what is neither", "[hash]") {
    CHECK(to_base64url(as_bytes("")) == "");
    CHECK(to_base64url(as_bytes("f")) == "Zg");
    CHECK(to_base64url(as_bytes("foobar")) == "Zm9vYmFy");
    CHECK(to_base64url(as_bytes("\xfb\xff\xfe")) == "-__-");
    for (std::string_view text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
        CHECK(as_text(*from_base64url(to_base64url(as_bytes(text)))) == text);
        CHECK(as_text(*from_hex(to_hex(as_bytes(text)))) == text);
    }
    CHECK_FALSE(from_hex("0"));
    CHECK_FALSE(from_hex("0g"));
    CHECK_FALSE(from_base64url("a b"));
    CHECK(is_hex("00fF", 4));
    CHECK_FALSE(is_hex("00fF", 3));
    CHECK_FALSE(is_hex("00fg", 4));
    CHECK_FALSE(is_hex("", 0));
    CHECK_FALSE(sha256_from_hex("00"));
}
