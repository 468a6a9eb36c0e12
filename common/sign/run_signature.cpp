#include "common/sign/run_signature.hpp"

#include "common/base/hash_file.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

namespace tinderbox::sign {
namespace {

constexpr std::string_view slot_magic = "TNDRSIG\n";
constexpr std::uint32_t slot_version = 1;
constexpr std::size_t longest_signature = 72; // two INTEGERs of 33 bytes

struct Slot {
    Sha256Digest key_id{};
    Bytes signature;
};

// nullopt: the file is not signed.
Result<std::optional<Slot>> read_slot(const format::RunFile& run) {
    const format::Section* section = run.section("signature");
    if (!section) return std::optional<Slot>();
    TRY_ASSIGN(Bytes bytes, run.read_section(*section));
    if (std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; })) return std::optional<Slot>();
    ByteReader in(bytes);
    Slot slot;
    bool good = as_text(in.bytes(slot_magic.size())) == slot_magic && in.u32() == slot_version;
    std::uint32_t size = in.u32();
    ByteView id = in.bytes(slot.key_id.size());
    good = good && size <= longest_signature && in.ok();
    if (!good)
        return make_error(ErrorKind::damaged, "{}: the signature in the file is damaged; copy the file again",
                          run.path().string());
    std::ranges::copy(id, slot.key_id.begin());
    ByteView signature = in.bytes(size);
    slot.signature.assign(signature.begin(), signature.end());
    return std::optional(std::move(slot));
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
    ByteWriter out;
    out.bytes(as_bytes(slot_magic));
    out.u32(slot_version);
    out.u32(static_cast<std::uint32_t>(signature.size()));
    out.bytes(id);
    out.bytes(signature);
    while (out.size() < format::signature_slot_size) out.u8(0);
    return out.take();
}

Result<Sha256Digest> hash_files(const std::vector<fs::path>& files,
                                const std::function<void(std::uint64_t)>& progress) {
    Sha256 hash;
    FileRead read;
    read.drop_cached = true;
    std::uint64_t before = 0; // bytes of the files that are finished
    if (progress) read.progress = [&](std::uint64_t done) { progress(before + done); };
    for (const fs::path& file : files) {
        TRY_ASSIGN(Fd fd, open_file(file, O_RDONLY));
        TRY_ASSIGN(std::uint64_t size, read_pieces(fd.get(), file.string(), read, [&](ByteView piece) -> Status {
                       hash.update(piece);
                       return {};
                   }));
        before += size;
    }
    return hash.finish();
}

Result<SignatureCheck> check_signature(const format::RunFile& run, const VerifyingKey& key, unsigned threads,
                                       const std::function<void(std::uint64_t)>& progress) {
    const std::string name = run.path().string(), key_name = key.path().string();
    TRY_ASSIGN(auto slot, read_slot(run));
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
    if (lexists(detached)) {
        auto signature = read_bytes(detached, 64u << 10);
        // What is no file, or far too large, is no signature.
        if (!signature.ok() && signature.error().kind == ErrorKind::usage)
            return Error{ErrorKind::damaged, std::move(signature).error().message};
        if (!signature.ok()) return std::move(signature).error();
        TRY_ASSIGN(Sha256Digest digest, hash_files(run.volumes(), progress));
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
