#include "generator/lock/credentials.hpp"

#include "common/base/url.hpp"
#include "generator/conda/channel.hpp"
#include "generator/fetch/url.hpp"

#include <algorithm>

namespace tinderbox::lock {
namespace {

// Puts the userinfo of the first URL of `configured` on the same host into `source`, which has none.
void add_userinfo(std::string& source, const std::vector<std::string>& configured) {
    fetch::Url url = fetch::Url::parse(source);
    if (!url.userinfo.empty() || url.host.empty()) return;
    for (const std::string& with_password : configured) {
        const fetch::Url from = fetch::Url::parse(with_password);
        if (from.userinfo.empty() || from.origin() != url.origin()) continue;
        url.userinfo = from.userinfo;
        source = url.str();
        return;
    }
}

} // namespace

void add_credentials(Lock& lock, const pip::Options& options) {
    std::vector<std::string> configured = options.extra_index_urls;
    // A token of .condarc stands in the path: /t/TOKEN/.
    std::vector<std::pair<std::string, std::string>> tokens; // channel without and with it
    if (auto config = conda::read_config(); config.ok()) {
        std::vector<std::string> channels = config->channels;
        channels.insert(channels.end(), config->default_channels.begin(), config->default_channels.end());
        for (const auto& [name, url] : config->custom_channels) channels.push_back(name);
        for (const std::string& channel : lock.channels)
            if (!is_url(channel)) channels.push_back(channel);
        configured.push_back(config->channel_alias);
        for (const std::string& text : channels) {
            auto resolved = conda::resolve_channel(text, *config);
            if (!resolved.ok()) continue;
            for (const conda::Channel& channel : *resolved) {
                configured.push_back(channel.url);
                if (channel.url.find("/t/") != std::string::npos)
                    tokens.emplace_back(channel.key + "/", channel.url + "/");
            }
        }
        if (config->channel_alias.find("/t/") != std::string::npos)
            tokens.emplace_back(without_credentials(config->channel_alias) + "/", config->channel_alias + "/");
    }
    if (options.index_url) configured.push_back(*options.index_url);
    configured.insert(configured.end(), options.find_links.begin(), options.find_links.end());
    for (LockedArtifact& artifact : lock.artifacts) {
        auto token =
            std::ranges::find_if(tokens, [&](const auto& one) { return artifact.source.starts_with(one.first); });
        if (token != tokens.end()) artifact.source = token->second + artifact.source.substr(token->first.size());
        add_userinfo(artifact.source, configured);
        if (artifact.built_from) add_userinfo(artifact.built_from->source, configured);
    }
}

} // namespace tinderbox::lock
