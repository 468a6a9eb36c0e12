// Software bills of materials: an inventory as CycloneDX 1.6 or SPDX 2.3, both JSON.
//
// Each package has its package URL (purl: pkg:pypi, pkg:conda, pkg:generic) and the hash of the packed file. A licence
// becomes an SPDX expression where that is possible; otherwise the package's own text is kept and marked. No URL has
// credentials, because inventories have none.
#pragma once

#include "generator/report/inventory.hpp"

#include <nlohmann/json_fwd.hpp>

namespace tinderbox::report {

struct SbomOptions {
    std::string tinderbox_version;
    std::string created; // "2026-11-25T12:00:00Z"
};

// purl-spec's type definitions of pypi and conda; "pkg:generic/…" for every other kind.
std::string package_url(const format::PackageInfo& package, const std::string& platform);

nlohmann::json cyclonedx(const Inventory& inventory, const SbomOptions& options);
nlohmann::json spdx(const Inventory& inventory, const SbomOptions& options);

} // namespace tinderbox::report
