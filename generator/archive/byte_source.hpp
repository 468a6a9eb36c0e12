// Bytes that are read once, from front to back: a member of an archive, a range of a file, a spooled content.
#pragma once

#include "common/base/result.hpp"

#include <cstddef>
#include <span>

namespace tinderbox::archive {

// Sequential reading of one content. Not thread-safe itself; several may be open at once.
class ByteSource {
  public:
    virtual ~ByteSource() = default;
    // Fills `out` from the front; fewer bytes than out.size() only at the end. Errors name artifact and member.
    virtual Result<std::size_t> read(std::span<std::byte> out) = 0;
};

} // namespace tinderbox::archive
