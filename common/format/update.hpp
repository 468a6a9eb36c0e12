// How an update and the installers that it is for are named to people. Thread-safe.
#pragma once

#include "common/format/manifest.hpp"

#include <string>
#include <utility>
#include <vector>

namespace tinderbox::format {

// "'demo' (manifest 0123456789abcdef)"
std::string describe_installer(const EarlierInstaller& installer);
// "'demo' (manifest …) or 'demo' (manifest …)"
std::string describe_earlier(const UpdateInfo& update);

// Label and text of each line about an update; empty for another installer.
std::vector<std::pair<std::string, std::string>> update_lines(const Manifest& manifest);

} // namespace tinderbox::format
