#include "generator/commands/redistribute.hpp"

#include "common/base/bytes.hpp"
#include "common/base/terminal.hpp"
#include "generator/commands/pipeline.hpp"
#include "generator/embed/embedded.hpp"
#include "generator/parcel/artifact.hpp"
#include "generator/report/columns.hpp"
#include "generator/report/inventory.hpp"
#include "generator/report/plan.hpp"

#include "generator/capture/capture.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox {
namespace {

Error refusal(const std::vector<std::string>& restrictions) {
    std::string text = "--redistributable: the result may not be handed on freely:";
    for (const std::string& one : restrictions) text += "\n  " + one;
    return Error{ErrorKind::usage, std::move(text)};
}

// The base is one thing more than its packages.
std::vector<PackageInfo> with_base(const Manifest& manifest, const RedistributionTable& table) {
    std::vector<PackageInfo> out = inventory_of(manifest).packages;
    for (PackageInfo& package : out)
        if (package.kind == "base") package.redistribution = table.classify(package);
    return out;
}

} // namespace

Result<RedistributionTable> redistribution_table() {
    return RedistributionTable::parse(as_text(embedded("templates/redistribution.json")));
}

Status classify_redistribution(Manifest& manifest, bool refuse) {
    TRY_ASSIGN(RedistributionTable table, redistribution_table());
    table.classify_all(manifest.packages);
    auto restrictions = table.restrictions(with_base(manifest, table));
    if (refuse && !restrictions.empty()) return refusal(restrictions);
    manifest.notices.insert(manifest.notices.end(), restrictions.begin(), restrictions.end());
    return {};
}

std::vector<std::string> redistribution_notices(const Manifest& manifest) {
    auto table = redistribution_table();
    return table ? table->restrictions(with_base(manifest, *table)) : std::vector<std::string>();
}

// Before gigabytes are downloaded: what names and places already tell. Licences are known when the packages are here.
Status Pipeline::check_redistribution() {
    if (!options_.redistributable) return {};
    TRY_ASSIGN(RedistributionTable table, redistribution_table());
    std::vector<PackageInfo> packages = packages_of(lock_);
    table.classify_all(packages);
    auto restrictions = table.restrictions(packages);
    if (!restrictions.empty()) return refusal(restrictions);
    return {};
}

Status Pipeline::print_plan() const {
    TRY_ASSIGN(RedistributionTable table, redistribution_table());
    PlanOptions options;
    options.ask_servers = !options_.offline;
    options.gpu = planned_gpu();
    if (captured_) {
        for (const Entry& entry : captured_->entries()) options.captured_bytes += entry.size;
        options.captured_version = captured_->metadata().value("python", nlohmann::json::object()).value("version", "");
    }
    Plan plan = make_plan(lock_, table, options, *fetcher_);
    if (options_.redistributable && !plan.restrictions.empty()) return refusal(plan.restrictions);
    if (options_.json) {
        nlohmann::json out = to_json(plan);
        out["lock"] = to_json(lock_);
        fmt::print("{}", canonical_json(out));
    } else {
        fmt::print("{}", plan_text(plan, output_width(), output_colour()));
    }
    return {};
}

} // namespace tinderbox
