// --redistributable, and the notices that a build prints about what its result hands on.
#pragma once

#include "generator/report/redistribution.hpp"

namespace tinderbox {

// The table this program carries.
Result<RedistributionTable> redistribution_table();

// Fills in PackageInfo::redistribution, now that the packages' licences are known, and the manifest's notices.
// Error (usage) with `refuse` when a class is restricted.
Status classify_redistribution(Manifest& manifest, bool refuse);
// One sentence for each restricted class of a manifest that was classified.
std::vector<std::string> redistribution_notices(const Manifest& manifest);

} // namespace tinderbox
