#include "common/sign/run_signature.hpp"

#include <catch2/catch_test_macros.hpp>

#include <fstream>

using namespace tinderbox;
using namespace tinderbox::sign;

namespace {

// RFC 6979, appendix A.2.5: the key of its P-256 examples, as SEC1.
constexpr std::string_view rfc_key = R"(-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIMmvqdhFunUWa1whV2ex1pNOUMPbNuibEnuKYisSD2choAoGCCqGSM49
AwEHoUQDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8
maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==
-----END EC PRIVATE KEY-----
)";

struct Dir {
    TemporaryDirectory directory = *TemporaryDirectory::make();
    fs::path write(std::string_view name, std::string_view text) const {
        fs::path path = directory.path() / name;
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }
};

// SEQUENCE { INTEGER r, INTEGER s } from the hexadecimal numbers of the RFC.
Bytes der(std::string_view r, std::string_view s) {
    Bytes body;
    for (std::string_view number : {r, s}) {
        Bytes bytes = *from_hex(number);
        auto first = std::find_if(bytes.begin(), bytes.end(), [](std::byte b) { return b != std::byte{0}; });
        bytes.erase(bytes.begin(), first);
        if (std::to_integer<int>(bytes.front()) >= 0x80) bytes.insert(bytes.begin(), std::byte{0});
        body.push_back(std::byte{2});
        body.push_back(static_cast<std::byte>(bytes.size()));
        body.insert(body.end(), bytes.begin(), bytes.end());
    }
    Bytes out = {std::byte{0x30}, static_cast<std::byte>(body.size())};
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

} // namespace

TEST_CASE("signatures are those of RFC 6979", "[sign]") {
    Dir dir;
    auto key = SigningKey::read(dir.write("key.pem", rfc_key));
    INFO((key.ok() ? "" : key.error().message));
    REQUIRE(key.ok());
    CHECK(*key->sign(sha256(as_bytes("sample"))) ==
          der("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
              "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"));
    CHECK(*key->sign(sha256(as_bytes("test"))) ==
          der("F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
              "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"));
}

TEST_CASE("a key of its own signs, and nothing else is accepted", "[sign]") {
    Dir dir;
    auto key = SigningKey::generate();
    auto other = SigningKey::generate();
    REQUIRE((key.ok() && other.ok()));
    CHECK(*key->private_pem() != *other->private_pem());
    auto again = SigningKey::read(dir.write("key.pem", *key->private_pem()));
    REQUIRE(again.ok());
    auto open = VerifyingKey::read(dir.write("key.pub.pem", *key->public_pem()));
    REQUIRE(open.ok());
    CHECK(open->id() == *key->id());
    const Sha256Digest digest = sha256(as_bytes("bytes"));
    const Bytes signature = *again->sign(digest);
    CHECK(signature == *key->sign(digest)); // deterministic
    CHECK(*open->accepts(digest, signature));
    CHECK_FALSE(*open->accepts(sha256(as_bytes("other bytes")), signature));
    CHECK_FALSE(*open->accepts(digest, *other->sign(digest)));
    // Every flipped bit gives another signature or no valid form; none is accepted.
    for (std::size_t i = 0; i < signature.size() * 8; ++i) {
        Bytes bad = signature;
        bad[i / 8] ^= static_cast<std::byte>(1 << (i % 8));
        auto accepted = open->accepts(digest, bad);
        CHECK_FALSE((accepted.ok() && *accepted));
    }
    for (std::size_t size = 0; size < signature.size(); ++size)
        CHECK_FALSE(open->accepts(digest, ByteView(signature).first(size)).ok());
    Bytes longer = signature;
    longer.push_back(std::byte{0});
    CHECK_FALSE(open->accepts(digest, longer).ok());
}

TEST_CASE("a wrong key file says what to give instead", "[sign]") {
    Dir dir;
    auto key = SigningKey::generate();
    REQUIRE(key.ok());
    const fs::path secret = dir.write("secret.pem", *key->private_pem()),
                   open = dir.write("open.pem", *key->public_pem());
    auto message = [](auto result) {
        REQUIRE_FALSE(result.ok());
        CHECK(result.error().kind == ErrorKind::usage);
        return result.error().message;
    };
    CHECK(message(SigningKey::read(open)).find("public key; signing needs the private one") != std::string::npos);
    CHECK(message(VerifyingKey::read(secret)).find("is a private key") != std::string::npos);
    CHECK(message(SigningKey::read(dir.write("x", "no key"))).find("no private key in PEM form") != std::string::npos);
    CHECK(message(VerifyingKey::read(dir.write("x", ""))).find("no public key in PEM form") != std::string::npos);
    CHECK(message(VerifyingKey::read(dir.directory.path() / "missing")).find("missing") != std::string::npos);
    // openssl ecparam -name secp384r1 -genkey | openssl ec -pubout
    constexpr std::string_view p384 = R"(-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE2f+v9X02nUBjXCqT3Jpon2Vs/l1sZA8Y
wljEVU9LTvnMUiHeIS4biCRRTiAZXN6ozJB7hC5WOp9f9vViwfy0SdzI81sqkrdo
BKYYNQtzbllilENXsuS6tBYFmASUq0W4
-----END PUBLIC KEY-----
)";
    CHECK(message(VerifyingKey::read(dir.write("p384.pem", p384))).find("no key of the curve P-256") !=
          std::string::npos);
}
