// The packages of a .run, a lock or a SPEC in one form, so that any two can be compared and each has a bill of
// materials.
#pragma once

#include "common/format/manifest.hpp"
#include "generator/lock/lock.hpp"
#include "generator/spec/request.hpp"

#include <map>

namespace tinderbox::report {

struct Inventory {
    std::string kind; // "run", "lock", "request"
    std::string name; // of the environment
    std::string platform;
    // As in the manifest. Kind "base" is the conda at PREFIX, kinds "python" and "prefix" were captured. A request
    // fills in kind, name and version only, and the version is a specifier (">=2,<3").
    std::vector<format::PackageInfo> packages;
    std::uint64_t installed_bytes = 0; // 0: unknown
    // What else decides a NAME.run's bytes, as people call it: "level" → "max". A lock and a request have fewer.
    std::map<std::string, std::string> settings;
};

std::vector<format::PackageInfo> packages_of(const lock::Lock& lock);
Inventory inventory_of(const lock::Lock& lock);
Inventory inventory_of(const format::Manifest& manifest);
Inventory inventory_of(const spec::Request& request);

// Recognised by content. Errors: usage, damaged (a .run).
Result<Inventory> read_inventory(const std::string& path);

} // namespace tinderbox::report
