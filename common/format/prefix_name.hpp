// The manifest's name of a prefix (ScriptInfo::prefix): its writer and its readers must agree.
#pragma once

#include "common/format/manifest.hpp"
#include "common/format/table.hpp"

#include <string>
#include <vector>

namespace tinderbox::format {

// "env", "base" or "envs/NAME". `environments`: the base's further ones, nullptr without a base.
inline std::string prefix_name(Root root, const std::vector<FurtherEnvironment>* environments) {
    if (root < Root::further) return root == Root::base ? "base" : "env";
    return "envs/" + environments->at(prefix_index(root) - 2).name;
}

} // namespace tinderbox::format
