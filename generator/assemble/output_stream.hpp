// Writes one large file in order at the disk's speed: aligned pieces past the page cache where the file system allows
// it, hashed on the way, renamed into place when whole.
#pragma once

#include "common/base/hash.hpp"
#include "common/base/output_file.hpp"

#include <memory>

namespace tinderbox::assemble {

class OutputStream {
  public:
    // A temporary file beside `path`, by the rules of OutputFile; `size` bytes are reserved at once, so that a full
    // disk is known early.
    static Result<std::unique_ptr<OutputStream>> create(const fs::path& path, std::uint64_t size, mode_t mode);
    ~OutputStream(); // removes the temporary file unless published
    Status append(ByteView bytes);
    Status append_zeros(std::uint64_t count);
    std::uint64_t position() const;
    // Everything is on the disk, still under its temporary name.
    Result<Sha256Digest> finish();
    Status publish();

  private:
    OutputStream();
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace tinderbox::assemble
