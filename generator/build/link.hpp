// Pass "link": the parcels become one image, which must fit the named target.
#pragma once

#include "generator/build/onto.hpp"
#include "generator/build/pack.hpp"

namespace tinderbox::build {

// -o decides, else --name, else the request.
fs::path output_path(const Options& options, const lock::Lock& lock);

// NAME of NAME.run. Error (usage): it cannot be one (common/base/names.hpp), or there is none.
Result<std::string> installer_name(const Options& options, const lock::Lock& lock);

// `earlier`: of --onto. Errors: usage (conflicts with --strict, terms with --redistributable), machine (--target-glibc,
// --target-gpu,
// --target-driver).
Result<assemble::Image> link(const Options& options, const Requested& requested, const Downloads& downloads,
                             const Packed& packed, const std::vector<assemble::EarlierTable>& earlier,
                             Reporter& reporter);

} // namespace tinderbox::build
