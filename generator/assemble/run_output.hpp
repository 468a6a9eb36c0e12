// The output of an installer: one file, or its volumes one after the other (common/format/volumes.hpp).
#pragma once

#include "common/format/volumes.hpp"
#include "generator/assemble/output_stream.hpp"

namespace tinderbox::assemble {

struct WrittenVolume {
    fs::path path;
    std::uint64_t size = 0;
    Sha256Digest sha256{};
};

class RunOutput {
  public:
    // `volumes`: the header of every further volume except its number; its layout has the number of volumes.
    // `hash_all`: also compute the SHA-256 over all volumes.
    RunOutput(fs::path path, format::VolumeHeader volumes, bool hash_all);

    Status append(ByteView bytes);
    Status append_zeros(std::uint64_t count);
    std::uint64_t position() const { return position_; } // logical

    // Must: NAME.run is the old file or the whole new one with all its volumes. Removes further volumes of an earlier,
    // longer set.
    Result<std::vector<WrittenVolume>> commit();
    Sha256Digest sha256_of_all(); // once, after commit()

  private:
    Status next_volume();
    Status finish_volume();
    fs::path volume_path(unsigned number) const;
    void remove_further(unsigned number) const;

    fs::path path_;
    format::VolumeHeader header_;
    bool hash_all_;
    std::vector<std::unique_ptr<OutputStream>> streams_;
    std::vector<WrittenVolume> written_;
    std::uint64_t position_ = 0, left_ = 0; // left_: of the current volume
    Sha256 all_;
};

} // namespace tinderbox::assemble
