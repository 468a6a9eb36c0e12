// Names and small JSON files of the cache, shared by documents and store.
#pragma once

#include "common/base/file.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace tinderbox::fetch {

// A file name for any text: its SHA-256.
std::string cache_key(std::string_view text);
// null for a missing file or invalid JSON: a lost cache entry costs only a download.
nlohmann::json read_cached_json(const fs::path& path);

} // namespace tinderbox::fetch
