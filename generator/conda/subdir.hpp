// One subdirectory of a channel (conda-forge/linux-64): its packages by name, in whichever form the server has them.
//
// Tried in this order: repodata_shards.msgpack.zst (CEP 16: only the requested names are transferred),
// repodata.json.zst, repodata.json, current_repodata.json (the last, because it lacks old versions). The choice is kept
// for a week. An index is downloaded when ETag or Last-Modified show a change; it is read once and kept as a
// RepodataIndex. Shards are kept by their hash.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/conda/channel.hpp"
#include "generator/conda/record.hpp"
#include "generator/fetch/fetch.hpp"

#include <atomic>
#include <memory>

namespace tinderbox::conda {

// The packages of one name; `storage` holds what the views point at.
struct NamedRecords {
    std::vector<PackageRecord> records;
    std::shared_ptr<const void> storage;
};

class Subdir {
  public:
    virtual ~Subdir() = default;
    // In the order of `names`. Errors: network, storage.
    virtual Result<std::vector<NamedRecords>> find(const std::vector<std::string>& names) = 0;
    // Names that contain `word` or nearly are it, for messages; at most a few.
    virtual std::vector<std::string> similar_names(std::string_view word) const = 0;

    bool there() const { return there_; } // false: the channel has no such subdirectory
    const Channel& channel() const { return channel_; }
    const std::string& subdir() const { return subdir_; }
    // The URL of a package in it, with credentials, for fetching.
    std::string url_of(std::string_view file_name) const;

  protected:
    Subdir(Channel channel, std::string subdir) : channel_(std::move(channel)), subdir_(std::move(subdir)) {}
    Channel channel_;
    std::string subdir_;
    std::string base_url_; // "" = beside the index
    bool there_ = true;
};

// The common progress of all indexes that are opened at the same time, for one progress line.
struct IndexProgress {
    fetch::TransferCount transfer;
    std::atomic<int> transfers = 0;                // that run now
    std::atomic<std::uint64_t> read = 0, size = 0; // bytes of the files that were transferred (or lie there)
    Reporter* reporter = nullptr;                  // of their notes; not owned; null: nothing is shown
};

// Several may be opened at the same time. Errors: network (unreachable, forbidden, no JSON, too large, cut short),
// storage.
Result<std::unique_ptr<Subdir>> open_subdir(const Channel& channel, const std::string& subdir, fetch::Fetcher& fetcher,
                                            IndexProgress& progress);

} // namespace tinderbox::conda
