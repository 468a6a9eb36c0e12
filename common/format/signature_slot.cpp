#include "common/format/signature_slot.hpp"

#include <algorithm>

namespace tinderbox::format {
namespace {

constexpr std::string_view signature_magic = "TNDRSIG\n";
constexpr std::uint32_t version = 1;

bool is_zero(ByteView bytes) {
    return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

} // namespace

Bytes encode(const SignatureSlot& slot) {
    ByteWriter out;
    out.bytes(as_bytes(signature_magic));
    out.u32(version);
    out.u32(static_cast<std::uint32_t>(slot.signature.size()));
    out.bytes(slot.key_id);
    out.bytes(slot.signature);
    while (out.size() < signature_slot_size) out.u8(0);
    return out.take();
}

Result<std::optional<SignatureSlot>> decode_signature_slot(ByteView bytes) {
    if (is_zero(bytes)) return std::optional<SignatureSlot>();
    ByteReader in(bytes);
    SignatureSlot slot;
    bool good = as_text(in.bytes(signature_magic.size())) == signature_magic && in.u32() == version;
    const std::uint32_t size = in.u32();
    const ByteView id = in.bytes(slot.key_id.size());
    good = good && size > 0 && size <= longest_signature;
    const ByteView signature = in.bytes(good ? size : 0);
    if (!good || !in.ok() || !is_zero(in.bytes(in.remaining())))
        return make_error(ErrorKind::damaged, "the signature in the file is damaged; copy the file again");
    std::ranges::copy(id, slot.key_id.begin());
    slot.signature.assign(signature.begin(), signature.end());
    return std::optional(std::move(slot));
}

} // namespace tinderbox::format
