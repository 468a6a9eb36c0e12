// Where the configuration of another tool (pip, conda) is read from: variables of the environment and files.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace tinderbox {

// Tests replace it.
struct ConfigSources {
    std::function<std::optional<std::string>(const std::string& name)> variable; // nullopt: not set
    std::function<std::optional<std::string>(const std::string& path)> file;     // nullopt: cannot be read
    // Those of this process and this machine. A file of more than 16 MiB is not read.
    static ConfigSources machine();
};

} // namespace tinderbox
