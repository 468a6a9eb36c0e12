// The text of a SPEC or a lock. It is read once, whatever the file turns out to be, because a pipe gives its bytes
// once.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>

namespace tinderbox::spec {

// No request is larger: 100,000 requirements with hashes have 10 MB, and so has a conda-lock.yml for all platforms.
constexpr std::uint64_t spec_limit = 64u << 20;

// `path`: a file, "-" (standard input) or a pipe; see common/base/input_file.hpp. Kind usage.
Result<std::string> read_spec_text(const std::string& path);

// The first bytes of a regular file, 4096 at most: enough to tell what it is. "" for a stream, whose bytes come once.
std::string head_of(const std::string& path);

} // namespace tinderbox::spec
