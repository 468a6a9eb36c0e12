// The packages installed in a prefix: Python distributions in site-packages, conda's records in conda-meta.
#pragma once

#include "generator/capture/captured.hpp"

namespace tinderbox::capture {

// Fills metadata's `distributions` and `licenses` from the selected items. Also finds the RECORDs to update, and
// references to places outside the prefix (editable installations, .pth lines). `site_packages` is relative to the
// prefix.
Status describe_distributions(const std::string& site_packages, FileSelection& selection);

// Fills metadata's `conda_packages` and each file's ConversionHint from the selected conda-meta/*.json, and removes
// credentials from their URLs.
Status describe_conda(FileSelection& selection);

} // namespace tinderbox::capture
