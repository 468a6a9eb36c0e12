// The cache of one subdirectory between builds: its index (or its list of shards), and the server's validators. Not for
// use outside generator/conda.
#pragma once

#include "common/base/file.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace tinderbox::conda {

// KEY.json. Unset fields are "" and 0.
struct SubdirState {
    std::string variant;            // the file that answered; no_variant: the channel has no such subdirectory
    std::int64_t variant_since = 0; // seconds since 1970, as the next
    std::int64_t fresh_until = 0;
    std::string etag, last_modified;
    std::string identity; // of a file on this machine: path, inode, size, time
    std::string base_url; // info.base_url of the index, as written

    static constexpr const char* no_variant = "none";
};

// The files of one subdirectory in <cache>/repodata; KEY is a hash of its URL without credentials.
class SubdirCache {
  public:
    // Waits while another process has it open; `on_wait` is called once before. A state that cannot be read, or belongs
    // to another URL, counts as unset. Errors: storage.
    static Result<SubdirCache> open(const fs::path& cache_root, const std::string& url,
                                    const std::function<void()>& on_wait);

    SubdirState state;
    Status save() const; // writes `state`

    fs::path index_file() const { return stem_ + ".index"; }
    fs::path shard_file() const { return stem_ + ".shards"; }
    fs::path part_file() const { return stem_ + ".part"; } // of a download that runs

  private:
    SubdirCache(std::string stem, std::string url, FileLock lock)
        : stem_(std::move(stem)), url_(std::move(url)), lock_(std::move(lock)) {}
    std::string stem_, url_;
    FileLock lock_;
};

} // namespace tinderbox::conda
