// pip's own configuration: PIP_* variables and pip.conf files, as far as they say where packages come from.
#pragma once

#include "common/base/result.hpp"
#include "generator/pip/options.hpp"

#include <functional>

namespace tinderbox::pip {

// How the configuration sees its surroundings; tests replace it.
struct ConfigSurroundings {
    std::function<std::optional<std::string>(const std::string&)> variable;  // nullopt: not set
    std::function<std::optional<std::string>(const std::string& path)> file; // nullopt: cannot be read
    static ConfigSurroundings machine();
};

struct PipConfig {
    PipOptions options;
    std::vector<std::string> files; // that were read, in rising precedence
};

// Later wins: global (/etc/xdg/pip/pip.conf, /etc/pip.conf), user (~/.pip/pip.conf, ~/.config/pip/pip.conf), site
// ($VIRTUAL_ENV/pip.conf), $PIP_CONFIG_FILE, then PIP_* variables; in a file [install] over [global].
// PIP_CONFIG_FILE=/dev/null switches all files off. Errors: kind usage, "FILE:LINE: …".
Result<PipConfig> read_pip_config(const ConfigSurroundings& surroundings = ConfigSurroundings::machine());

} // namespace tinderbox::pip
