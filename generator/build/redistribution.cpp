#include "generator/build/redistribution.hpp"

#include "common/base/bytes.hpp"
#include "generator/embed/embedded.hpp"
#include "generator/report/inventory.hpp"

namespace tinderbox::build {
namespace {

// The base is one thing more than its packages.
std::vector<format::PackageInfo> with_base(const format::Manifest& manifest, const report::RedistributionTable& table) {
    std::vector<format::PackageInfo> out = report::inventory_of(manifest).packages;
    for (format::PackageInfo& package : out)
        if (package.kind == "base") package.redistribution = table.classify(package);
    return out;
}

} // namespace

Result<report::RedistributionTable> redistribution_table() {
    return report::RedistributionTable::parse(as_text(embed::embedded("templates/redistribution.json")));
}

Error redistribution_refusal(const std::vector<std::string>& restrictions) {
    std::string text = "--redistributable: the result may not be handed on freely:";
    for (const std::string& one : restrictions) text += "\n  " + one;
    return Error{ErrorKind::usage, std::move(text)};
}

Status check_redistribution(const lock::Lock& lock) {
    TRY_ASSIGN(report::RedistributionTable table, redistribution_table());
    std::vector<format::PackageInfo> packages = report::packages_of(lock);
    table.classify_all(packages);
    const auto restrictions = table.restrictions(packages);
    if (!restrictions.empty()) return redistribution_refusal(restrictions);
    return {};
}

Status classify_redistribution(format::Manifest& manifest, bool refuse) {
    TRY_ASSIGN(report::RedistributionTable table, redistribution_table());
    table.classify_all(manifest.packages);
    const auto restrictions = table.restrictions(with_base(manifest, table));
    if (refuse && !restrictions.empty()) return redistribution_refusal(restrictions);
    manifest.notices.insert(manifest.notices.end(), restrictions.begin(), restrictions.end());
    return {};
}

std::vector<std::string> redistribution_notices(const format::Manifest& manifest) {
    auto table = redistribution_table();
    return table ? table->restrictions(with_base(manifest, *table)) : std::vector<std::string>();
}

} // namespace tinderbox::build
