// --onto: the earlier installers whose environments an update is for.
#pragma once

#include "generator/assemble/update.hpp"
#include "generator/build/options.hpp"

namespace tinderbox::build {

// Reads manifests and tables; none without --onto. Errors: usage (not an installer, or one with a base), damaged,
// storage.
Result<std::vector<assemble::EarlierTable>> read_earlier(const Options& options);

// Error (usage): `lock` is for another platform, or has a base.
Status check_earlier(const std::vector<assemble::EarlierTable>& earlier, const lock::Lock& lock);

// Makes an update of the image when there is something earlier. Error (usage): they have no file in common.
Status leave_out(assemble::Image& image, const std::vector<assemble::LinkInput>& inputs,
                 const std::vector<assemble::EarlierTable>& earlier, const Options& options);

// What `after` --onto `before` would weigh. nullopt: one of them is no installer of an environment alone, or they are
// for two platforms.
Result<std::optional<assemble::UpdateWeight>> update_weight(const std::string& before, const std::string& after);

} // namespace tinderbox::build
