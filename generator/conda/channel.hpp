// Channels: the meaning of a name, URL or path in a request.
//
// Spec: conda/models/channel.py, CEP 26.
#pragma once

#include "generator/conda/config.hpp"

namespace tinderbox::conda {

struct Channel {
    std::string name;   // as conda shows it: "conda-forge", "pkgs/main", a URL; without credentials
    std::string url;    // base URL without a trailing '/', with credentials: for fetching
    std::string key;    // the same without credentials: for comparing channels
    std::string subdir; // only this subdirectory; "" = all
};

// One channel, or several for "defaults" and custom multichannels. Errors (usage): an empty name, a local path that
// does not exist.
Result<std::vector<Channel>> resolve_channel(const std::string& text, const Config& config);
// Several, in order, each once.
Result<std::vector<Channel>> resolve_channels(const std::vector<std::string>& texts, const Config& config);

} // namespace tinderbox::conda
