#include "generator/fetch/hashes.hpp"

#include "common/base/base64url.hpp"
#include "common/base/hash_file.hpp"
#include "common/base/hex.hpp"
#include "common/base/text.hpp"

#include <mbedtls/md.h>

#include <fcntl.h>

#include <algorithm>
#include <iterator>

namespace tinderbox::fetch {
namespace {

struct Algorithm {
    std::string_view name;
    mbedtls_md_type_t type;
    std::size_t digits;
};

constexpr Algorithm algorithms[] = {{"md5", MBEDTLS_MD_MD5, 32},           {"sha1", MBEDTLS_MD_SHA1, 40},
                                    {"sha224", MBEDTLS_MD_SHA224, 56},     {"sha256", MBEDTLS_MD_SHA256, 64},
                                    {"sha384", MBEDTLS_MD_SHA384, 96},     {"sha512", MBEDTLS_MD_SHA512, 128},
                                    {"sha3_224", MBEDTLS_MD_SHA3_224, 56}, {"sha3_256", MBEDTLS_MD_SHA3_256, 64},
                                    {"sha3_384", MBEDTLS_MD_SHA3_384, 96}, {"sha3_512", MBEDTLS_MD_SHA3_512, 128}};

// hashlib's other names, and its beginnings of names.
constexpr std::string_view others[] = {"blake2", "blake3", "shake_", "ripemd", "sha-", "sha512_", "sm3", "whirlpool"};

const Algorithm* find(std::string_view name) {
    const std::string lower = to_lower(name);
    const auto* found = std::ranges::find(algorithms, std::string_view(lower), &Algorithm::name);
    return found == std::end(algorithms) ? nullptr : found;
}

} // namespace

std::size_t hash_digits(std::string_view algorithm) {
    const Algorithm* found = find(algorithm);
    return found ? found->digits : 0;
}

bool is_hash_name(std::string_view word) {
    const std::string lower = to_lower(word);
    return find(word) || std::ranges::any_of(others, [&](std::string_view name) { return lower.starts_with(name); });
}

std::vector<std::pair<std::string, std::string>> fragment_hashes(std::string_view fragment) {
    std::vector<std::pair<std::string, std::string>> out;
    for (std::string_view part : split(fragment, '&')) {
        const auto separator = part.find_first_of("=:");
        if (separator == std::string_view::npos) {
            if (is_hex(part, 32)) out.emplace_back("md5", part);
            if (is_hex(part, 64)) out.emplace_back("sha256", part);
        } else if (is_hash_name(part.substr(0, separator))) {
            out.emplace_back(to_lower(part.substr(0, separator)), part.substr(separator + 1));
        }
    }
    return out;
}

Status check_hash(std::string_view algorithm, std::string_view digest) {
    const std::size_t digits = hash_digits(algorithm);
    if (digits == 0)
        return make_error(ErrorKind::usage,
                          "the hash '{}:{}' is of an algorithm that cannot be checked here; give the SHA-256",
                          algorithm, digest);
    if (!is_hex(digest, digits))
        return make_error(ErrorKind::usage, "the hash '{}:{}' is not {} hexadecimal digits; copy the whole hash",
                          algorithm, digest, digits);
    return {};
}

std::pair<std::string_view, std::string_view> split_hash(std::string_view text) {
    const auto colon = std::min(text.find(':'), text.size());
    return {text.substr(0, colon), text.substr(std::min(colon + 1, text.size()))};
}

std::pair<std::string_view, std::string> record_hash(std::string_view text) {
    const auto equals = std::min(text.find('='), text.size());
    const std::string_view algorithm = text.substr(0, equals);
    const std::size_t digits = hash_digits(algorithm);
    const auto digest = from_base64url(trim(text.substr(std::min(equals + 1, text.size()))));
    return {algorithm, digest && digits != 0 && digest->size() * 2 == digits ? to_hex(*digest) : ""};
}

Status check_hash(std::string_view text) {
    const auto [algorithm, digest] = split_hash(text);
    return check_hash(algorithm, digest);
}

void keep_hash(std::string& sha256, std::string& md5, std::vector<std::string>& others, std::string_view algorithm,
               std::string_view digest) {
    const std::string name = to_lower(algorithm), hex = to_lower(digest);
    std::string* member = name == "sha256" ? &sha256 : name == "md5" ? &md5 : nullptr;
    if (member && check_hash(name, hex).ok() && (member->empty() || *member == hex)) {
        *member = hex;
        return;
    }
    // Here stands a second SHA-256, too: the file cannot have both.
    const std::string text = name + ":" + hex;
    if (std::ranges::find(others, text) == others.end()) others.push_back(text);
}

// The codes that mbedTLS returns are for a lack of memory and for accelerators in hardware; finish() then gives "",
// which no file's hash is.
Hasher::Hasher(std::string_view algorithm) : context_(new mbedtls_md_context_t) {
    mbedtls_md_init(context_.get());
    const Algorithm* found = find(algorithm);
    if (found && mbedtls_md_setup(context_.get(), mbedtls_md_info_from_type(found->type), 0) == 0)
        (void)mbedtls_md_starts(context_.get());
}

void Hasher::Free::operator()(mbedtls_md_context_t* context) const {
    mbedtls_md_free(context);
    delete context;
}

void Hasher::update(ByteView data) {
    (void)mbedtls_md_update(context_.get(), reinterpret_cast<const unsigned char*>(data.data()), data.size());
}

std::string Hasher::finish() {
    const mbedtls_md_info_t* info = mbedtls_md_info_from_ctx(context_.get());
    Bytes out(info ? mbedtls_md_get_size(info) : 0);
    if (!info || mbedtls_md_finish(context_.get(), reinterpret_cast<unsigned char*>(out.data())) != 0) return "";
    return to_hex(out);
}

Result<std::string> hash_of_file(const fs::path& path, std::string_view algorithm) {
    TRY_ASSIGN(const Fd fd, open_file(path, O_RDONLY | O_CLOEXEC));
    Hasher hasher(algorithm);
    TRY(read_pieces(fd.get(), path.string(), FileRead{}, [&](ByteView bytes) -> Status {
        hasher.update(bytes);
        return {};
    }));
    return hasher.finish();
}

} // namespace tinderbox::fetch
