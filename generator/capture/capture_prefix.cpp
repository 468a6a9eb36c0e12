#include "generator/capture/capture.hpp"

namespace tinderbox {
Result<std::unique_ptr<CapturedArtifact>> capture_prefix(const fs::path&, const CaptureOptions&) {
    return make_error(ErrorKind::bug, "not yet");
}
} // namespace tinderbox
