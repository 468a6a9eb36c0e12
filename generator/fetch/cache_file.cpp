#include "generator/fetch/cache_file.hpp"

#include "common/base/hash.hpp"
#include "common/base/json_cost.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::fetch {

using nlohmann::json;

std::string cache_key(std::string_view text) { return to_hex(sha256(as_bytes(text))); }

json read_cached_json(const fs::path& path) {
    auto text = read_text(path);
    if (!text.ok() || !is_affordable_json(*text)) return nullptr;
    json j = json::parse(*text, nullptr, false);
    return j.is_discarded() ? json(nullptr) : j;
}

} // namespace tinderbox::fetch
