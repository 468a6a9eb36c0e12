#include "generator/build/fetch.hpp"

#include "generator/build/sdist.hpp"
#include "generator/conda/config.hpp"
#include "generator/lock/download.hpp"

namespace tinderbox::build {
namespace {

void append(std::vector<std::string>& to, const std::vector<std::string>& from) {
    to.insert(to.end(), from.begin(), from.end());
}

} // namespace

Result<std::unique_ptr<fetch::Fetcher>> open_fetcher(const Options& options, const Requested& requested,
                                                     Reporter& reporter) {
    TRY_ASSIGN(auto conda_config, conda::read_config());
    const pip::Options& pip = requested.request.pip_options;
    fetch::FetchOptions out;
    out.offline = options.offline;
    out.insecure_hosts = options.insecure_hosts;
    append(out.insecure_hosts, pip.trusted_hosts);
    if (requested.lock) append(out.insecure_hosts, requested.lock->insecure_hosts);
    out.reporter = &reporter;
    out.ca_file = pip.cert.empty() ? conda_config.ca_file : pip.cert;
    return fetch::Fetcher::make(std::move(out));
}

Result<Downloads> fetch(const Options& options, const Requested& requested, const Captured& captured, lock::Lock lock,
                        fetch::Fetcher& fetcher, Reporter& reporter) {
    Downloads out;
    std::vector<fetch::Download> downloads;
    for (const lock::LockedArtifact& artifact : lock.artifacts)
        if (!artifact.built_from) downloads.push_back(lock::to_download(artifact));
    if (lock.base) downloads.push_back(lock::to_download(*lock.base));
    TRY_ASSIGN(auto files, fetcher.fetch(downloads));
    if (lock.base) {
        TRY_ASSIGN(out.base, read_base(std::move(files.back()), lock, reporter));
        files.pop_back();
    }
    auto next = files.begin();
    for (lock::LockedArtifact& artifact : lock.artifacts) {
        fetch::Fetched file;
        if (artifact.built_from) {
            TRY_ASSIGN(file, fetch_built_wheel(options, requested, captured, lock, artifact, fetcher, reporter));
        } else {
            file = std::move(*next++);
        }
        out.files.push_back(std::move(file));
    }
    for (std::size_t i = 0; i < out.files.size(); ++i) {
        lock.artifacts[i].sha256 = out.files[i].sha256;
        lock.artifacts[i].size = out.files[i].size;
    }
    out.lock = std::move(lock);
    return out;
}

Status fetch_unknown(lock::Lock& lock, fetch::Fetcher& fetcher, Reporter& reporter) {
    std::vector<fetch::Download> downloads;
    std::vector<lock::LockedArtifact*> unknown;
    for (lock::LockedArtifact& artifact : lock.artifacts) {
        if (!artifact.sha256.empty()) continue;
        unknown.push_back(&artifact);
        downloads.push_back(lock::to_download(artifact));
    }
    TRY_ASSIGN(auto files, fetcher.fetch(downloads));
    for (std::size_t i = 0; i < unknown.size(); ++i) {
        unknown[i]->sha256 = files[i].sha256;
        unknown[i]->size = files[i].size;
    }
    if (!lock.base || !lock.base->sha256.empty()) return {};
    TRY_ASSIGN(auto base, fetcher.fetch({lock::to_download(*lock.base)}));
    TRY_ASSIGN(const Base read, read_base(std::move(base.front()), lock, reporter));
    return {};
}

} // namespace tinderbox::build
