// Hashes of artifacts as indexes, locks and requests write them: an algorithm by hashlib's name, and hexadecimal
// digits. The algorithms are those of RFC 1321 (md5), FIPS 180-4 (sha1 – sha512) and FIPS 202 (sha3_…). Every hash that
// somebody wrote down is compared with the file, or refused: one that nobody reads would promise a check that never
// happens.
//
// A file has its hashes in three members: `sha256` and `md5` (hex, "" unknown), and `hashes` for all others
// ("sha512:HEX"). Every function is thread-safe.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/file.hpp"
#include "common/base/result.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct mbedtls_md_context_t;

namespace tinderbox::fetch {

// The hexadecimal digits of an algorithm's digest; 0: it cannot be computed here.
std::size_t hash_digits(std::string_view algorithm);
// Whether a word names a hash algorithm: one of those above, or another one of hashlib's (blake2b, shake_128, …).
bool is_hash_name(std::string_view word);
// The hashes in a URL's fragment, as (algorithm in lower case, digits as written): "#sha512=HEX", and conda's "#MD5",
// "#sha256:HEX". Other parts of a fragment ("egg=NAME") are none.
std::vector<std::pair<std::string, std::string>> fragment_hashes(std::string_view fragment);

// Errors (usage, without a place): an algorithm that cannot be computed, another length, other characters.
Status check_hash(std::string_view algorithm, std::string_view digest);
// "ALGORITHM:DIGEST" → both, which are views into it; without a colon the digest is "".
std::pair<std::string_view, std::string_view> split_hash(std::string_view text);
// A hash as RECORD writes it, "ALGORITHM=BASE64" (PEP 376, PEP 427): the algorithm, a view into it, and the digest in
// hex. The digest is "" where it is not one of that algorithm, or where the algorithm cannot be computed.
std::pair<std::string_view, std::string> record_hash(std::string_view text);
// check_hash() for "ALGORITHM:DIGEST".
Status check_hash(std::string_view text);

// Puts a hash where it belongs, whatever its form: sha256 and md5 of the right length into their members, all others
// into `hashes`, where check_hash() judges them before the file is used.
template <class File> void keep_hash(File& file, std::string_view algorithm, std::string_view digest);
// The same, but a hash that check_hash() refuses is the error.
template <class File> Status add_hash(File& file, std::string_view algorithm, std::string_view digest) {
    TRY(check_hash(algorithm, digest));
    keep_hash(file, algorithm, digest);
    return {};
}

// One computation by mbedTLS. An object belongs to one thread at a time. `algorithm` is one of those above.
class Hasher {
  public:
    explicit Hasher(std::string_view algorithm);
    void update(ByteView data);
    std::string finish(); // hex; the object must not be used afterwards

  private:
    struct Free {
        void operator()(mbedtls_md_context_t* context) const;
    };
    std::unique_ptr<mbedtls_md_context_t, Free> context_;
};

// Hex. Errors: those of reading the file.
Result<std::string> hash_of_file(const fs::path& path, std::string_view algorithm);

void keep_hash(std::string& sha256, std::string& md5, std::vector<std::string>& others, std::string_view algorithm,
               std::string_view digest);
template <class File> void keep_hash(File& file, std::string_view algorithm, std::string_view digest) {
    keep_hash(file.sha256, file.md5, file.hashes, algorithm, digest);
}

} // namespace tinderbox::fetch
