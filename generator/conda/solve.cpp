#include "generator/conda/solve.hpp"

#include "common/base/hash.hpp"
#include "common/base/terminal.hpp"
#include "generator/conda/libsolv.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

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
            give(dependency, fmt::format("{} {} requires {}", universe.names()[entry.name].text, entry.version->text(), universe.dependency(dependency).text));
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

// Packages of which builds for a GPU exist that were out of the question because the target has no __cuda.
void note_cuda(const Universe& universe, const SolverAnswer& answer, Solution& out) {
    auto wants_cuda = [](const Universe::Entry& entry) {
        return entry.record && std::ranges::any_of(entry.record->depends, [](std::string_view text) { return dependency_name(text) == "__cuda"; });
    };
    std::set<NameId> names;
    for (CandidateId candidate : answer.chosen) names.insert(universe.entries()[candidate].name);
    std::map<NameId, const Version*> chosen;
    for (CandidateId candidate : answer.chosen)
        if (!wants_cuda(universe.entries()[candidate])) chosen[universe.entries()[candidate].name] = universe.entries()[candidate].version;
    std::set<std::string> found;
    for (const Universe::Entry& entry : universe.entries())
        if (auto place = chosen.find(entry.name); place != chosen.end() && wants_cuda(entry) && *entry.version >= *place->second)
            found.insert(universe.names()[entry.name].text);
    out.needs_cuda.assign(found.begin(), found.end());
}

// Most solves end in a tenth of a second; one that does not says that it is at work.
class Ticker {
  public:
    Ticker() : thread_([](std::stop_token stop) {
        std::mutex mutex;
        std::condition_variable_any ended;
        std::unique_lock lock(mutex);
        for (std::uint64_t tenths = 0; !stop.stop_requested(); ++tenths) {
            ended.wait_for(lock, stop, std::chrono::milliseconds(100), [] { return false; });
            if (tenths >= 5 && !stop.stop_requested()) Terminal::get().progress("solving", tenths / 10, 0, "s");
        }
    }) {}

  private:
    std::jthread thread_;
};

SolverAnswer run(Universe& universe) {
    Ticker ticker;
    return run_libsolv(universe);
}

// When the request's own words rule out every candidate of one of its specs, the reason lies one step away and needs no solver
// (which would look for ways out of a puzzle that has none for as long as it takes).
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
                if (std::ranges::any_of(fits, [&](CandidateId id) { return std::ranges::find(possible, id) != possible.end(); })) continue;
                out.push_back({fits.empty() ? ProblemFact::Kind::nothing : ProblemFact::Kind::requires_, candidate, 0, dependency});
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
    TRY_ASSIGN(auto universe, Universe::load(sources, request, true));
    SolverAnswer answer = run(*universe);
    if (answer.solved) {
        Solution out = solution_of(*universe, answer);
        if (std::ranges::find(request.virtuals, "__cuda", &VirtualPackage::name) == request.virtuals.end()) note_cuda(*universe, answer, out);
        Terminal::get().end_progress();
        return out;
    }
    // Once more with what the request rules out: the reasons lie there.
    TRY_ASSIGN(auto whole, Universe::load(sources, request, false));
    std::vector<ProblemFact> direct = direct_conflict(*whole, answer);
    if (direct.empty()) answer = run(*whole);
    else answer.facts = std::move(direct);
    Terminal::get().end_progress();
    if (answer.solved) return solution_of(*whole, answer); // must not happen; an answer is an answer
    return make_error(ErrorKind::unsatisfiable, "no set of conda packages satisfies the request:{}", explain(*whole, request, answer.facts));
}

} // namespace tinderbox::conda
