#include "generator/fetch/fetch.hpp"

#include "common/base/url.hpp"
#include "generator/fetch/documents.hpp"
#include "generator/fetch/store.hpp"

namespace tinderbox::fetch {
namespace {

class CurlFetcher final : public Fetcher {
  public:
    explicit CurlFetcher(FetchOptions options) : options_(std::move(options)), documents_(options_), store_(options_) {
        if (options_.cache_root.empty()) options_.cache_root = cache_directory();
    }

    Status make_directories() {
        TRY(documents_.make_directories());
        return store_.make_directories();
    }

    Result<std::vector<Fetched>> fetch(const std::vector<Download>& downloads) override {
        return store_.fetch(downloads);
    }
    Result<Document> get(const std::string& url, const std::string& accept) override {
        return documents_.get(url, accept);
    }
    Result<RangeReply> range(const std::string& url, std::uint64_t first, std::uint64_t count, bool from_end) override {
        return documents_.range(url, first, count, from_end);
    }
    Result<FileDocument> get_file(const std::string& url, const Validators& known, const fs::path& to,
                                  std::uint64_t limit, TransferCount& count) override {
        return documents_.get_file(url, known, to, limit, count);
    }
    bool offline() const override { return options_.offline; }
    fs::path cache_root() const override { return options_.cache_root; }

  private:
    FetchOptions options_;
    Documents documents_;
    Store store_;
};

} // namespace

Result<RangeReply> Fetcher::range(const std::string&, std::uint64_t, std::uint64_t, bool) {
    RangeReply out;
    out.refused = true;
    return out;
}

Result<FileDocument> Fetcher::get_file(const std::string& url, const Validators&, const fs::path& to,
                                       std::uint64_t limit, TransferCount& count) {
    TRY_ASSIGN(Document document, get(url, ""));
    if (document.body.size() > limit)
        return make_error(ErrorKind::network, "{}: the answer is larger than {} bytes", without_credentials(url),
                          limit);
    count.received += document.body.size();
    if (document.status == 200) TRY(write_atomically(to, document.body));
    return FileDocument{document.status, "", "", document.url, document.body.size(), 0};
}

Result<std::unique_ptr<Fetcher>> Fetcher::make(FetchOptions options) {
    auto fetcher = std::make_unique<CurlFetcher>(std::move(options));
    TRY(fetcher->make_directories());
    return std::unique_ptr<Fetcher>(std::move(fetcher));
}

} // namespace tinderbox::fetch
