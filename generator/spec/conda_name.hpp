// The file name of a conda package: NAME-VERSION-BUILD.conda or .tar.bz2. Version and build hold no "-".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tinderbox {

struct CondaFileName {
    std::string name, version, build, extension;
};

std::optional<CondaFileName> parse_conda_file_name(std::string_view file_name);

} // namespace tinderbox
