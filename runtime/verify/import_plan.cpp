#include "runtime/verify/import_plan.hpp"

#include "common/format/json_read.hpp"
#include "runtime/verify/check_scripts.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

namespace tinderbox::verify {
namespace {

using nlohmann::json;

bool is_importable(const format::PackageInfo& package) {
    const bool kind = package.kind == "wheel" || package.kind == "conda" || package.kind == "captured";
    return kind && package.prefix.is_env() && package.name != "python";
}

bool is_framework(std::string_view package) {
    return std::ranges::any_of(known_frameworks(), [&](const Framework& f) {
        return std::ranges::find(f.distributions, package) != f.distributions.end();
    });
}

std::string with_declared(const format::PackageInfo& package) {
    std::string out = package.name;
    for (const std::string& module : package.imports) out += (out.size() == package.name.size() ? "=" : ",") + module;
    return out;
}

class Planner {
  public:
    Planner(const format::Manifest& manifest, bool all_packages, unsigned jobs)
        : manifest_(manifest), all_packages_(all_packages), shares_(std::max(jobs, 1u)) {
        constexpr std::string_view brought_along[] = {"pip", "setuptools", "wheel"}; // nobody asks for them
        bool every = true;
        for (const format::PackageInfo& p : manifest_.packages) {
            if (!is_importable(p)) continue;
            every = every && (p.requested || std::ranges::find(brought_along, p.name) != std::end(brought_along));
            if (p.requested || all_packages_) candidates_.push_back(&p);
        }
        roots_ = every && !all_packages_;
    }

    // As checks/plan.py takes it. JSON without other characters than ASCII is an expression of Python.
    std::string asked() const {
        json frameworks = json::object(), packages = json::array();
        for (const Framework& f : known_frameworks()) frameworks[std::string(f.name)] = f.distributions;
        for (const format::PackageInfo* p : candidates_) packages.push_back(p->name);
        const int roots = roots_ ? 1 : 0;
        return json{{"frameworks", frameworks}, {"packages", packages}, {"roots", roots}}.dump(
            -1, ' ', true, json::error_handler_t::replace);
    }

    ImportPlan plan(const PythonAnswer& answer, const EnvironmentPython& python) const {
        ImportPlan out;
        std::map<std::string_view, std::size_t> group_of;
        for (const Framework* framework : frameworks(answer, python)) {
            group_of[framework->name] = out.groups.size();
            out.groups.push_back({{}, {framework}});
        }
        out.frameworks = out.groups.size();
        ImportGroup others;
        const auto chosen = chosen_packages(answer);
        for (const format::PackageInfo* p : candidates_) {
            const auto found = chosen.find(p->name);
            // A framework's own check imports it. Without an answer about the packages all are imported.
            if (is_framework(p->name) || (answer.complete && found == chosen.end())) continue;
            ImportGroup* group = &others;
            if (found != chosen.end())
                for (const std::string& framework : found->second)
                    if (auto at = group_of.find(framework); at != group_of.end() && group == &others)
                        group = &out.groups[at->second];
            group->packages.push_back(all_packages_ ? with_declared(*p) : p->name);
            ++out.packages;
        }
        const std::size_t shares = all_packages_ ? std::clamp<std::size_t>(others.packages.size() / 4, 1, shares_) : 1;
        std::vector<ImportGroup> split(shares);
        for (std::size_t i = 0; i < others.packages.size(); ++i)
            split[i % shares].packages.push_back(std::move(others.packages[i]));
        for (ImportGroup& group : split)
            if (!group.packages.empty()) out.groups.push_back(std::move(group));
        return out;
    }

  private:
    std::vector<const Framework*> frameworks(const PythonAnswer& answer, const EnvironmentPython& python) const {
        std::set<std::string> names(manifest_.requires_.frameworks.begin(), manifest_.requires_.frameworks.end());
        for (const json& line : answer.lines)
            if (python.owns(format::text_field(line, "file"))) names.insert(format::text_field(line, "found"));
        std::vector<const Framework*> out;
        for (const Framework& f : known_frameworks())
            if (names.contains(std::string(f.name))) out.push_back(&f);
        return out;
    }

    // The packages to import, and the frameworks that each needs.
    static std::map<std::string, std::vector<std::string>> chosen_packages(const PythonAnswer& answer) {
        std::map<std::string, std::vector<std::string>> out;
        for (const json& line : answer.lines) {
            if (!line.contains("package")) continue;
            std::vector<std::string>& needs = out[format::text_field(line, "package")];
            for (const json& framework : format::child_of(line, "needs"))
                if (framework.is_string()) needs.push_back(framework.get<std::string>());
        }
        return out;
    }

    const format::Manifest& manifest_;
    bool all_packages_;
    std::size_t shares_;                                 // at most so many processes import all packages
    bool roots_ = false;                                 // of a list that names every package
    std::vector<const format::PackageInfo*> candidates_; // in the manifest's order
};

} // namespace

ImportPlan plan_imports(const EnvironmentPython& python, const format::Manifest& manifest, bool all_packages,
                        unsigned jobs) {
    const Planner planner(manifest, all_packages, jobs);
    const std::string script = fmt::format("asked = {}\n{}{}", planner.asked(), scripts::metadata(), scripts::plan());
    return planner.plan(python.run(script, {}, python.clean()), python);
}

} // namespace tinderbox::verify
