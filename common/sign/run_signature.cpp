#include "common/sign/run_signature.hpp"

namespace tinderbox::sign {
namespace {

constexpr std::uint64_t detached_limit = 64u << 10; // bytes

// NAME.run.sig, opened once. nullopt: there is none.
Result<std::optional<Bytes>> read_detached(const fs::path& path) {
    if (!lexists(path)) return std::optional<Bytes>();
    auto bytes = read_bytes(path, detached_limit);
    if (bytes.ok()) return std::optional(*std::move(bytes));
    if (bytes.error().kind != ErrorKind::usage) return std::move(bytes).error();
    return make_error(ErrorKind::damaged, "{}, so it is no signature; copy it again", bytes.error().message);
}

std::string short_id(const Sha256Digest& id) { return to_hex(id).substr(0, 16); }

} // namespace

fs::path signature_path(const fs::path& run) {
    fs::path out = run;
    out += ".sig";
    return out;
}

Result<Bytes> signature_slot(const SigningKey& key, std::string_view manifest_text) {
    TRY_ASSIGN(Bytes signature, key.sign(sha256(as_bytes(manifest_text))));
    TRY_ASSIGN(Sha256Digest id, key.id());
    return format::encode(format::SignatureSlot{id, std::move(signature)});
}

Result<SignatureCheck> check_signature(const format::RunFile& run, const VerifyingKey& key, unsigned threads,
                                       const std::function<void(std::uint64_t)>& progress) {
    const std::string name = run.path().string(), key_name = key.path().string();
    const std::optional<format::SignatureSlot>& slot = run.signature();
    // The key's id is read first: with another key nothing else needs reading.
    if (slot && slot->key_id != key.id())
        return make_error(ErrorKind::damaged, "'{}' was signed with another key (…{}) than '{}' (…{})", name,
                          short_id(slot->key_id), key_name, short_id(key.id()));
    if (slot) {
        auto good = key.accepts(run.manifest_sha256(), slot->signature);
        if (!good.ok() || !*good)
            return make_error(
                ErrorKind::damaged,
                "the signature in '{}' does not match its contents: the file was changed after it was signed", name);
    }
    const fs::path detached = signature_path(run.path());
    TRY_ASSIGN(const std::optional<Bytes> signature, read_detached(detached));
    if (signature) {
        TRY_ASSIGN(Sha256Digest digest, run.sha256_of_files(progress));
        auto good = key.accepts(digest, *signature);
        if (!good.ok())
            return make_error(ErrorKind::damaged, "'{}' is damaged: {}; copy it again", detached.string(),
                              good.error().message);
        if (*good) return SignatureCheck{true};
        if (slot)
            return make_error(
                ErrorKind::damaged,
                "'{}' does not match '{}': one of the two was changed, or belongs to another build; copy both again",
                detached.string(), name);
        return make_error(
            ErrorKind::damaged,
            "'{}' does not match '{}' and the key '{}': the file was changed, the signature is of another file, "
            "or it was made with another key",
            detached.string(), name, key_name);
    }
    if (!slot)
        return make_error(ErrorKind::damaged, "'{}' is not signed: there is no '{}' beside it", name,
                          detached.filename().string());
    TRY(run.verify_all(threads, progress));
    return SignatureCheck{false};
}

} // namespace tinderbox::sign
