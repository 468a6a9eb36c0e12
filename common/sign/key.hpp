// ECDSA over P-256 with SHA-256 (FIPS 186-4), signatures in DER as `openssl dgst -sha256 -sign` writes them. Nonces are
// deterministic (RFC 6979): the same key and bytes give the same signature, and a bad random generator reveals no key.
// Const members are thread-safe.
#pragma once

#include "common/base/file.hpp"
#include "common/base/hash.hpp"

#include <memory>

namespace tinderbox::sign {

// Secret: never printed, never in an error. Errors of kind usage name the file and what to give instead.
class SigningKey {
  public:
    static Result<SigningKey> read(const fs::path& pem); // PKCS#8 or SEC1, without a passphrase
    static Result<SigningKey> generate();
    SigningKey(SigningKey&&) noexcept;
    SigningKey& operator=(SigningKey&&) noexcept;
    ~SigningKey();

    Result<Bytes> sign(const Sha256Digest& digest) const; // DER
    Result<std::string> private_pem() const;              // SEC1: "EC PRIVATE KEY"
    Result<std::string> public_pem() const;               // "PUBLIC KEY" (RFC 5280's SubjectPublicKeyInfo)
    Result<Sha256Digest> id() const;                      // SHA-256 of the public key's SubjectPublicKeyInfo

  private:
    SigningKey();
    struct State;
    std::unique_ptr<State> state_;
};

class VerifyingKey {
  public:
    static Result<VerifyingKey> read(const fs::path& pem);
    VerifyingKey(VerifyingKey&&) noexcept;
    VerifyingKey& operator=(VerifyingKey&&) noexcept;
    ~VerifyingKey();

    // false: the signature is of other bytes, or by another key. Error of kind damaged: `der` is no signature.
    Result<bool> accepts(const Sha256Digest& digest, ByteView der) const;
    const Sha256Digest& id() const;
    const fs::path& path() const;

  private:
    VerifyingKey();
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace tinderbox::sign
