#include "generator/fetch/hashes.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>

using namespace tinderbox;
using namespace tinderbox::fetch;

namespace {

// In two pieces, cut at `cut`.
std::string hash_of(const char* algorithm, std::string_view text, std::size_t cut = 0) {
    Hasher hash(algorithm);
    hash.update(as_bytes(text.substr(0, cut)));
    hash.update(as_bytes(text.substr(cut)));
    return hash.finish();
}

struct File {
    std::string sha256, md5;
    std::vector<std::string> hashes;
};

} // namespace

// Of RFC 1321, FIPS 180-4 and FIPS 202, as `printf abc | openssl dgst` and hashlib print them.
TEST_CASE("a hash as RECORD writes it is taken apart") {
    using Taken = std::pair<std::string_view, std::string>;
    const std::string hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const std::string base64 = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"; // the same
    CHECK(record_hash("sha256=" + base64).second == hex);
    CHECK(record_hash("sha256=" + base64 + "=").second == hex); // padded
    CHECK(record_hash(" sha256=" + base64).second.empty());
    CHECK(record_hash("sha256= " + base64 + " ").second == hex);
    CHECK(record_hash("md5=1B2M2Y8AsgTpgAmY7PhCfg").second == "d41d8cd98f00b204e9800998ecf8427e");
    const std::string_view cut = "sha512=47DEQpj8HBSa", unknown = "blake9=47DEQpj8HBSa", bad = "sha256=*";
    CHECK(record_hash(cut) == Taken("sha512", ""));
    CHECK(record_hash(unknown) == Taken("blake9", ""));
    CHECK(record_hash(bad) == Taken("sha256", ""));
    CHECK(record_hash("sha256") == Taken("sha256", ""));
    CHECK(record_hash("sha256=") == Taken("sha256", ""));
    CHECK(record_hash("=") == Taken("", ""));
    CHECK(record_hash("") == Taken("", ""));
}

TEST_CASE("the standards' vectors, however the bytes arrive", "[hashes]") {
    const std::pair<const char*, const char*> rows[] = {
        {"md5", "900150983cd24fb0d6963f7d28e17f72"},
        {"sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"sha224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
        {"sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"sha384", "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
        {"sha512", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                   "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
        {"sha3_256", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"}};
    for (const auto& [algorithm, expected] : rows)
        for (std::size_t cut = 0; cut <= 3; ++cut) {
            CHECK(hash_of(algorithm, "abc", cut) == expected);
            CHECK(hash_digits(algorithm) == std::string_view(expected).size());
        }
    CHECK(hash_of("md5", "") == "d41d8cd98f00b204e9800998ecf8427e");
    const std::string digits = "12345678901234567890123456789012345678901234567890123456789012345678901234567890";
    for (std::size_t cut = 0; cut <= digits.size(); ++cut)
        REQUIRE(hash_of("md5", digits, cut) == "57edf4a22be3c955ac49da2e2107b67a");
}

TEST_CASE("a hash has its algorithm's length, or is refused", "[hashes]") {
    CHECK(check_hash("sha512:" + std::string(128, 'a')).ok());
    CHECK(check_hash("SHA384", std::string(96, 'F')).ok());
    for (const std::string& bad :
         {"sha512:" + std::string(64, 'a'), "sha256:" + std::string(63, 'a'), "md5:" + std::string(32, 'g'),
          std::string("sha256:"), std::string("sha256"), std::string(), "blake2b:" + std::string(128, 'a')})
        CHECK(!check_hash(bad).ok());
}

TEST_CASE("a file keeps every hash that is written down", "[hashes]") {
    File file;
    const std::string a64(64, 'a'), b64(64, 'b'), a32(32, 'a');
    for (const auto& [algorithm, digest] :
         fragment_hashes("egg=x&SHA256=" + a64 + "&md5=" + a32 + "&sha512=12&blake2b=3&subdirectory=y"))
        keep_hash(file, algorithm, digest);
    CHECK(file.sha256 == a64);
    CHECK(file.md5 == a32);
    CHECK(file.hashes == std::vector<std::string>{"sha512:12", "blake2b:3"});
    keep_hash(file, "sha256", b64); // no file has both
    CHECK(file.sha256 == a64);
    CHECK(file.hashes.back() == "sha256:" + b64);
    CHECK(!add_hash(file, "sha256", "12").ok());

    CHECK(fragment_hashes(a32) == std::vector<std::pair<std::string, std::string>>{{"md5", a32}});
    CHECK(fragment_hashes("sha256:" + a64) == std::vector<std::pair<std::string, std::string>>{{"sha256", a64}});
    CHECK(fragment_hashes("egg=numpy").empty());
}
