// The place of artifacts in the cache: <root>/artifacts/sha256/KK/HEX/NAME.
#pragma once

#include "common/base/file.hpp"

#include <optional>
#include <string>

namespace tinderbox::fetch {

inline fs::path artifact_path(const fs::path& root, const std::string& sha256, const std::string& name) {
    return root / "artifacts" / "sha256" / sha256.substr(0, 2) / sha256 / name;
}

// The path of the artifact with this hash; nullopt: the store lacks it. Thread-safe.
inline std::optional<fs::path> cached_artifact(const std::string& sha256, const std::string& name,
                                               const fs::path& root = cache_directory()) {
    std::error_code ignored;
    if (sha256.empty() || !fs::is_regular_file(artifact_path(root, sha256, name), ignored)) return std::nullopt;
    return artifact_path(root, sha256, name);
}

} // namespace tinderbox::fetch
