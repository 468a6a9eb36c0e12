// URL-safe base64 without padding (RFC 4648, section 5), as wheels' RECORD writes hashes (PEP 376, PEP 427).
#pragma once

#include "common/base/bytes.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tinderbox {

std::string to_base64url(ByteView bytes);
// Padding may follow; nullopt for a character outside of the alphabet.
std::optional<Bytes> from_base64url(std::string_view text);

} // namespace tinderbox
