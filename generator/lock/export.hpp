// A lock in the formats of other tools: `lock --format`. Tests read each back with the tool that it is for.
#pragma once

#include "generator/lock/lock.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::lock {

enum class LockFormat {
    tinderbox,     // ours
    explicit_list, // conda create --file; wheels in comments, as conda-lock writes them
    conda_lock,    // conda-lock.yml, format version 1
    pylock,        // PEP 751
    requirements,  // pip install --require-hashes --no-deps -r
};

Result<LockFormat> parse_lock_format(std::string_view text); // "tinderbox", "explicit", … Errors: kind usage

struct ExportedLock {
    std::string text;
    std::vector<std::string> warnings; // a sentence for each part of the lock that the format cannot express
};

// `lock` must have every artifact's SHA-256 (it was fetched). No URL carries credentials.
ExportedLock export_lock(const Lock& lock, LockFormat format);

} // namespace tinderbox::lock
