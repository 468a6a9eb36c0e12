#include "generator/conda/subdir.hpp"

#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/conda/repodata_index.hpp"
#include "generator/conda/repodata_json.hpp"
#include "generator/conda/shards.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <ctime>

namespace tinderbox::conda {
namespace {

using nlohmann::json;

constexpr std::uint64_t largest_index = 4ull << 30;      // as it is transferred
constexpr std::uint64_t largest_shard_index = 64u << 20; // compressed, and decompressed
constexpr std::uint64_t largest_shard = 256u << 20;
constexpr std::int64_t remember_variant = 7 * 24 * 3600; // seconds

enum class Variant { shards, zst, plain, current };
constexpr std::pair<Variant, const char*> variants[] = {{Variant::shards, "repodata_shards.msgpack.zst"},
                                                        {Variant::zst, "repodata.json.zst"},
                                                        {Variant::plain, "repodata.json"},
                                                        {Variant::current, "current_repodata.json"}};

std::int64_t now() { return static_cast<std::int64_t>(std::time(nullptr)); }

// Near enough to be a slip: one of the two in the other, or two letters changed.
bool resembles(std::string_view name, std::string_view word) {
    if (word.size() >= 4 && (name.starts_with(word) || name.ends_with(word))) return true;
    if (name.size() + 2 < word.size() || word.size() + 2 < name.size() || word.size() < 3) return false;
    std::vector<std::size_t> row(word.size() + 1);
    for (std::size_t j = 0; j <= word.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= name.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= word.size(); ++j) {
            std::size_t changed = diagonal + (name[i - 1] != word[j - 1]);
            diagonal = row[j];
            row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[word.size()] <= (word.size() < 5 ? 1u : 2u);
}

void keep_nearest(std::vector<std::string>& names, std::string_view word) {
    std::ranges::sort(names, {}, [&](const std::string& name) {
        return std::pair(name.size() > word.size() ? name.size() - word.size() : word.size() - name.size(), name);
    });
    if (names.size() > 3) names.resize(3);
}

class IndexedSubdir final : public Subdir {
  public:
    IndexedSubdir(Channel channel, std::string subdir, RepodataIndex index, std::string base_url)
        : Subdir(std::move(channel), std::move(subdir)), index_(std::make_shared<RepodataIndex>(std::move(index))) {
        base_url_ = std::move(base_url);
    }
    Result<std::vector<NamedRecords>> find(const std::vector<std::string>& names) override {
        std::vector<NamedRecords> out;
        for (const std::string& name : names) {
            TRY_ASSIGN(auto found, index_->find(name));
            NamedRecords one;
            one.records = std::move(found.records);
            one.storage =
                std::make_shared<std::pair<std::shared_ptr<RepodataIndex>, std::vector<std::unique_ptr<std::string>>>>(
                    index_, std::move(found.file_names));
            out.push_back(std::move(one));
        }
        return out;
    }
    std::vector<std::string> similar_names(std::string_view word) const override {
        std::vector<std::string> out;
        for (std::size_t i = 0; i < index_->names(); ++i)
            if (std::string_view name = index_->name(i); name != word && resembles(name, word)) out.emplace_back(name);
        keep_nearest(out, word);
        return out;
    }

  private:
    std::shared_ptr<RepodataIndex> index_;
};

class ShardedSubdir final : public Subdir {
  public:
    ShardedSubdir(Channel channel, std::string subdir, ShardIndex index, std::string shards_url, std::string base_url,
                  Fetcher& fetcher)
        : Subdir(std::move(channel), std::move(subdir)), index_(std::move(index)), shards_url_(std::move(shards_url)),
          fetcher_(fetcher) {
        base_url_ = std::move(base_url);
    }
    Result<std::vector<NamedRecords>> find(const std::vector<std::string>& names) override {
        std::vector<NamedRecords> out(names.size());
        std::vector<Download> downloads;
        std::vector<std::size_t> which;
        for (std::size_t i = 0; i < names.size(); ++i) {
            auto found = index_.shards.find(names[i]);
            if (found == index_.shards.end()) continue;
            Download download;
            download.sha256 = to_hex(as_bytes(found->second));
            download.name = download.sha256 + ".msgpack.zst";
            download.url = shards_url_ + download.name;
            downloads.push_back(std::move(download));
            which.push_back(i);
        }
        TRY_ASSIGN(auto files, fetcher_.fetch(downloads));
        for (std::size_t i = 0; i < files.size(); ++i) {
            const std::string& name = names[which[i]];
            const std::string context = fmt::format("{}: the shard of {}", without_credentials(downloads[i].url), name);
            TRY_ASSIGN(Bytes packed, read_bytes(files[i].path, largest_shard));
            TRY_ASSIGN(Bytes bytes, decompress_zstd(packed, largest_shard).in(context));
            TRY_ASSIGN(out[which[i]], parse_shard(bytes, name).in(context));
        }
        return out;
    }
    std::vector<std::string> similar_names(std::string_view word) const override {
        std::vector<std::string> out;
        for (const auto& [name, hash] : index_.shards)
            if (name != word && resembles(name, word)) out.push_back(name);
        keep_nearest(out, word);
        return out;
    }

  private:
    ShardIndex index_;
    std::string shards_url_;
    Fetcher& fetcher_;
};

class EmptySubdir final : public Subdir {
  public:
    EmptySubdir(Channel channel, std::string subdir) : Subdir(std::move(channel), std::move(subdir)) { there_ = false; }
    Result<std::vector<NamedRecords>> find(const std::vector<std::string>& names) override {
        return std::vector<NamedRecords>(names.size());
    }
    std::vector<std::string> similar_names(std::string_view) const override { return {}; }
};

// Bytes of a file, decompressed when they begin like zstd's.
class IndexFile {
  public:
    static Result<std::unique_ptr<IndexFile>> open(const fs::path& path, const std::string& shown,
                                                   IndexProgress& progress) {
        auto out = std::unique_ptr<IndexFile>(new IndexFile(progress));
        TRY_ASSIGN(out->fd_, open_file(path, O_RDONLY | O_CLOEXEC));
        TRY_ASSIGN(const std::uint64_t size, file_size(out->fd_.get(), path.string()));
        progress.size += size;
        out->shown_ = shown;
        out->in_.resize(1u << 18);
        TRY(out->refill());
        static constexpr unsigned char zstd_magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
        if (out->filled_ >= 4 &&
            std::equal(zstd_magic, zstd_magic + 4, reinterpret_cast<const unsigned char*>(out->in_.data())))
            out->zstd_.reset(ZSTD_createDCtx());
        return out;
    }

    Result<std::size_t> read(std::span<char> to) {
        if (!zstd_) {
            if (used_ == filled_) return read_file(to);
            std::size_t n = std::min(filled_ - used_, to.size());
            std::copy_n(in_.data() + used_, n, to.data());
            used_ += n;
            return n;
        }
        ZSTD_outBuffer out{to.data(), to.size(), 0};
        while (out.pos == 0) {
            if (used_ == filled_) TRY(refill());
            ZSTD_inBuffer in{in_.data(), filled_, used_};
            const std::size_t before = in.pos;
            std::size_t state = ZSTD_decompressStream(zstd_.get(), &out, &in);
            if (ZSTD_isError(state))
                return make_error(ErrorKind::network, "it is not valid zstd data ({})", ZSTD_getErrorName(state));
            used_ = in.pos;
            if (in.pos != before || out.pos != 0) open_frame_ = state != 0;
            if (out.pos == 0 && filled_ == 0) {
                if (open_frame_) return make_error(ErrorKind::network, "it is cut short");
                return std::size_t{0};
            }
        }
        return out.pos;
    }

  private:
    explicit IndexFile(IndexProgress& progress) : progress_(progress) {}
    Result<std::size_t> read_file(std::span<char> to) {
        ssize_t n;
        do n = ::read(fd_.get(), to.data(), to.size());
        while (n < 0 && errno == EINTR);
        if (n < 0) return errno_error("cannot read '" + shown_ + "'", errno);
        progress_.read += static_cast<std::size_t>(n);
        return static_cast<std::size_t>(n);
    }
    Status refill() {
        TRY_ASSIGN(filled_, read_file(in_));
        used_ = 0;
        return {};
    }
    struct Free {
        void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
    };
    Fd fd_;
    IndexProgress& progress_;
    std::string shown_;
    std::vector<char> in_;
    std::size_t used_ = 0, filled_ = 0;
    bool open_frame_ = false;
    std::unique_ptr<ZSTD_DCtx, Free> zstd_;
};

// Reads an index file into the cached form. Returns info.base_url.
Result<std::string> make_index(const fs::path& file, const std::string& shown, const std::string& url,
                               const fs::path& index, IndexProgress& progress) {
    TRY_ASSIGN(auto source, IndexFile::open(file, shown, progress));
    RepodataIndexWriter writer;
    char first = 0;
    ByteStream stream = [&](std::span<char> to) -> Result<std::size_t> {
        TRY_ASSIGN(std::size_t n, source->read(to));
        if (n > 0 && first == 0) first = to[0];
        return n;
    };
    auto head = read_repodata(stream, [&](const PackageRecord& record) { return writer.add(record); });
    if (!head.ok() && first == '<')
        return make_error(
            ErrorKind::network,
            "{}: the server sent a web page instead of the channel's index; a login or a proxy's notice is in the way",
            url);
    if (!head.ok()) return std::move(head).error().in(url);
    if (head->skipped > 0)
        Terminal::get().note("index", fmt::format("{}: {} of {} entries are not usable and were passed over", url,
                                                  head->skipped, head->records));
    TRY(writer.write(index));
    return std::move(head->base_url);
}

class Opener {
  public:
    Opener(const Channel& channel, const std::string& subdir, Fetcher& fetcher, IndexProgress& progress)
        : channel_(channel), subdir_(subdir), fetcher_(fetcher), progress_(progress),
          base_(channel.url + "/" + subdir + "/"), shown_(without_credentials(base_)),
          label_(channel.name.find("://") == std::string::npos ? channel.name + "/" + subdir : subdir) {
        // In the cache's names there is the host's identity, not its password.
        cache_ = fetcher.cache_root() / "repodata" / to_hex(sha256(as_bytes(shown_))).substr(0, 32);
    }

    Result<std::unique_ptr<Subdir>> open() {
        TRY(make_directories(cache_.parent_path()));
        TRY_ASSIGN(FileLock lock, FileLock::acquire(cache_.string() + ".lock", [&] {
                       Terminal::get().note("waiting", "for another build that reads " + label_);
                   }));
        if (auto text = read_text(state_file(), 1u << 20); text.ok()) state_ = json::parse(*text, nullptr, false);
        if (!state_.is_object() || state_.value("url", "") != shown_) state_ = json::object();
        return channel_.url.starts_with("file:") ? local() : remote();
    }

  private:
    fs::path state_file() const { return cache_.string() + ".json"; }
    fs::path index_file() const { return cache_.string() + ".index"; }
    fs::path shard_file() const { return cache_.string() + ".shards"; }

    std::unique_ptr<Subdir> empty() const { return std::make_unique<EmptySubdir>(channel_, subdir_); }

    std::unique_ptr<Subdir> indexed(RepodataIndex index) const {
        std::string base_url = state_.value("base_url", "");
        return std::make_unique<IndexedSubdir>(channel_, subdir_, std::move(index),
                                               base_url.empty() ? "" : resolve_url(base_, base_url));
    }

    Status save() {
        state_["url"] = shown_;
        return write_atomically(state_file(), state_.dump(-1, ' ', false, json::error_handler_t::replace));
    }

    // A directory: the index is read again when its file changed.
    Result<std::unique_ptr<Subdir>> local() {
        const std::string directory = file_url_to_path(base_);
        struct stat best {};
        std::string path;
        for (const char* name : {"repodata.json", "repodata.json.zst", "current_repodata.json"}) {
            struct stat st;
            if (::stat((directory + name).c_str(), &st) != 0 || !S_ISREG(st.st_mode)) continue;
            const bool newer = std::pair(st.st_mtim.tv_sec, st.st_mtim.tv_nsec) >=
                               std::pair(best.st_mtim.tv_sec, best.st_mtim.tv_nsec);
            if (!path.empty() && (!newer || std::string_view(name).starts_with("current"))) continue;
            path = directory + name;
            best = st;
        }
        if (path.empty()) return empty();
        std::string identity = fmt::format("{} {} {} {}.{:09}", path, best.st_ino, best.st_size, best.st_mtim.tv_sec,
                                           best.st_mtim.tv_nsec);
        if (state_.value("identity", "") == identity)
            if (auto index = RepodataIndex::open(index_file())) return indexed(std::move(*index));
        TRY_ASSIGN(std::string base_url, make_index(path, label_, path, index_file(), progress_));
        state_ = {{"identity", identity}, {"base_url", base_url}};
        TRY(save());
        return opened();
    }

    Result<std::unique_ptr<Subdir>> opened() const {
        auto index = RepodataIndex::open(index_file());
        if (!index)
            return make_error(ErrorKind::storage, "the index that was just written to '{}' cannot be read back",
                              index_file().string());
        return indexed(std::move(*index));
    }

    Result<std::unique_ptr<Subdir>> remote() {
        const std::string known = state_.value("variant", "");
        const bool fresh = state_.value("fresh_until", std::int64_t{0}) > now() &&
                           state_.value("fresh_until", std::int64_t{0}) < now() + 3600;
        if (known == "none" && (fetcher_.offline() || fresh)) return empty();
        if (!known.empty() && known != "none" && (fetcher_.offline() || fresh))
            if (auto cached = from_cache(known)) return cached;
        if (fetcher_.offline())
            return make_error(ErrorKind::network,
                              "--offline: the index of '{}' is not in the cache; build once without --offline", shown_);
        const std::int64_t since = state_.value("variant_since", std::int64_t{0});
        const bool remembered = !known.empty() && known != "none" && since <= now() && since + remember_variant > now();
        int forbidden = 0;
        for (int round = remembered ? 0 : 1; round < 2; ++round)
            for (auto [variant, name] : variants) {
                if (round == 0 && known != name) continue; // first what answered the last time
                TRY_ASSIGN(auto subdir, fetch(variant, name, forbidden));
                if (subdir) return subdir;
            }
        if (forbidden != 0)
            return make_error(
                ErrorKind::network, "{} {} (HTTP {}); put a login for '{}' into ~/.netrc or into the channel's URL",
                shown_, forbidden == 401 ? "asks for a login" : "is forbidden", forbidden, Url::parse(shown_).host);
        state_ = {{"variant", "none"}, {"fresh_until", now() + 600}};
        TRY(save());
        return empty();
    }

    // null: what is cached is not usable.
    std::unique_ptr<Subdir> from_cache(const std::string& variant) {
        if (variant != variants[0].second) {
            auto index = RepodataIndex::open(index_file());
            return index ? indexed(std::move(*index)) : nullptr;
        }
        auto packed = read_bytes(shard_file(), largest_shard_index);
        if (!packed.ok()) return nullptr;
        auto subdir = sharded(*packed);
        return subdir.ok() ? std::move(subdir).value() : nullptr;
    }

    Result<std::unique_ptr<Subdir>> sharded(ByteView packed) {
        if (!packed.empty() && packed[0] == std::byte{'<'})
            return make_error(
                ErrorKind::network,
                "the server sent a web page instead of the channel's index; a login or a proxy's notice is in the way");
        TRY_ASSIGN(Bytes bytes, decompress_zstd(packed, largest_shard_index));
        TRY_ASSIGN(ShardIndex index, parse_shard_index(bytes));
        auto directory = [&](const std::string& reference) {
            std::string url = resolve_url(base_, reference);
            return url.ends_with('/') ? url : url + "/";
        };
        std::string shards = index.shards_base_url.empty() ? base_ : directory(index.shards_base_url);
        std::string base_url = index.base_url.empty() ? "" : directory(index.base_url);
        return std::unique_ptr<Subdir>(std::make_unique<ShardedSubdir>(
            channel_, subdir_, std::move(index), std::move(shards), std::move(base_url), fetcher_));
    }

    // null: the server does not have this form.
    Result<std::unique_ptr<Subdir>> fetch(Variant variant, const std::string& name, int& forbidden) {
        Validators known;
        if (state_.value("variant", "") == name && from_cache(name))
            known = {state_.value("etag", ""), state_.value("last_modified", "")};
        const fs::path part = cache_.string() + ".part";
        ++progress_.transfers;
        auto answer =
            fetcher_.get_file(base_ + name, known, part,
                              variant == Variant::shards ? largest_shard_index : largest_index, progress_.transfer);
        --progress_.transfers;
        TRY_ASSIGN(FileDocument reply, std::move(answer));
        std::error_code ignored;
        if (reply.status == 304) {
            fs::remove(part, ignored);
            state_["fresh_until"] = reply.fresh_until;
            TRY(save());
            auto cached = from_cache(name);
            if (!cached)
                return make_error(ErrorKind::network,
                                  "{}{}: the server says that nothing changed, but nothing was asked", shown_, name);
            return cached;
        }
        if (reply.status != 200) {
            fs::remove(part, ignored);
            if (reply.status == 401 || reply.status == 403) forbidden = reply.status;
            return std::unique_ptr<Subdir>();
        }
        json state = {{"variant", name},
                      {"variant_since", now()},
                      {"etag", reply.etag},
                      {"last_modified", reply.last_modified},
                      {"fresh_until", reply.fresh_until}};
        if (variant == Variant::shards) {
            TRY_ASSIGN(Bytes packed, read_bytes(part, largest_shard_index));
            TRY_ASSIGN(auto subdir, sharded(packed).in(shown_ + name));
            fs::rename(part, shard_file(), ignored);
            state_ = std::move(state);
            TRY(save());
            return subdir;
        }
        auto base_url = make_index(part, label_, shown_ + name, index_file(), progress_);
        fs::remove(part, ignored);
        if (!base_url.ok()) return std::move(base_url).error();
        state["base_url"] = *base_url;
        state_ = std::move(state);
        TRY(save());
        return opened();
    }

    const Channel& channel_;
    const std::string& subdir_;
    Fetcher& fetcher_;
    IndexProgress& progress_;
    std::string base_, shown_, label_;
    fs::path cache_;
    json state_ = json::object();
};

} // namespace

std::string Subdir::url_of(std::string_view file_name) const {
    std::string base = base_url_.empty() ? channel_.url + "/" + subdir_ + "/" : base_url_;
    if (!base.ends_with('/')) base += '/';
    return base + percent_encode_path(file_name);
}

Result<std::unique_ptr<Subdir>> open_subdir(const Channel& channel, const std::string& subdir, Fetcher& fetcher,
                                            IndexProgress& progress) {
    return Opener(channel, subdir, fetcher, progress).open();
}

} // namespace tinderbox::conda
