// Signs a NAME.run twice with one key, and checks who signed it (docs/inside/format.md).
//
// - NAME.run.sig, detached, over every byte of the file (of all volumes in order).
//   `openssl dgst -sha256 -verify` checks it without Tinderbox.
// - The slot in the file, over the manifest, whose hashes cover everything else. It is for a file that lost its .sig,
//   and its key hash shows whether the key or the bytes are wrong.
//
// An attacker can replace the program inside a NAME.run with the rest of it. So only a `tinderbox` or an openssl from
// another source proves anything. Functions are thread-safe.
#pragma once

#include "common/format/run_file.hpp"
#include "common/sign/key.hpp"

namespace tinderbox::sign {

fs::path signature_path(const fs::path& run); // NAME.run.sig

// The signature slot: signature_slot_size bytes.
Result<Bytes> signature_slot(const SigningKey& key, std::string_view manifest_text);

// Success: the owner of the private key of `key` signed every byte of `run`. Error of kind damaged: there is no
// signature, or it is damaged, by another key, or of another file; the sentence says which.
struct SignatureCheck {
    bool detached = false; // by NAME.run.sig, else by the slot
};
Result<SignatureCheck> check_signature(const format::RunFile& run, const VerifyingKey& key, unsigned threads,
                                       const std::function<void(std::uint64_t)>& progress = {});

} // namespace tinderbox::sign
