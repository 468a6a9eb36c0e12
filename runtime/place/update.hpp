// Where an update may go: to an environment of one of the installers that it was made for (format::UpdateInfo).
#pragma once

#include "runtime/place/place.hpp"

namespace tinderbox::place {

// Whether the tree at `root` is such an environment, whole or not.
bool holds_earlier(const format::UpdateInfo& update, const fs::path& root, const Trust& trust);

// `decision.layout` is chosen, and `tree` is what lies at its root, perhaps set aside. Fills in `earlier` and
// `staging`, or the refusal.
void decide_update(const format::Manifest& manifest, const Directory& tree, Decision& decision);

} // namespace tinderbox::place
