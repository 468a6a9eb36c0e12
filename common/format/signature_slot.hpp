// The signature slot of a NAME.run: the only bytes that no hash covers, because the signature is over the hashes.
//
//   "TNDRSIG\n"  u32 version, 1  u32 size of the signature  32 bytes id of the key  the signature (DER)  zeros
//
// An unsigned file has zeros alone. Every byte but the signature's own is fixed, so that nothing can be hidden in the
// slot: docs/inside/format.md. Thread-safe.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/hash.hpp"
#include "common/base/result.hpp"

#include <optional>

namespace tinderbox::format {

inline constexpr std::uint64_t signature_slot_size = 512; // bytes

struct SignatureSlot {
    Sha256Digest key_id{};
    Bytes signature; // 1 to longest_signature bytes
};
inline constexpr std::size_t longest_signature = 72; // of ECDSA P-256 in DER: two INTEGERs of 33 bytes

Bytes encode(const SignatureSlot& slot); // exactly signature_slot_size bytes
// nullopt: the file is not signed. Error (damaged, without the file's name): not of this form, or bytes that are not
// zero behind the signature.
Result<std::optional<SignatureSlot>> decode_signature_slot(ByteView bytes);

} // namespace tinderbox::format
