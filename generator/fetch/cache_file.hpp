// Names and small JSON files of the cache: what both the documents and the store keep beside their contents.
#pragma once

#include "common/base/file.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace tinderbox::fetch {

// A file name for any text: its SHA-256.
std::string cache_key(std::string_view text);
// null for a file that is missing or no JSON: a lost cache entry costs a download, and is no error.
nlohmann::json read_cached_json(const fs::path& path);

} // namespace tinderbox::fetch
