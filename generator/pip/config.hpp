// pip's own configuration: the parts of PIP_* variables and pip.conf files that name sources of packages.
#pragma once

#include "common/base/config_sources.hpp"
#include "common/base/result.hpp"
#include "generator/pip/options.hpp"

namespace tinderbox::pip {

struct Config {
    Options options;
    std::vector<std::string> files; // that were read, in rising precedence
};

// Later wins: global (/etc/xdg/pip/pip.conf, /etc/pip.conf), user (~/.pip/pip.conf, ~/.config/pip/pip.conf), site
// ($VIRTUAL_ENV/pip.conf), $PIP_CONFIG_FILE, then PIP_* variables; in a file [install] over [global].
// PIP_CONFIG_FILE=/dev/null switches all files off. Errors: kind usage, "FILE:LINE: …".
Result<Config> read_config(const ConfigSources& sources = ConfigSources::machine());

} // namespace tinderbox::pip
