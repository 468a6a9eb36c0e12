#include "common/sign/run_signature.hpp"

#include "common/base/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace tinderbox::sign {
namespace {

constexpr std::uint64_t detached_limit = 64u << 10; // bytes

// NAME.run.sig, opened once. nullopt: there is none.
Result<std::optional<Bytes>> read_detached(const fs::path& path) {
    // Without O_NONBLOCK a named pipe would wait for somebody who writes.
    Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!fd && errno == ENOENT && !lexists(path)) return std::optional<Bytes>();
    if (!fd) return errno_error(fmt::format("cannot open '{}'", path.string()), errno);
    struct stat st;
    if (::fstat(fd.get(), &st) != 0) return errno_error(fmt::format("cannot read '{}'", path.string()), errno);
    if (!S_ISREG(st.st_mode))
        return make_error(ErrorKind::damaged, "'{}' is {}, which is no signature; copy it again", path.string(),
                          irregular_kind(st.st_mode));
    if (static_cast<std::uint64_t>(st.st_size) > detached_limit)
        return make_error(ErrorKind::damaged, "'{}' is no signature; copy it again", path.string());
    Bytes out(static_cast<std::size_t>(st.st_size));
    TRY(read_exact_at(fd.get(), out, 0, path.string()));
    return std::optional(std::move(out));
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
