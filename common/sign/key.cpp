#include "common/sign/key.hpp"

#include "common/base/input_file.hpp"

#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <sys/random.h>

#include <array>
#include <cerrno>

namespace tinderbox::sign {
namespace {

constexpr std::uint64_t key_file_limit = 64u << 10;

// Random numbers for a new key, and for blinding while signing. The nonce of a signature is computed (RFC 6979).
int random_bytes(void*, unsigned char* out, std::size_t size) {
    while (size > 0) {
        ssize_t n = ::getrandom(out, size, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return MBEDTLS_ERR_ECP_RANDOM_FAILED;
        out += n;
        size -= static_cast<std::size_t>(n);
    }
    return 0;
}

struct Pk {
    mbedtls_pk_context context{};
    Pk() { mbedtls_pk_init(&context); }
    Pk(const Pk&) = delete;
    ~Pk() { mbedtls_pk_free(&context); }
};

// May hold a private key, so its bytes are overwritten before they are freed.
struct SecretText {
    std::string text;
    ~SecretText() { mbedtls_platform_zeroize(text.data(), text.size()); }
};

const unsigned char* chars(ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

std::string library_words(int error) {
    char words[128];
    mbedtls_strerror(error, words, sizeof words);
    return words;
}

Status check_curve(const mbedtls_pk_context& key, const fs::path& pem) {
    if (mbedtls_pk_can_do(&key, MBEDTLS_PK_ECDSA) &&
        mbedtls_ecp_keypair_get_group_id(mbedtls_pk_ec(key)) == MBEDTLS_ECP_DP_SECP256R1)
        return {};
    return make_error(ErrorKind::usage, "'{}' is no key of the curve P-256 (prime256v1); 'tinderbox keygen' makes one",
                      pem.string());
}

Result<Bytes> public_der(const mbedtls_pk_context& key) {
    std::array<unsigned char, 256> buffer;
    int size = mbedtls_pk_write_pubkey_der(&key, buffer.data(), buffer.size()); // at the end of the buffer
    if (size < 0) return make_error(ErrorKind::bug, "mbedTLS cannot write a public key: {}", library_words(size));
    auto* first = reinterpret_cast<const std::byte*>(buffer.data() + buffer.size() - size);
    return Bytes(first, first + size);
}

} // namespace

struct SigningKey::State : Pk {};

SigningKey::SigningKey() : state_(std::make_unique<State>()) {}
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;
SigningKey::~SigningKey() = default;

Result<SigningKey> SigningKey::read(const fs::path& pem) {
    SecretText secret;
    TRY_ASSIGN(secret.text, read_input(pem, key_file_limit));
    SigningKey key;
    int error = mbedtls_pk_parse_key(&key.state_->context, chars(as_bytes(secret.text)), secret.text.size() + 1,
                                     nullptr, 0, random_bytes, nullptr);
    if (error == MBEDTLS_ERR_PK_PASSWORD_REQUIRED ||
        secret.text.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") != std::string::npos)
        return make_error(
            ErrorKind::usage,
            "the key in '{}' is encrypted; write it without its passphrase: openssl pkey -in KEY -out PLAIN.pem",
            pem.string());
    if (error != 0 && secret.text.find("-----BEGIN PUBLIC KEY-----") != std::string::npos)
        return make_error(ErrorKind::usage, "'{}' is a public key; signing needs the private one", pem.string());
    if (error != 0)
        return make_error(ErrorKind::usage, "'{}' holds no private key in PEM form; 'tinderbox keygen' makes one",
                          pem.string());
    TRY(check_curve(key.state_->context, pem));
    return key;
}

Result<SigningKey> SigningKey::generate() {
    SigningKey key;
    mbedtls_pk_context& context = key.state_->context;
    int error = mbedtls_pk_setup(&context, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (error == 0)
        error = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(context), random_bytes, nullptr);
    if (error != 0) return make_error(ErrorKind::bug, "no key can be made: {}", library_words(error));
    return key;
}

Result<Bytes> SigningKey::sign(const Sha256Digest& digest) const {
    std::array<unsigned char, MBEDTLS_PK_SIGNATURE_MAX_SIZE> der;
    std::size_t size = 0;
    int error = mbedtls_pk_sign(&state_->context, MBEDTLS_MD_SHA256, chars(digest), digest.size(), der.data(),
                                der.size(), &size, random_bytes, nullptr);
    if (error != 0) return make_error(ErrorKind::bug, "signing failed: {}", library_words(error));
    auto* first = reinterpret_cast<const std::byte*>(der.data());
    return Bytes(first, first + size);
}

Result<std::string> SigningKey::private_pem() const {
    std::array<unsigned char, 1024> buffer;
    int error = mbedtls_pk_write_key_pem(&state_->context, buffer.data(), buffer.size());
    if (error != 0) return make_error(ErrorKind::bug, "mbedTLS cannot write a private key: {}", library_words(error));
    std::string text = reinterpret_cast<const char*>(buffer.data());
    mbedtls_platform_zeroize(buffer.data(), buffer.size());
    return text;
}

Result<std::string> SigningKey::public_pem() const {
    std::array<unsigned char, 1024> buffer;
    int error = mbedtls_pk_write_pubkey_pem(&state_->context, buffer.data(), buffer.size());
    if (error != 0) return make_error(ErrorKind::bug, "mbedTLS cannot write a public key: {}", library_words(error));
    return std::string(reinterpret_cast<const char*>(buffer.data()));
}

Result<Sha256Digest> SigningKey::id() const {
    TRY_ASSIGN(Bytes der, public_der(state_->context));
    return sha256(der);
}

struct VerifyingKey::State : Pk {
    fs::path path;
    Sha256Digest id{};
};

VerifyingKey::VerifyingKey() : state_(std::make_unique<State>()) {}
VerifyingKey::VerifyingKey(VerifyingKey&&) noexcept = default;
VerifyingKey& VerifyingKey::operator=(VerifyingKey&&) noexcept = default;
VerifyingKey::~VerifyingKey() = default;

Result<VerifyingKey> VerifyingKey::read(const fs::path& pem) {
    SecretText text;
    TRY_ASSIGN(text.text, read_input(pem, key_file_limit));
    VerifyingKey key;
    if (mbedtls_pk_parse_public_key(&key.state_->context, chars(as_bytes(text.text)), text.text.size() + 1) != 0) {
        if (text.text.find("PRIVATE KEY-----") != std::string::npos)
            return make_error(ErrorKind::usage,
                              "'{}' is a private key, which whoever signed keeps; --key takes the public one "
                              "(openssl pkey -in KEY -pubout)",
                              pem.string());
        return make_error(ErrorKind::usage, "'{}' holds no public key in PEM form ('-----BEGIN PUBLIC KEY-----')",
                          pem.string());
    }
    TRY(check_curve(key.state_->context, pem));
    TRY_ASSIGN(Bytes der, public_der(key.state_->context));
    key.state_->id = sha256(der);
    key.state_->path = pem;
    return key;
}

Result<bool> VerifyingKey::accepts(const Sha256Digest& digest, ByteView der) const {
    // A signature is a SEQUENCE of two INTEGERs. Other bytes are a damaged file, not a signature by another key.
    const auto* at = chars(der);
    const bool shape = der.size() >= 8 && der.size() <= 72 && at[0] == 0x30 && at[1] == der.size() - 2 &&
                       at[2] == 0x02 && at[3] >= 1 && at[3] <= 33 && 4u + at[3] + 2 < der.size() &&
                       at[4 + at[3]] == 0x02 && 4u + at[3] + 2 + at[5 + at[3]] == der.size();
    if (!shape) return make_error(ErrorKind::damaged, "it is no ECDSA signature");
    int error = mbedtls_pk_verify(&state_->context, MBEDTLS_MD_SHA256, chars(digest), digest.size(), at, der.size());
    return error == 0;
}

const Sha256Digest& VerifyingKey::id() const { return state_->id; }
const fs::path& VerifyingKey::path() const { return state_->path; }

} // namespace tinderbox::sign
