// Artifacts: downloaded into <cache>/artifacts/sha256/KK/HEX/NAME (cache_path.hpp), each checked by its hashes, and
// found there again. Builds share the store: of two that want one artifact, one downloads.
#pragma once

#include "generator/fetch/fetch.hpp"

#include <sys/stat.h>

namespace tinderbox::fetch {

class Store {
  public:
    // `options` must outlive the object.
    explicit Store(const FetchOptions& options) : options_(options) {}
    Status make_directories();

    // As Fetcher::fetch. One call at a time.
    Result<std::vector<Fetched>> fetch(const std::vector<Download>& downloads);

  private:
    struct Hashes {
        std::string sha256, md5; // hex; md5 is "" when no caller asked for it
        std::uint64_t size = 0;  // bytes
    };

    Result<Fetched> fetch_one(const Download& wanted);
    Result<Fetched> local_file(const Download& wanted);
    std::optional<Fetched> cached(const Download& wanted);
    Result<Fetched> download(const Download& wanted, const fs::path& partial);
    Result<std::uint64_t> receive(const Download& wanted, const fs::path& part, bool from_start);
    Result<Fetched> publish(const Download& wanted, const fs::path& part, const Hashes& hashes);

    static Result<Hashes> hash(const fs::path& path, bool with_md5);
    static Status check(const Download& wanted, const Hashes& found, const std::string& where, ErrorKind kind);
    Result<Hashes> known_hashes(const std::string& path, const struct stat& st, bool with_md5);
    void remember_hashes(const std::string& path, const struct stat& st, const Hashes& hashes) const;
    fs::path content_path(const std::string& sha256, const std::string& name) const;
    fs::path alias_file(const Download& wanted) const;

    const FetchOptions& options_;
    TransferCount count_; // of the running fetch()
};

} // namespace tinderbox::fetch
