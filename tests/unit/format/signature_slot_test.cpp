#include "common/format/signature_slot.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::format;

TEST_CASE("nothing hides in the signature slot", "[signature]") {
    SignatureSlot slot{sha256(as_bytes("key")), Bytes(70, std::byte{0x30})};
    const Bytes bytes = encode(slot);
    REQUIRE(bytes.size() == signature_slot_size);
    auto read = decode_signature_slot(bytes);
    REQUIRE(read.ok());
    REQUIRE(read->has_value());
    CHECK((*read)->signature == slot.signature);
    CHECK(decode_signature_slot(Bytes(signature_slot_size))->has_value() == false);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const bool free = i >= 16 && i < 48 + slot.signature.size(); // the key's id and the signature
        Bytes bad = bytes;
        bad[i] ^= std::byte{0x80};
        CHECK(decode_signature_slot(bad).ok() == free);
    }
    Bytes unsigned_file(signature_slot_size);
    unsigned_file.back() = std::byte{1};
    CHECK_FALSE(decode_signature_slot(unsigned_file).ok());
}
