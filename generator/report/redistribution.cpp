#include "generator/report/redistribution.hpp"

#include "common/base/text.hpp"
#include "common/format/json_read.hpp"
#include "generator/report/licenses.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::report {
namespace {

using nlohmann::json;

constexpr int table_version = 1;

bool glob(std::string_view pattern, std::string_view text) {
    auto star = pattern.find('*');
    if (star == std::string_view::npos) return pattern == text;
    if (!text.starts_with(pattern.substr(0, star))) return false;
    std::string_view rest = pattern.substr(star + 1);
    for (std::size_t at = star; at <= text.size(); ++at)
        if (glob(rest, text.substr(at))) return true;
    return false;
}

// "host/path" of a URL.
std::string_view without_scheme(std::string_view url) {
    auto scheme = url.find("://");
    return scheme == std::string_view::npos ? url : url.substr(scheme + 3);
}

constexpr std::size_t shown_names = 3;

} // namespace

Result<RedistributionTable> RedistributionTable::parse(std::string_view text) {
    json root = json::parse(text, nullptr, false);
    if (!root.is_object() || root.value("version", 0) != table_version || !root["classes"].is_array() ||
        !root["rules"].is_array())
        return make_error(ErrorKind::bug, "templates/redistribution.json is not of version {}", table_version);
    RedistributionTable out;
    for (const json& row : root["classes"])
        out.classes_.push_back({format::text_field(row, "id"), format::text_field(row, "title"),
                                format::text_field(row, "terms"), format::text_field(row, "terms_url"),
                                format::text_field(row, "way_out"), row.value("restricted", false)});
    for (const json& row : root["rules"]) {
        Rule rule{format::text_field(row, "class"), format::text_field(row, "kind"),
                  format::text_field(row, "name"),  format::text_field(row, "version"),
                  format::text_field(row, "url"),   format::text_field(row, "license")};
        if (!out.find(rule.id) || row.size() < 2)
            return make_error(ErrorKind::bug, "templates/redistribution.json: a rule has no condition or no class: {}",
                              row.dump());
        out.rules_.push_back(std::move(rule));
    }
    return out;
}

const RedistributionClass* RedistributionTable::find(std::string_view id) const {
    auto found = std::ranges::find(classes_, id, &RedistributionClass::id);
    return found == classes_.end() ? nullptr : &*found;
}

bool RedistributionTable::fits(const Rule& rule, const format::PackageInfo& package) {
    if (!rule.kind.empty() && rule.kind != package.kind) return false;
    if (!rule.name.empty() && !glob(rule.name, to_lower(package.name))) return false;
    if (!rule.version.empty() && !glob(rule.version, package.version)) return false;
    if (!rule.url.empty() && !glob(rule.url, without_scheme(package.url))) return false;
    return rule.license.empty() || to_lower(package.license).find(rule.license) != std::string::npos;
}

std::string RedistributionTable::classify(const format::PackageInfo& package) const {
    for (const Rule& rule : rules_)
        if (fits(rule, package)) return rule.id;
    if (package.kind == "python" || package.kind == "generated" || is_free_license(package.license)) return "free";
    return "unknown";
}

void RedistributionTable::classify_all(std::vector<format::PackageInfo>& packages) const {
    for (format::PackageInfo& package : packages) package.redistribution = classify(package);
}

std::vector<std::string> RedistributionTable::restrictions(const std::vector<format::PackageInfo>& packages) const {
    std::vector<std::string> out;
    for (const RedistributionClass& one : classes_) {
        std::vector<std::string> names;
        for (const format::PackageInfo& package : packages)
            if (one.restricted && package.redistribution == one.id &&
                std::ranges::find(names, package.name) == names.end())
                names.push_back(package.name);
        if (names.empty()) continue;
        out.push_back(fmt::format("{} ({}): {}{}; {}", one.title, some_of(names, shown_names), one.terms,
                                  one.terms_url.empty() ? "" : " (" + one.terms_url + ")", one.way_out));
    }
    return out;
}

} // namespace tinderbox::report
