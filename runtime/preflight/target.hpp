// The decided place as the file system sees it: room, permissions, and what the file system can hold.
#pragma once

#include "common/format/manifest.hpp"
#include "common/machine/file_system.hpp"
#include "runtime/place/place.hpp"

#include <cstdint>
#include <vector>

namespace tinderbox::preflight {

struct TargetFacts : machine::FileSystemFacts { // of `existing`
    std::string prefix;                         // the root of the tree, absolute
    std::string existing;                       // the nearest directory that exists: the prefix itself or one above it
    std::string not_a_directory;                // a component above the prefix that is a file, "" = none
    bool writable = true;                       // `existing` may be written to by this user
    int write_errno = 0;
    // Left in the staging tree by an interrupted run of this user: needs no space a second time.
    std::uint64_t staged_bytes = 0, staged_inodes = 0;
};

// Reads only, and never fails: a fact that cannot be read keeps its default.
TargetFacts read_target_facts(const place::Decision& decision);

using machine::NamesCollide;

// Pure but for names_collide. `decision.refusal` is one of the findings.
std::vector<machine::Finding> judge_target(const TargetFacts& facts, const place::Decision& decision,
                                           const format::Manifest& manifest, const NamesCollide& names_collide = {});

machine::Finding finding_of(place::Refusal refusal); // an error

nlohmann::json to_json(const TargetFacts& facts, place::Found found);

} // namespace tinderbox::preflight
