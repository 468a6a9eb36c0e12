// conda's own configuration: the parts of .condarc files and CONDA_* variables that name sources of packages.
//
// Spec: conda/base/context.py and its search path. "defaults" is used only where a request writes it, because
// Anaconda's terms must not apply by default.
#pragma once

#include "common/base/config_sources.hpp"
#include "common/base/result.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox::conda {

enum class ChannelPriority { strict, flexible, disabled };
Result<ChannelPriority> parse_channel_priority(std::string_view text);
std::string_view to_string(ChannelPriority priority);

struct Config {
    std::string channel_alias = "https://conda.anaconda.org";
    std::vector<std::string> channels; // of .condarc or CONDA_CHANNELS, without "defaults"
    std::vector<std::string> default_channels = {"https://repo.anaconda.com/pkgs/main",
                                                 "https://repo.anaconda.com/pkgs/r"};
    std::map<std::string, std::string> custom_channels;                   // name → the URL it lies below
    std::map<std::string, std::vector<std::string>> custom_multichannels; // name → channels
    ChannelPriority priority = ChannelPriority::flexible;                 // conda's default
    std::map<std::string, std::string> virtual_overrides; // CONDA_OVERRIDE_CUDA=11.4: "__cuda" → "11.4"
    std::string ca_file;                                  // ssl_verify, when it names a file
    std::vector<std::string> files;                       // that were read, in rising precedence
};

// Errors: kind usage, "FILE:LINE: …".
Result<Config> read_config(const ConfigSources& sources = ConfigSources::machine());

} // namespace tinderbox::conda
