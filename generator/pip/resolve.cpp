#include "generator/pip/resolve.hpp"

#include "common/base/optional_reporter.hpp"
#include "common/base/url.hpp"
#include "generator/pip/resolve_model.hpp"

#include <algorithm>

namespace tinderbox::pip {
namespace {

// A line as PEP 508 has it. Lines that name a wheel by URL or path get the name from the file.
Result<Requirement> as_requirement(const RequirementLine& line, const TagRanking& ranking,
                                   const SelectOptions& options) {
    Requirement out;
    out.text = line.text;
    out.name = line.name;
    out.extras = line.extras;
    out.url = line.url;
    auto versions = SpecifierSet::parse(line.specifier);
    if (!versions) return std::move(versions.error()).in(line.line.str());
    out.specifier = std::move(*versions);
    if (out.name.empty()) {
        TRY_ASSIGN(auto wheel, direct_file(line, ranking, options.target, options.allow_sdist));
        out.name = wheel.name.name;
    }
    return out;
}

Status add_direct(Roots& roots, const std::string& name, const RequirementLine& line) {
    auto [at, fresh] = roots.direct.emplace(name, &line);
    if (fresh || at->second->url == line.url) return {};
    return make_error(ErrorKind::usage, "{}: '{}' contradicts '{}' in {}; keep one of the two lines", line.line.str(),
                      printable(line.text), printable(at->second->text), at->second->line.str());
}

Result<Roots> roots_of(const std::vector<RequirementLine>& requirements,
                       const std::vector<RequirementLine>& constraints, const SelectOptions& options,
                       const Options& pip) {
    Roots roots;
    auto environment = marker_environment(options.target);
    TagRanking ranking(options.target);
    auto read = [&](const RequirementLine& line, bool constraint) -> Status {
        TRY_ASSIGN(bool here, applies(line, environment));
        if (!here) return {};
        TRY_ASSIGN(Requirement requirement, as_requirement(line, ranking, options));
        if (!line.url.empty()) TRY(add_direct(roots, requirement.name, line));
        if (requirement.specifier.names_prerelease()) roots.prereleases.insert(requirement.name);
        if (requirement.specifier.pin()) roots.pins[requirement.name].push_back(requirement.specifier);
        auto& list = constraint ? roots.constraints : roots.lines;
        list.emplace_back(&line, std::move(requirement));
        return {};
    };
    for (const RequirementLine& line : requirements) TRY(read(line, false));
    for (const RequirementLine& line : constraints) TRY(read(line, true));
    if (options.allow_sdist) return roots;
    for (const auto& [line, requirement] : roots.lines) TRY(check_no_binary(*line, requirement.name, pip));
    return roots;
}

// The line of the request for a project, the first one.
const RequirementLine* line_for(const Roots& roots, const std::string& name) {
    for (const auto& [line, requirement] : roots.lines)
        if (requirement.name == name) return line;
    return nullptr;
}

WheelSelection selection_of(const SolverOutcome& outcome, ResolveModel& model) {
    WheelSelection out;
    std::map<int, std::size_t> chosen(outcome.chosen.begin(), outcome.chosen.end());
    std::map<std::string, std::vector<std::string>> extras;
    for (auto [package, candidate] : outcome.chosen) {
        const auto& node = model.node(package);
        if (node.extra.empty()) continue;
        extras[node.name].push_back(node.extra);
        const Metadata* metadata = model.metadata(package, candidate);
        if (metadata && std::ranges::find(metadata->extras, node.extra) == metadata->extras.end())
            out.warnings.push_back(fmt::format("{} {} has no extra '{}'", node.name, metadata->version, node.extra));
    }
    for (auto [package, candidate] : outcome.chosen) {
        const auto& node = model.node(package);
        const Project& project = model.project(package);
        if (!node.extra.empty() || project.provided) continue;
        if (const Metadata* metadata = model.metadata(package, candidate)) warn_of_repairs(*metadata, out.warnings);
        const ProjectWheels::Wheel& file = *project.candidates[candidate].wheel;
        ChosenWheel wheel;
        wheel.name = node.name;
        wheel.version = file.name.version.str();
        wheel.file = file.file;
        wheel.extras = extras[node.name];
        std::ranges::sort(wheel.extras);
        wheel.direct = project.direct != nullptr;
        if (!wheel.direct) wheel.index = project.files.asked[file.source];
        const RequirementLine* line = line_for(model.roots(), node.name);
        wheel.requested = line != nullptr;
        if (line) wheel.line = line->line;
        wheel.requirement = line ? printable(line->text) : model.asker(package, chosen);
        if (file.file.yanked)
            out.warnings.push_back(fmt::format("{}: {} {} was withdrawn by its authors{}{}",
                                               line ? line->line.str() : "the request", wheel.name, wheel.version,
                                               file.file.yanked_reason.empty() ? "" : ": ", file.file.yanked_reason));
        out.wheels.push_back(std::move(wheel));
    }
    std::ranges::sort(out.wheels, {}, &ChosenWheel::name);
    for (const std::string& warning : model.index().warnings()) out.warnings.push_back(warning);
    return out;
}

} // namespace

Result<WheelSelection> resolve(const std::vector<RequirementLine>& requirements,
                               const std::vector<RequirementLine>& constraints, const SelectOptions& options,
                               PackageIndex& index, MetadataSource& metadata) {
    TRY(options.target.check());
    TRY_ASSIGN(Roots roots, roots_of(requirements, constraints, options, index.options()));
    TRY(index.prefetch({})); // find-links places are read before threads ask
    ResolveModel model(options, roots, index, metadata);
    auto outcome = Solver(model).run();
    if (model.progress_shown()) reporter_or_silent(options.reporter).end_progress();
    if (!outcome) return std::move(outcome).error();
    if (!outcome->solved) return explain(*outcome, model);
    return selection_of(*outcome, model);
}

} // namespace tinderbox::pip
