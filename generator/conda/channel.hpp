// Channels: what a name, URL or path in a request stands for.
//
// Spec: conda/models/channel.py, CEP 26.
#pragma once

#include "generator/conda/config.hpp"

namespace tinderbox::conda {

struct Channel {
    std::string name;   // as conda shows it: "conda-forge", "pkgs/main", a URL; without credentials
    std::string url;    // base URL without a trailing '/', credentials and all: for fetching
    std::string key;    // the same without credentials: what channels are compared by
    std::string subdir; // only this one, "" all
};

// One channel, or several for "defaults" and custom multichannels. Errors (usage): an empty name, a local path that is
// not there.
Result<std::vector<Channel>> resolve_channel(const std::string& text, const Config& config);
// Several, in order, each once.
Result<std::vector<Channel>> resolve_channels(const std::vector<std::string>& texts, const Config& config);

} // namespace tinderbox::conda
