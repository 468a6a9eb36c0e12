// Finding exact conda packages (NAME=VERSION=BUILD) in their channels' repodata.json. No solving.
#pragma once

#include "generator/fetch/fetch.hpp"
#include "generator/spec/request.hpp"

namespace tinderbox {

// NAME=VERSION=BUILD without operators or wildcards.
bool is_exact(const CondaSpec& spec);

// URLs of a channel as a request names it: a URL, a path, "conda-forge", "conda-forge/linux-64", "defaults".
std::vector<std::string> channel_urls(const std::string& channel, const std::string& alias = {});

// Fills url, sha256, md5 and channel of every spec that has no URL, first channel first. Errors: usage for entries that
// are not exact (all of them, one a line), unsatisfiable for packages no channel has, network.
Status find_conda_packages(std::vector<CondaSpec>& specs, const std::vector<std::string>& channels,
                           const std::string& platform, Fetcher& fetcher);

} // namespace tinderbox
