// What the manifest calls a prefix (ScriptInfo::prefix): whoever writes it and whoever reads it must agree.
#pragma once

#include "common/format/manifest.hpp"
#include "common/format/table.hpp"

#include <string>
#include <vector>

namespace tinderbox {

// "env", "base" or "envs/NAME". `environments`: the base's further ones, nullptr without a base.
inline std::string prefix_name(Root root, const std::vector<FurtherEnvironment>* environments) {
    if (root < Root::further) return root == Root::base ? "base" : "env";
    return "envs/" + environments->at(prefix_index(root) - 2).name;
}

} // namespace tinderbox
