#include "generator/report/difference.hpp"

#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "generator/report/columns.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace tinderbox::report {
namespace {

using nlohmann::json;
using Key = std::tuple<std::string, std::string, std::string>; // prefix, kind, name

// A captured Python is the same package whatever its path, and so is a base.
Key comparison_key(const format::PackageInfo& p) {
    bool alone = p.kind == "base" || p.kind == "python" || p.kind == "prefix";
    return {to_string(p.prefix), alone ? (p.kind == "prefix" ? "python" : p.kind) : p.kind, alone ? "" : p.name};
}

// The fields in which one package differs between both sides.
std::vector<std::string> changed(const format::PackageInfo& a, const format::PackageInfo& b) {
    std::vector<std::string> out;
    // A lock identifies a captured Python by its tree, a .run by its version.
    if (a.kind == "python" || a.kind == "prefix") {
        if (!a.version.empty() && !b.version.empty() && a.version != b.version) out.emplace_back("version");
        else if (!a.sha256.empty() && !b.sha256.empty() && a.sha256 != b.sha256) out.emplace_back("file");
        return out;
    }
    if (a.version != b.version || (a.kind == "base" && a.name != b.name)) out.emplace_back("version");
    if (a.build != b.build) out.emplace_back("build");
    bool files = out.empty() && !a.sha256.empty() && !b.sha256.empty() ? a.sha256 != b.sha256
                 : out.empty() && !a.md5.empty() && !b.md5.empty()
                     ? a.md5 != b.md5
                     : out.empty() && a.url != b.url && (a.sha256.empty() || b.sha256.empty());
    if (files) out.emplace_back("file");
    return out;
}

std::uint64_t total_download(const Inventory& inventory) {
    std::uint64_t out = 0;
    for (const format::PackageInfo& p : inventory.packages) out += p.size;
    return out;
}

std::string label(const format::PackageInfo& p) {
    std::string out = p.version.empty() ? "any" : p.version;
    if (!p.build.empty()) out += " " + p.build;
    return out;
}

std::string size_of(const std::optional<format::PackageInfo>& before, const std::optional<format::PackageInfo>& after) {
    if (before && after) {
        if (before->size == 0 || after->size == 0 || before->size == after->size) return "";
        bool more = after->size > before->size;
        return (more ? "+" : "-") + format_bytes(more ? after->size - before->size : before->size - after->size);
    }
    const format::PackageInfo& one = before ? *before : *after;
    return one.size == 0 ? "" : (after ? "+" : "-") + format_bytes(one.size);
}

std::string totals(std::string_view what, std::uint64_t before, std::uint64_t after) {
    if (before == 0 || after == 0) return "";
    std::string change =
        before == after ? "no change"
                        : (after > before ? "+" : "-") + format_bytes(after > before ? after - before : before - after);
    return fmt::format("{}: {} before, {} after ({})\n", what, format_bytes(before), format_bytes(after), change);
}

} // namespace

Difference difference_of(const Inventory& before, const Inventory& after) {
    Difference out;
    out.download_before = total_download(before);
    out.download_after = total_download(after);
    out.installed_before = before.installed_bytes;
    out.installed_after = after.installed_bytes;
    for (const auto& [name, value] : before.settings)
        if (auto other = after.settings.find(name); other != after.settings.end() && other->second != value)
            out.settings[name] = {value, other->second};
    std::map<Key, std::pair<const format::PackageInfo*, const format::PackageInfo*>> all;
    for (const format::PackageInfo& p : before.packages) all[comparison_key(p)].first = &p;
    for (const format::PackageInfo& p : after.packages) all[comparison_key(p)].second = &p;
    for (const auto& [key, pair] : all) {
        auto [a, b] = pair;
        PackageChange change;
        if (a) change.before = *a;
        if (b) change.after = *b;
        if (a && b) change.what = changed(*a, *b);
        if (a && b && change.what.empty()) ++out.same;
        else out.changes.push_back(std::move(change));
    }
    return out;
}

json to_json(const Difference& difference) {
    json out = {{"before", difference.before}, {"after", difference.after}, {"same", difference.same},
                {"added", json::array()},      {"removed", json::array()},  {"changed", json::array()}};
    auto side = [](const format::PackageInfo& p) {
        json row = {{"version", p.version}, {"build", p.build}, {"url", p.url}, {"sha256", p.sha256}, {"size", p.size}};
        if (p.kind == "base" || p.kind == "python" || p.kind == "prefix") row["name"] = p.name;
        return row;
    };
    for (const PackageChange& change : difference.changes) {
        const format::PackageInfo& one = change.after ? *change.after : *change.before;
        json row = {
            {"kind", one.kind == "wheel" ? "pypi" : one.kind}, {"name", one.name}, {"prefix", to_string(one.prefix)}};
        if (change.before) row["before"] = side(*change.before);
        if (change.after) row["after"] = side(*change.after);
        if (change.before && change.after) row["what"] = change.what;
        out[!change.before ? "added" : !change.after ? "removed" : "changed"].push_back(std::move(row));
    }
    for (const auto& [name, values] : difference.settings)
        out["settings"][name] = {{"before", values.first}, {"after", values.second}};
    out["download"] = {{"before", difference.download_before}, {"after", difference.download_after}};
    if (difference.installed_before && difference.installed_after)
        out["installed"] = {{"before", difference.installed_before}, {"after", difference.installed_after}};
    return out;
}

std::string difference_text(const Difference& difference, bool colour) {
    std::vector<std::vector<std::string>> rows = {{"", "PACKAGE", "KIND", "BEFORE", "AFTER", "DOWNLOAD"}};
    bool bases = std::ranges::any_of(
        difference.changes, [](const PackageChange& c) { return !(c.after ? c.after : c.before)->prefix.is_env(); });
    std::size_t counts[3] = {0, 0, 0};
    for (const PackageChange& change : difference.changes) {
        const format::PackageInfo& one = change.after ? *change.after : *change.before;
        int sort = !change.before ? 0 : !change.after ? 1 : 2;
        ++counts[sort];
        std::string before = change.before ? label(*change.before) : "",
                    after = change.after ? label(*change.after) : "";
        if (sort == 2 && before == after)
            after += one.kind == "python" || one.kind == "prefix" ? " (another tree)" : " (another file)";
        rows.push_back({std::string(1, "+-~"[sort]), one.name, one.kind + (bases ? " in " + to_string(one.prefix) : ""),
                        before, after, size_of(change.before, change.after)});
    }
    std::string out;
    if (!difference.empty()) out = columns(rows, {colour, 0, {5}, ""});
    out += fmt::format("{} added, {} removed, {} changed, {} the same\n", counts[0], counts[1], counts[2],
                       difference.same);
    for (const auto& [name, values] : difference.settings)
        out += fmt::format("built differently: {} was '{}', is '{}'\n", name, values.first, values.second);
    out += totals("download", difference.download_before, difference.download_after);
    out += totals("installed", difference.installed_before, difference.installed_after);
    return out;
}

} // namespace tinderbox::report
