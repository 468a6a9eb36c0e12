// One package as a channel's index describes it.
//
// Spec: CEP 34/36 (repodata_record, repodata.json), CEP 17 (python_site_packages_path).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::conda {

// Views into the storage of the index (a mapped file, a parser's buffer).
struct PackageRecord {
    std::string_view file_name; // NAME-VERSION-BUILD.conda or .tar.bz2
    std::string_view name, version, build;
    std::uint64_t build_number = 0;
    std::uint64_t size = 0;       // bytes, 0 unknown
    std::uint64_t timestamp = 0;  // milliseconds since 1970, 0 unknown
    std::string_view sha256, md5; // raw bytes (32, 16) or ""
    std::string_view license, python_site_packages_path;
    bool noarch = false;
    std::vector<std::string_view> depends, constrains, track_features;
};

} // namespace tinderbox::conda
