// Who made a NAME.run: two signatures by one key (docs/format.md).
//
// - NAME.run.sig, detached, over every byte of the file (of all volumes in order): what `openssl dgst -sha256 -verify`
//   accepts without any program of ours.
// - The slot in the file, over the manifest and so over everything: for the file that lost its .sig on the way, and to
//   tell "another key" from "other bytes".
//
// The program inside a NAME.run can be replaced together with the rest of it: only a `tinderbox` or an openssl that did
// not come with the file proves anything.
#pragma once

#include "common/format/run_file.hpp"
#include "common/sign/key.hpp"

namespace tinderbox {

fs::path signature_path(const fs::path& run); // NAME.run.sig

// The signature slot: signature_slot_size bytes.
Result<Bytes> signature_slot(const SigningKey& key, std::string_view manifest_text);

// SHA-256 over all bytes of the files, one after the other. `progress` gets bytes done so far.
Result<Sha256Digest> hash_files(const std::vector<fs::path>& files,
                                const std::function<void(std::uint64_t)>& progress = {});

// Every byte of `run` comes from whoever holds the private half of `key`. Kind damaged: it is not signed, or the
// signature is damaged, by another key or of another file; one sentence says which.
struct SignatureCheck {
    bool detached = false; // by NAME.run.sig, else by the slot
};
Result<SignatureCheck> check_signature(const RunFile& run, const VerifyingKey& key, unsigned threads,
                                       const std::function<void(std::uint64_t)>& progress = {});

} // namespace tinderbox
