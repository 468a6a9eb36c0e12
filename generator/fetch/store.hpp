// Artifacts: downloaded into <cache>/artifacts/sha256/KK/HEX/NAME (cache_path.hpp), each checked by its hashes, and
// found there again. Builds share the store: of two that want one artifact, one downloads.
#pragma once

#include "generator/fetch/fetch.hpp"

#include <sys/stat.h>

#include <map>

namespace tinderbox::fetch {

class Store {
  public:
    // `options` must outlive the object.
    explicit Store(const FetchOptions& options) : options_(options) {}
    Status make_directories();

    // As Fetcher::fetch. One call at a time.
    Result<std::vector<Fetched>> fetch(const std::vector<Download>& downloads);

  private:
    struct Found {
        std::string sha256;                        // hex
        std::map<std::string, std::string> others; // hex by algorithm: those that the caller asked for
        std::uint64_t size = 0;                    // bytes
    };
    using Algorithms = std::vector<std::string>; // besides SHA-256

    Result<Fetched> fetch_one(const Download& wanted);
    Result<Fetched> local_file(const Download& wanted);
    Result<std::optional<Fetched>> cached(const Download& wanted);
    Result<Fetched> download(const Download& wanted, const fs::path& partial);
    Result<std::uint64_t> receive(const Download& wanted, const fs::path& part, bool from_start);
    Result<Fetched> publish(const Download& wanted, const fs::path& part, const Found& found);

    Result<Found> hash(const fs::path& path, const Algorithms& algorithms);
    void plan_progress(const std::vector<Download>& downloads);
    std::optional<Found> remembered_hashes(const std::string& path, const struct stat& st,
                                           const Algorithms& algorithms) const;
    static Status check(const Download& wanted, const Found& found, const std::string& where, ErrorKind kind);
    Result<Found> known_hashes(const std::string& path, const struct stat& st, const Algorithms& algorithms);
    void remember_hashes(const std::string& path, const struct stat& st, const Found& found) const;
    fs::path content_path(const std::string& sha256, const std::string& name) const;
    fs::path alias_file(const Download& wanted) const;

    const FetchOptions& options_;
    // Of the running fetch(), in bytes: transfers, the least that they will be, and files of this machine to be hashed.
    TransferCount count_;
    std::uint64_t planned_ = 0, to_hash_ = 0;
    std::atomic<std::uint64_t> hashed_ = 0;
};

} // namespace tinderbox::fetch
