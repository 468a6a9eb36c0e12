// Index pages: asked for over HTTP, kept in <cache>/documents with their validators, and parts of remote files. Every
// member is thread-safe.
#pragma once

#include "generator/fetch/fetch.hpp"

#include <nlohmann/json_fwd.hpp>

namespace tinderbox::fetch {

class Documents {
  public:
    // `options` must outlive the object.
    explicit Documents(const FetchOptions& options) : options_(options) {}
    Status make_directories();

    // As Fetcher's members of these names.
    Result<Document> get(const std::string& url, const std::string& accept);
    Result<RangeReply> range(const std::string& url, std::uint64_t first, std::uint64_t count, bool from_end);
    Result<FileDocument> get_file(const std::string& url, const Validators& known, const fs::path& to,
                                  std::uint64_t limit, TransferCount& count);

  private:
    Result<Document> revalidate(const std::string& url, const std::string& accept, const fs::path& base,
                                nlohmann::json known);

    const FetchOptions& options_;
};

} // namespace tinderbox::fetch
