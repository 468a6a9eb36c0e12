// --redistributable, and the notices of a build about the redistribution of its result.
#pragma once

#include "generator/lock/lock.hpp"
#include "generator/report/redistribution.hpp"

namespace tinderbox::build {

// The table this program carries.
Result<report::RedistributionTable> redistribution_table();

// The error (usage) of --redistributable, with one line for each restriction.
Error redistribution_refusal(const std::vector<std::string>& restrictions);

// Runs before gigabytes are downloaded: names and places tell some classes; licences are known only later. Error
// (usage): a class is restricted.
Status check_redistribution(const lock::Lock& lock);

// Fills in PackageInfo::redistribution, now that the packages' licences are known, and the manifest's notices.
// Error (usage) with `refuse` when a class is restricted.
Status classify_redistribution(format::Manifest& manifest, bool refuse);
// One sentence for each restricted class of a manifest that was classified.
std::vector<std::string> redistribution_notices(const format::Manifest& manifest);

} // namespace tinderbox::build
