#include "generator/build/sizes.hpp"

#include "common/base/parallel.hpp"
#include "common/base/url.hpp"
#include "generator/fetch/cache_path.hpp"
#include "generator/fetch/url.hpp"
#include "generator/lock/download.hpp"

#include <atomic>
#include <mutex>
#include <set>

namespace tinderbox::build {
namespace {

constexpr unsigned connections = 8;

// Thread-safe.
class SizeQuestion {
  public:
    explicit SizeQuestion(fetch::Fetcher& fetcher) : fetcher_(fetcher) {}

    // 0: unknown. A host that did not answer once is not asked again.
    std::uint64_t ask(const std::string& url) {
        const std::string host = fetch::Url::parse(url).host;
        if (std::lock_guard lock(mutex_); silent_hosts_.contains(host)) return 0;
        auto reply = fetcher_.range(url, 0, 1, false);
        if (reply.ok()) return reply->status == 206 || reply->status == 200 ? reply->total : 0;
        std::lock_guard lock(mutex_);
        silent_hosts_.insert(host);
        return 0;
    }

  private:
    fetch::Fetcher& fetcher_;
    std::mutex mutex_;
    std::set<std::string> silent_hosts_;
};

std::optional<fs::path> local_file(const lock::LockedArtifact& artifact) {
    if (artifact.url.starts_with("file:")) return file_url_to_path(artifact.url);
    return fetch::cached_artifact(artifact.sha256, artifact.file_name);
}

} // namespace

void ask_sizes(lock::Lock& lock, fetch::Fetcher& fetcher, Reporter& reporter) {
    std::vector<lock::LockedArtifact*> unknown;
    for (lock::LockedArtifact& artifact : lock.artifacts)
        if (artifact.size == 0 && !artifact.built_from) unknown.push_back(&artifact);
    SizeQuestion servers(fetcher);
    std::atomic<std::size_t> done = 0;
    (void)parallel_for(unknown.size(), connections, [&](std::size_t i) -> Status {
        lock::LockedArtifact& artifact = *unknown[i];
        std::error_code ec;
        if (auto file = local_file(artifact)) {
            if (auto size = fs::file_size(*file, ec); !ec) artifact.size = size;
        } else if (!fetcher.offline()) {
            artifact.size = servers.ask(lock::to_download(artifact).url);
        }
        reporter.progress("asking for sizes", ++done, unknown.size(), "package");
        return {};
    });
    reporter.end_progress();
}

} // namespace tinderbox::build
