// The packages installed in a prefix: Python distributions in site-packages, conda's records in conda-meta.
#pragma once

#include "generator/capture/captured.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string_view>

namespace tinderbox::capture {

inline constexpr std::uint64_t largest_core_metadata = 64u << 20; // bytes

// {name, version, license} of METADATA or PKG-INFO (core metadata: RFC 822 style, up to the first empty line).
nlohmann::json read_core_metadata(std::string_view text);

// Fills metadata's `distributions` and `licenses` from the selected items. Also finds the RECORDs to update, and
// .pth lines that lead out of the prefix. `site_packages` is relative to the prefix.
Status describe_distributions(const std::string& site_packages, FileSelection& selection);

// Fills metadata's `conda_packages` and each file's ConversionHint from the selected conda-meta/*.json, and removes
// credentials from their URLs.
Status describe_conda(FileSelection& selection);

} // namespace tinderbox::capture
