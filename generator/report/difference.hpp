// The differences between two inventories: packages added, removed, changed.
#pragma once

#include "generator/report/inventory.hpp"

#include <optional>

namespace tinderbox::report {

struct PackageChange {
    std::optional<format::PackageInfo> before, after; // at least one of them
    // The differences when both exist: "version", "build", "file" (another file of one version), in this order.
    std::vector<std::string> what;
};

struct Difference {
    std::string before, after;          // names for the report, as given
    std::vector<PackageChange> changes; // by prefix, kind and name
    std::size_t same = 0;
    std::map<std::string, std::pair<std::string, std::string>> settings; // by name: different values of both sides
    std::uint64_t download_before = 0, download_after = 0;               // bytes; 0: unknown
    std::uint64_t installed_before = 0, installed_after = 0;             // bytes; 0: unknown
    bool empty() const { return changes.empty(); }
};

Difference difference_of(const Inventory& before, const Inventory& after);
nlohmann::json to_json(const Difference& difference);
std::string difference_text(const Difference& difference, bool colour);

} // namespace tinderbox::report
