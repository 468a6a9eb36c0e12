#include "generator/conda/subdir_cache.hpp"

#include "common/base/hash.hpp"
#include "common/base/json_cost.hpp"
#include "common/format/json_read.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::conda {

using nlohmann::json;

Result<SubdirCache> SubdirCache::open(const fs::path& cache_root, const std::string& url,
                                      const std::function<void()>& on_wait) {
    const fs::path stem = cache_root / "repodata" / to_hex(sha256(as_bytes(url))).substr(0, 32);
    TRY(make_directories(stem.parent_path()));
    TRY_ASSIGN(FileLock lock, FileLock::acquire(stem.string() + ".lock", on_wait));
    SubdirCache out(stem.string(), url, std::move(lock));
    auto text = read_text(stem.string() + ".json", 1u << 20);
    if (!text.ok() || !is_affordable_json(*text)) return out;
    const json kept = json::parse(*text, nullptr, false);
    if (format::text_field(kept, "url") != url) return out;
    out.state.variant = format::text_field(kept, "variant");
    out.state.variant_since = static_cast<std::int64_t>(format::number_of(kept, "variant_since"));
    out.state.fresh_until = static_cast<std::int64_t>(format::number_of(kept, "fresh_until"));
    out.state.etag = format::text_field(kept, "etag");
    out.state.last_modified = format::text_field(kept, "last_modified");
    out.state.identity = format::text_field(kept, "identity");
    out.state.base_url = format::text_field(kept, "base_url");
    return out;
}

Status SubdirCache::save() const {
    const json kept = {{"url", url_},
                       {"variant", state.variant},
                       {"variant_since", state.variant_since},
                       {"fresh_until", state.fresh_until},
                       {"etag", state.etag},
                       {"last_modified", state.last_modified},
                       {"identity", state.identity},
                       {"base_url", state.base_url}};
    return write_atomically(stem_ + ".json", kept.dump(-1, ' ', false, json::error_handler_t::replace));
}

} // namespace tinderbox::conda
