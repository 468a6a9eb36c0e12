#include "generator/conda/subdir_kinds.hpp"

#include "common/base/hash.hpp"
#include "common/base/url.hpp"
#include "generator/conda/similar_names.hpp"

namespace tinderbox::conda {
namespace {

constexpr std::uint64_t largest_shard = 256u << 20; // compressed, and decompressed

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
                  fetch::Fetcher& fetcher)
        : Subdir(std::move(channel), std::move(subdir)), index_(std::move(index)), shards_url_(std::move(shards_url)),
          fetcher_(fetcher) {
        base_url_ = std::move(base_url);
    }
    Result<std::vector<NamedRecords>> find(const std::vector<std::string>& names) override {
        std::vector<NamedRecords> out(names.size());
        std::vector<fetch::Download> downloads;
        std::vector<std::size_t> which;
        for (std::size_t i = 0; i < names.size(); ++i) {
            auto found = index_.shards.find(names[i]);
            if (found == index_.shards.end()) continue;
            fetch::Download download;
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
    fetch::Fetcher& fetcher_;
};

class MissingSubdir final : public Subdir {
  public:
    MissingSubdir(Channel channel, std::string subdir) : Subdir(std::move(channel), std::move(subdir)) {
        there_ = false;
    }
    Result<std::vector<NamedRecords>> find(const std::vector<std::string>& names) override {
        return std::vector<NamedRecords>(names.size());
    }
    std::vector<std::string> similar_names(std::string_view) const override { return {}; }
};

} // namespace

std::unique_ptr<Subdir> indexed_subdir(const Channel& channel, const std::string& subdir, RepodataIndex index,
                                       std::string base_url) {
    return std::make_unique<IndexedSubdir>(channel, subdir, std::move(index), std::move(base_url));
}

std::unique_ptr<Subdir> sharded_subdir(const Channel& channel, const std::string& subdir, ShardIndex index,
                                       std::string shards_url, std::string base_url, fetch::Fetcher& fetcher) {
    return std::make_unique<ShardedSubdir>(channel, subdir, std::move(index), std::move(shards_url),
                                           std::move(base_url), fetcher);
}

std::unique_ptr<Subdir> missing_subdir(const Channel& channel, const std::string& subdir) {
    return std::make_unique<MissingSubdir>(channel, subdir);
}

} // namespace tinderbox::conda
