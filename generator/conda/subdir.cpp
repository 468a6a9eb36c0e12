#include "generator/conda/subdir.hpp"

#include "common/base/optional_reporter.hpp"
#include "common/base/time.hpp"
#include "common/base/units.hpp"
#include "common/base/url.hpp"
#include "generator/conda/index_stream.hpp"
#include "generator/conda/repodata_json.hpp"
#include "generator/conda/subdir_cache.hpp"
#include "generator/conda/subdir_kinds.hpp"
#include "generator/fetch/url.hpp"

#include <sys/stat.h>

#include <algorithm>

namespace tinderbox::conda {
namespace {

constexpr std::uint64_t largest_index = 4ull << 30;      // as it is transferred
constexpr std::uint64_t largest_shard_index = 64u << 20; // compressed, and decompressed
constexpr std::int64_t remember_variant = 7 * 24 * 3600; // seconds
constexpr std::int64_t remember_missing = 600;           // seconds
constexpr std::int64_t longest_freshness = 3600;         // seconds; more is a clock that was set back

// In the order in which a server is asked.
constexpr std::string_view shards_variant = "repodata_shards.msgpack.zst";
constexpr std::string_view variants[] = {shards_variant, "repodata.json.zst", "repodata.json", "current_repodata.json"};

constexpr const char* web_page =
    "the server sent a web page instead of the channel's index; a login or a proxy's notice is in the way";

// The index file of a directory on this machine: the newer of the whole ones, or current_repodata.json.
struct LocalIndex {
    std::string path;     // "" = there is none
    std::string identity; // changes with the file
};

LocalIndex find_local_index(const std::string& directory) {
    struct stat best {};
    LocalIndex out;
    for (const char* name : {"repodata.json", "repodata.json.zst", "current_repodata.json"}) {
        struct stat st;
        if (::stat((directory + name).c_str(), &st) != 0 || !S_ISREG(st.st_mode)) continue;
        const bool newer =
            std::pair(st.st_mtim.tv_sec, st.st_mtim.tv_nsec) >= std::pair(best.st_mtim.tv_sec, best.st_mtim.tv_nsec);
        if (!out.path.empty() && (!newer || std::string_view(name).starts_with("current"))) continue;
        out.path = directory + name;
        best = st;
    }
    out.identity = fmt::format("{} {} {} {}.{:09}", out.path, best.st_ino, best.st_size, best.st_mtim.tv_sec,
                               best.st_mtim.tv_nsec);
    return out;
}

class SubdirOpener {
  public:
    SubdirOpener(const Channel& channel, const std::string& subdir, fetch::Fetcher& fetcher, IndexProgress& progress)
        : channel_(channel), subdir_(subdir), fetcher_(fetcher), progress_(progress),
          base_(channel.url + "/" + subdir + "/"), shown_(without_credentials(base_)),
          label_(channel.name.find("://") == std::string::npos ? channel.name + "/" + subdir : subdir) {}

    Result<std::unique_ptr<Subdir>> open() {
        TRY_ASSIGN(SubdirCache cache, SubdirCache::open(fetcher_.cache_root(), shown_, [&] {
                       reporter().note("waiting", "for another build that reads " + label_);
                   }));
        cache_.emplace(std::move(cache));
        return channel_.url.starts_with("file:") ? local() : remote();
    }

  private:
    Reporter& reporter() const { return reporter_or_silent(progress_.reporter); }
    SubdirState& state() { return cache_->state; }

    // ---- a directory on this machine --------------------------------------------------------------------

    Result<std::unique_ptr<Subdir>> local() {
        const LocalIndex file = find_local_index(file_url_to_path(base_));
        if (file.path.empty()) return missing_subdir(channel_, subdir_);
        if (state().identity == file.identity)
            if (auto index = RepodataIndex::open(cache_->index_file())) return indexed(std::move(*index));
        SubdirState next;
        next.identity = file.identity;
        TRY_ASSIGN(next.base_url, convert(file.path, file.path));
        return kept(std::move(next));
    }

    // ---- a server -----------------------------------------------------------------------------------------

    Result<std::unique_ptr<Subdir>> remote() {
        const std::string known = state().variant;
        const bool missing = known == SubdirState::no_variant;
        const bool fresh =
            state().fresh_until > now_seconds() && state().fresh_until < now_seconds() + longest_freshness;
        if (fetcher_.offline() || fresh) {
            if (missing) return missing_subdir(channel_, subdir_);
            if (!known.empty())
                if (auto cached = from_cache(known)) return cached;
        }
        if (fetcher_.offline())
            return make_error(ErrorKind::network,
                              "--offline: the index of '{}' is not in the cache; build once without --offline", shown_);
        const std::int64_t since = state().variant_since;
        const bool remembered =
            !known.empty() && !missing && since <= now_seconds() && since + remember_variant > now_seconds();
        if (remembered) {
            TRY_ASSIGN(auto subdir, fetch(known));
            if (subdir) return subdir;
        }
        for (std::string_view variant : variants) {
            TRY_ASSIGN(auto subdir, fetch(std::string(variant)));
            if (subdir) return subdir;
        }
        if (forbidden_ != 0)
            return make_error(ErrorKind::network,
                              "{} {} (HTTP {}); put a login for '{}' into ~/.netrc or into the channel's URL", shown_,
                              forbidden_ == 401 ? "asks for a login" : "is forbidden", forbidden_,
                              fetch::Url::parse(shown_).host);
        state() = SubdirState();
        state().variant = SubdirState::no_variant;
        state().fresh_until = now_seconds() + remember_missing;
        TRY(cache_->save());
        return missing_subdir(channel_, subdir_);
    }

    // null: the server does not have this form.
    Result<std::unique_ptr<Subdir>> fetch(const std::string& variant) {
        const bool shards = variant == shards_variant;
        fetch::Validators known;
        if (state().variant == variant && from_cache(variant)) known = {state().etag, state().last_modified};
        const fs::path part = cache_->part_file();
        ++progress_.transfers;
        auto answer = fetcher_.get_file(base_ + variant, known, part, shards ? largest_shard_index : largest_index,
                                        progress_.transfer);
        --progress_.transfers;
        TRY_ASSIGN(fetch::FileDocument reply, std::move(answer));
        std::error_code ignored;
        if (reply.status != 200) {
            fs::remove(part, ignored);
            if (reply.status == 304) return not_modified(variant, reply.fresh_until);
            if (reply.status == 401 || reply.status == 403) forbidden_ = reply.status;
            return std::unique_ptr<Subdir>();
        }
        SubdirState next;
        next.variant = variant;
        next.variant_since = now_seconds();
        next.fresh_until = reply.fresh_until;
        next.etag = reply.etag;
        next.last_modified = reply.last_modified;
        if (shards) return kept_shards(part, std::move(next));
        auto base_url = convert(part, shown_ + variant);
        fs::remove(part, ignored);
        if (!base_url.ok()) return std::move(base_url).error();
        next.base_url = *base_url;
        return kept(std::move(next));
    }

    Result<std::unique_ptr<Subdir>> not_modified(const std::string& variant, std::int64_t fresh_until) {
        state().fresh_until = fresh_until;
        TRY(cache_->save());
        auto cached = from_cache(variant);
        if (!cached)
            return make_error(ErrorKind::network, "{}{}: the server says that nothing changed, but nothing was asked",
                              shown_, variant);
        return cached;
    }

    Result<std::unique_ptr<Subdir>> kept_shards(const fs::path& part, SubdirState next) {
        TRY_ASSIGN(Bytes packed, read_bytes(part, largest_shard_index));
        TRY_ASSIGN(auto subdir, sharded(packed).in(shown_ + next.variant));
        std::error_code ignored;
        fs::rename(part, cache_->shard_file(), ignored);
        state() = std::move(next);
        TRY(cache_->save());
        return subdir;
    }

    // ---- the two forms ------------------------------------------------------------------------------------

    // null: the cached files are not usable.
    std::unique_ptr<Subdir> from_cache(const std::string& variant) {
        if (variant != shards_variant) {
            auto index = RepodataIndex::open(cache_->index_file());
            if (!index) return nullptr;
            auto subdir = indexed(std::move(*index));
            return subdir.ok() ? std::move(subdir).value() : nullptr;
        }
        auto packed = read_bytes(cache_->shard_file(), largest_shard_index);
        if (!packed.ok()) return nullptr;
        auto subdir = sharded(*packed);
        return subdir.ok() ? std::move(subdir).value() : nullptr;
    }

    Result<std::unique_ptr<Subdir>> indexed(RepodataIndex index) {
        std::string base_url = state().base_url;
        if (!base_url.empty()) {
            TRY_ASSIGN(base_url, place_named(base_url));
        }
        return indexed_subdir(channel_, subdir_, std::move(index), std::move(base_url));
    }

    // What the index calls the place of its packages or shards.
    Result<std::string> place_named(const std::string& reference) const {
        TRY_ASSIGN(std::string url, fetch::join_url(base_, reference));
        TRY(fetch::check_reference(base_, url).in(without_credentials(base_)));
        return url;
    }

    // The index that convert() wrote, with its state.
    Result<std::unique_ptr<Subdir>> kept(SubdirState next) {
        state() = std::move(next);
        TRY(cache_->save());
        auto index = RepodataIndex::open(cache_->index_file());
        if (!index)
            return make_error(ErrorKind::storage, "the index that was just written to '{}' cannot be read back",
                              cache_->index_file().string());
        return indexed(std::move(*index));
    }

    // Reads an index file into the cached form. Returns info.base_url. `url`: what messages call the index.
    Result<std::string> convert(const fs::path& file, const std::string& url) {
        TRY_ASSIGN(auto source, IndexStream::open(file, label_, progress_.read));
        progress_.size += source->file_size();
        RepodataIndexWriter writer;
        char first = 0;
        ByteStream stream = [&](std::span<char> to) -> Result<std::size_t> {
            TRY_ASSIGN(std::size_t n, source->read(to));
            if (n > 0 && first == 0) first = to[0];
            return n;
        };
        auto head = read_repodata(stream, [&](const PackageRecord& record) { return writer.add(record); });
        if (!head.ok() && first == '<') return make_error(ErrorKind::network, "{}: {}", url, web_page);
        if (!head.ok()) return std::move(head).error().in(url);
        if (head->skipped > 0)
            reporter().note("index", fmt::format("{}: {} of {} passed over, which cannot be used", url, head->skipped,
                                                 counted(head->records, "entry")));
        TRY(writer.write(cache_->index_file()));
        return std::move(head->base_url);
    }

    Result<std::unique_ptr<Subdir>> sharded(ByteView packed) {
        if (!packed.empty() && packed[0] == std::byte{'<'}) return make_error(ErrorKind::network, "{}", web_page);
        TRY_ASSIGN(Bytes bytes, decompress_zstd(packed, largest_shard_index));
        TRY_ASSIGN(ShardIndex index, parse_shard_index(bytes));
        auto directory = [&](const std::string& reference) -> Result<std::string> {
            if (reference.empty()) return std::string();
            TRY_ASSIGN(std::string url, place_named(reference));
            return url.ends_with('/') ? url : url + "/";
        };
        TRY_ASSIGN(std::string shards, directory(index.shards_base_url));
        if (shards.empty()) shards = base_;
        TRY_ASSIGN(std::string base_url, directory(index.base_url));
        return sharded_subdir(channel_, subdir_, std::move(index), std::move(shards), std::move(base_url), fetcher_);
    }

    const Channel& channel_;
    const std::string& subdir_;
    fetch::Fetcher& fetcher_;
    IndexProgress& progress_;
    std::string base_;  // with credentials
    std::string shown_; // without: for messages, and for the cache's names
    std::string label_;
    std::optional<SubdirCache> cache_; // set by open()
    int forbidden_ = 0;                // the last 401 or 403
};

} // namespace

std::string Subdir::url_of(std::string_view file_name) const {
    std::string base = base_url_.empty() ? channel_.url + "/" + subdir_ + "/" : base_url_;
    if (!base.ends_with('/')) base += '/';
    return base + percent_encode_path(file_name);
}

Result<std::unique_ptr<Subdir>> open_subdir(const Channel& channel, const std::string& subdir, fetch::Fetcher& fetcher,
                                            IndexProgress& progress) {
    return SubdirOpener(channel, subdir, fetcher, progress).open();
}

} // namespace tinderbox::conda
