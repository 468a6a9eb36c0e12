// What a .run, a lock or a SPEC holds, in one form: for comparing two of them and for bills of materials.
#pragma once

#include "common/format/manifest.hpp"
#include "generator/lock/lock.hpp"
#include "generator/spec/request.hpp"

namespace tinderbox {

struct Inventory {
    std::string kind; // "run", "lock", "request"
    std::string name; // of the environment
    std::string platform;
    // As the manifest has them; the conda at PREFIX is one of kind "base", what a captured place brings of kind
    // "python" or "prefix". Of a request only kind, name and version, which then is a specifier (">=2,<3"), are filled
    // in.
    std::vector<PackageInfo> packages;
    std::uint64_t installed_bytes = 0; // 0: unknown
};

std::vector<PackageInfo> packages_of(const Lock& lock);
Inventory inventory_of(const Lock& lock);
Inventory inventory_of(const Manifest& manifest);
Inventory inventory_of(const Request& request);

// Recognised by content. Errors: usage, damaged (a .run).
Result<Inventory> read_inventory(const std::string& path);

} // namespace tinderbox
