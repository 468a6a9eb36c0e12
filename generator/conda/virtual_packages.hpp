// Virtual packages: facts about a machine that packages may require (__glibc, __cuda, …). They describe the target,
// never the building machine: a login node without a GPU can make GPU environments.
//
// Spec: CEP 30; conda's plugins/virtual_packages.
#pragma once

#include "common/base/result.hpp"

#include <map>
#include <string>
#include <vector>

namespace tinderbox::conda {

struct VirtualPackage {
    std::string name, version, build = "0";
};

struct VirtualTarget {
    std::string platform = "linux-64";
    std::string glibc = "2.28";
    std::string cuda;                             // what the target's driver offers ("12.4"), "" no GPU
    std::map<std::string, std::string> overrides; // "__archspec" → "1=x86_64_v3"; "" takes one away
};

// "__cuda=11.4" → {"__cuda", "11.4"}; "__archspec=1=x86_64_v3"; "__cuda=" takes it away. Errors: kind usage.
Result<std::pair<std::string, std::string>> parse_virtual(const std::string& text);

// By name. Errors (usage): an override that is no version.
Result<std::vector<VirtualPackage>> virtual_packages(const VirtualTarget& target);

} // namespace tinderbox::conda
