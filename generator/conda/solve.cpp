#include "generator/conda/solve.hpp"

#include "common/base/hash.hpp"
#include "common/base/optional_reporter.hpp"
#include "common/base/progress.hpp"
#include "generator/conda/libsolv.hpp"

#include <algorithm>
#include <chrono>
#include <set>

namespace tinderbox::conda {
namespace {

SolvedPackage package_of(const Universe::Entry& entry) {
    const PackageRecord& record = *entry.record;
    SolvedPackage out;
    out.name = record.name;
    out.version = record.version;
    out.build = record.build;
    out.channel = entry.subdir->channel().key;
    out.subdir = entry.subdir->subdir();
    out.url = entry.subdir->url_of(record.file_name);
    out.file_name = record.file_name;
    out.sha256 = to_hex(as_bytes(record.sha256));
    out.md5 = to_hex(as_bytes(record.md5));
    out.license = record.license;
    out.build_number = record.build_number;
    out.size = record.size;
    out.timestamp = record.timestamp;
    for (std::string_view text : record.depends) out.depends.emplace_back(text);
    return out;
}

Solution solution_of(Universe& universe, const SolverAnswer& answer) {
    Solution out;
    out.candidates = universe.entries().size();
    out.names = universe.names().size();
    std::set<CandidateId> chosen(answer.chosen.begin(), answer.chosen.end());
    std::map<CandidateId, std::string> because;
    auto give = [&](DependencyId dependency, const std::string& why) {
        for (CandidateId candidate : universe.matches(dependency))
            if (chosen.contains(candidate)) because.emplace(candidate, why);
    };
    std::set<CandidateId> requested;
    for (DependencyId spec : universe.specs()) {
        give(spec, universe.dependency(spec).text);
        for (CandidateId candidate : universe.matches(spec))
            if (chosen.contains(candidate)) requested.insert(candidate);
    }
    for (CandidateId candidate : chosen) {
        const Universe::Entry& entry = universe.entries()[candidate];
        for (DependencyId dependency : entry.depends)
            give(dependency, fmt::format("{} {} requires {}", universe.names()[entry.name].text, entry.version->text(),
                                         universe.dependency(dependency).text));
    }
    for (CandidateId candidate : chosen) {
        const Universe::Entry& entry = universe.entries()[candidate];
        if (!entry.record) continue;
        SolvedPackage package = package_of(entry);
        package.requested = requested.contains(candidate);
        package.because = because[candidate];
        out.packages.push_back(std::move(package));
    }
    std::ranges::sort(out.packages, {}, &SolvedPackage::name);
    return out;
}

// Finds packages whose builds for a GPU were excluded because the target has no __cuda.
void note_cuda(const Universe& universe, const SolverAnswer& answer, Solution& out) {
    auto wants_cuda = [](const Universe::Entry& entry) {
        return entry.record && std::ranges::any_of(entry.record->depends, [](std::string_view text) {
                   return dependency_name(text) == "__cuda";
               });
    };
    std::set<NameId> names;
    for (CandidateId candidate : answer.chosen) names.insert(universe.entries()[candidate].name);
    std::map<NameId, const VersionOrder*> chosen;
    for (CandidateId candidate : answer.chosen)
        if (!wants_cuda(universe.entries()[candidate]))
            chosen[universe.entries()[candidate].name] = universe.entries()[candidate].version;
    std::set<std::string> found;
    for (const Universe::Entry& entry : universe.entries())
        if (auto other = chosen.find(entry.name);
            other != chosen.end() && wants_cuda(entry) && *entry.version >= *other->second)
            found.insert(universe.names()[entry.name].text);
    out.needs_cuda.assign(found.begin(), found.end());
}

SolverAnswer run(Universe& universe, std::chrono::milliseconds limit, Reporter& reporter) {
    const ElapsedLine line(reporter, "solving");
    return run_libsolv(universe, limit);
}

// Limit of the second search, which only explains a known conflict.
constexpr std::chrono::seconds explanation_limit(20);

// When the request's own specs rule out every candidate of one of them, the reason lies one step away. It needs no
// solver, which would search for minutes before it gave up.
std::vector<ProblemFact> direct_conflict(Universe& whole, const SolverAnswer& pruned) {
    auto allowed = [&](NameId name) {
        std::vector<CandidateId> out = whole.names()[name].candidates;
        for (DependencyId spec : whole.specs())
            if (whole.dependency(spec).name == name) {
                const auto& fits = whole.matches(spec);
                std::erase_if(out, [&](CandidateId id) { return std::ranges::find(fits, id) == fits.end(); });
            }
        return out;
    };
    for (const ProblemFact& fact : pruned.facts) {
        if (fact.kind != ProblemFact::Kind::unknown) continue;
        const auto candidates = allowed(whole.dependency(fact.dependency).name);
        std::vector<ProblemFact> out = {{ProblemFact::Kind::wanted, 0, 0, fact.dependency}};
        bool all = !candidates.empty();
        for (CandidateId candidate : candidates) {
            bool blocked = false;
            for (DependencyId dependency : whole.entries()[candidate].depends) {
                const NameId name = whole.dependency(dependency).name;
                const auto& fits = whole.matches(dependency);
                const auto possible = allowed(name);
                if (std::ranges::any_of(
                        fits, [&](CandidateId id) { return std::ranges::find(possible, id) != possible.end(); }))
                    continue;
                out.push_back({fits.empty() ? ProblemFact::Kind::nothing : ProblemFact::Kind::requires_, candidate, 0,
                               dependency});
                for (DependencyId spec : whole.specs())
                    if (whole.dependency(spec).name == name) out.push_back({ProblemFact::Kind::wanted, 0, 0, spec});
                blocked = true;
                break;
            }
            all = all && blocked;
        }
        if (all) return out;
    }
    return {};
}

} // namespace

Result<Solution> solve(std::vector<ChannelSource>& sources, const SolveRequest& request) {
    Reporter& reporter = reporter_or_silent(request.reporter);
    TRY_ASSIGN(auto universe, Universe::load(sources, request, true));
    SolverAnswer answer = run(*universe, request.time_limit, reporter);
    if (answer.solved) {
        Solution out = solution_of(*universe, answer);
        if (std::ranges::find(request.virtuals, "__cuda", &VirtualPackage::name) == request.virtuals.end())
            note_cuda(*universe, answer, out);
        reporter.end_progress();
        return out;
    }
    if (answer.timeout) {
        reporter.end_progress();
        return make_error(ErrorKind::unsatisfiable,
                          "neither a set of conda packages that satisfies the request nor a contradiction was found in "
                          "{} seconds; write versions for what you know (python=3.11, cuda-version=12.4)",
                          std::chrono::duration_cast<std::chrono::seconds>(request.time_limit).count());
    }
    // Once more with the candidates that the request rules out, because they hold the reasons.
    TRY_ASSIGN(auto whole, Universe::load(sources, request, false));
    std::vector<ProblemFact> direct = direct_conflict(*whole, answer);
    SolverAnswer reasons;
    if (direct.empty())
        reasons = run(*whole, std::min<std::chrono::milliseconds>(explanation_limit, request.time_limit), reporter);
    else reasons.facts = std::move(direct);
    reporter.end_progress();
    if (reasons.solved) return solution_of(*whole, reasons); // must not happen, but a solution is correct
    const bool told = !reasons.facts.empty();
    return make_error(ErrorKind::unsatisfiable, "no set of conda packages satisfies the request:{}",
                      explain(told ? *whole : *universe, request, told ? reasons.facts : answer.facts));
}

} // namespace tinderbox::conda
