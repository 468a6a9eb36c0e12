#include "generator/conda/channel.hpp"

#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/conda/names.hpp"

#include <algorithm>
#include <cstdlib>

namespace tinderbox::conda {
namespace {

std::string without_slashes(std::string text) {
    while (text.size() > 1 && text.ends_with('/')) text.pop_back();
    return text;
}

// "https://HOST/t/TOKEN/conda-forge" → "conda-forge" where the host is the alias's or one of conda's own.
std::string shown_name(const std::string& key, const Config& config) {
    for (const std::string& base :
         {without_credentials(without_slashes(config.channel_alias)), std::string("https://conda.anaconda.org"),
          std::string("https://repo.anaconda.com")})
        if (key.starts_with(base + "/")) return key.substr(base.size() + 1);
    return key;
}

bool is_path(const std::string& text) {
    return text.starts_with('/') || text.starts_with("./") || text.starts_with("../") || text == "." || text == ".." ||
           text.starts_with("~/");
}

Result<std::string> path_url(const std::string& text) {
    std::string path = text;
    if (path.starts_with("~/"))
        if (const char* home = std::getenv("HOME")) path = home + path.substr(1);
    std::error_code ec;
    fs::path absolute = fs::absolute(path, ec).lexically_normal();
    if (!fs::is_directory(absolute, ec)) return make_error(ErrorKind::usage, "the channel '{}' is no directory", text);
    return "file://" + percent_encode_path(without_slashes(absolute.string()));
}

std::optional<std::string> custom_url(const std::string& name, const Config& config) {
    for (std::string front = name;;) {
        if (auto found = config.custom_channels.find(front); found != config.custom_channels.end()) {
            std::string base = without_slashes(found->second);
            return (is_url(base) ? base : "file://" + percent_encode_path(base)) + "/" + name;
        }
        auto slash = front.rfind('/');
        if (slash == std::string::npos) return std::nullopt;
        front.resize(slash);
    }
}

Result<std::vector<Channel>> resolve(const std::string& text, const Config& config, int depth) {
    std::string name = without_slashes(std::string(trim(text)));
    if (name.empty()) return make_error(ErrorKind::usage, "a channel without a name");
    if (depth > 4) return make_error(ErrorKind::usage, "the channel '{}' names itself", without_credentials(name));
    const std::vector<std::string>* members = nullptr;
    if (auto found = config.custom_multichannels.find(name); found != config.custom_multichannels.end())
        members = &found->second;
    else if (name == "defaults") members = &config.default_channels;
    if (members) {
        std::vector<Channel> out;
        for (const std::string& member : *members) {
            TRY_ASSIGN(auto channels, resolve(member, config, depth + 1));
            out.insert(out.end(), channels.begin(), channels.end());
        }
        return out;
    }
    Channel out;
    auto slash = name.rfind('/');
    if (slash != std::string::npos && slash > 0 && is_subdir(name.substr(slash + 1))) {
        out.subdir = name.substr(slash + 1);
        name = without_slashes(name.substr(0, slash));
    }
    if (is_url(name)) {
        out.url = name;
    } else if (is_path(name)) {
        TRY_ASSIGN(out.url, path_url(name));
    } else if (name.find("://") != std::string::npos) {
        return make_error(ErrorKind::usage, "the channel '{}' has a scheme that cannot be read; use https or a path",
                          without_credentials(name));
    } else if (auto url = custom_url(name, config)) {
        out.url = *url;
    } else {
        std::string alias = without_slashes(config.channel_alias);
        out.url = (alias.find("://") == std::string::npos ? "https://" + alias : alias) + "/" + name;
    }
    if (out.url.starts_with("file:")) {
        std::error_code ec;
        if (std::string path = file_url_to_path(out.url); !fs::is_directory(path, ec))
            return make_error(ErrorKind::usage, "the channel '{}' is no directory", path);
    }
    out.key = without_credentials(out.url);
    out.name = shown_name(out.key, config);
    return std::vector<Channel>{std::move(out)};
}

} // namespace

Result<std::vector<Channel>> resolve_channel(const std::string& text, const Config& config) {
    return resolve(text, config, 0);
}

Result<std::vector<Channel>> resolve_channels(const std::vector<std::string>& texts, const Config& config) {
    std::vector<Channel> out;
    for (const std::string& text : texts) {
        TRY_ASSIGN(auto channels, resolve_channel(text, config));
        for (Channel& channel : channels) {
            auto same = std::ranges::find_if(
                out, [&](const Channel& one) { return one.key == channel.key && one.subdir == channel.subdir; });
            if (same == out.end()) out.push_back(std::move(channel));
        }
    }
    return out;
}

} // namespace tinderbox::conda
