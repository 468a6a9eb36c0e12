// Why a request has no solution, in a few lines: from its specs to the package that no candidate is left of.
//
// libsolv names the facts that exclude each other one candidate at a time. Candidates of a name with the same
// requirement are one line here ("numpy 1.26.4, 1.26.3 and 12 others require python >=3.9").
#include "generator/conda/libsolv.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <set>

namespace tinderbox::conda {
namespace {

constexpr std::size_t most_lines = 14;

class Explanation {
  public:
    Explanation(Universe& universe, const SolveRequest& request) : universe_(universe), request_(request) {}

    std::string text(const std::vector<ProblemFact>& facts) {
        std::vector<std::string> lines;
        auto add = [&](std::string line) {
            if (!line.empty() && std::ranges::find(lines, line) == lines.end()) lines.push_back(std::move(line));
        };
        for (DependencyId spec : universe_.specs()) // as the request has them
            for (const ProblemFact& fact : facts)
                if (fact.dependency == spec &&
                    (fact.kind == ProblemFact::Kind::wanted || fact.kind == ProblemFact::Kind::unknown))
                    add(wanted(fact));
        for (DependencyId id : universe_.constraints())
            if (std::ranges::any_of(facts, [&](const ProblemFact& fact) {
                    return fact.kind == ProblemFact::Kind::constrained &&
                           universe_.entries()[fact.to].name == universe_.dependency(id).name;
                }))
                add(fmt::format("{} allows only {}", origin_of(id), universe_.dependency(id).text));
        for (std::string& line : grouped(facts)) add(std::move(line));
        std::string out;
        for (std::size_t i = 0; i < lines.size(); ++i) {
            if (i == most_lines && lines.size() > most_lines + 1) {
                out += fmt::format("\n  … and {} facts more", lines.size() - i);
                break;
            }
            out += "\n  " + lines[i];
        }
        return out;
    }

  private:
    const SolveSpec* spec_of(DependencyId id) const {
        auto find = [&](const std::vector<DependencyId>& ids, const std::vector<SolveSpec>& specs) -> const SolveSpec* {
            auto found = std::ranges::find(ids, id);
            return found == ids.end() ? nullptr : &specs[static_cast<std::size_t>(found - ids.begin())];
        };
        const SolveSpec* spec = find(universe_.specs(), request_.specs);
        return spec ? spec : find(universe_.constraints(), request_.constraints);
    }
    std::string origin_of(DependencyId id) const {
        const SolveSpec* spec = spec_of(id);
        return spec ? spec->origin : "";
    }

    // "1.26.4, 1.26.3 and 12 others"
    std::string versions(std::vector<CandidateId> ids, std::size_t most = 3) const {
        std::ranges::sort(ids, [&](CandidateId a, CandidateId b) {
            return *universe_.entries()[a].version > *universe_.entries()[b].version;
        });
        std::vector<std::string> seen;
        for (CandidateId id : ids)
            if (std::string_view text = universe_.entries()[id].version->text();
                std::ranges::find(seen, text) == seen.end())
                seen.emplace_back(text);
        return all_or_some(seen, most);
    }

    // The versions of a name: "there are 3.8.2, 3.8.1 and 4 others"
    std::string available(NameId name) const {
        const Universe::Name& one = universe_.names()[name];
        if (!one.candidates.empty()) return "there is " + versions(one.candidates, 5);
        if (one.text == "__cuda")
            return "the target has no GPU; --cuda VERSION or --virtual __cuda=VERSION gives it one";
        if (one.text.starts_with("__"))
            return fmt::format("the target has no {}; --virtual {}=VERSION gives it one", one.text, one.text);
        std::string out = "no channel has a package of that name";
        for (std::size_t i = 0; i < one.similar.size(); ++i)
            out += (i == 0 ? "; did you mean " : ", ") + one.similar[i];
        return out + (one.similar.empty() ? "" : "?");
    }

    std::string wanted(const ProblemFact& fact) const {
        const Universe::Dependency& dependency = universe_.dependency(fact.dependency);
        std::string line = fmt::format("{} asks for {}", origin_of(fact.dependency), dependency.text);
        if (fact.kind == ProblemFact::Kind::unknown) {
            line += ", and " + available(dependency.name);
            if (!dependency.spec.build_text.empty() && !universe_.names()[dependency.name].candidates.empty())
                line += builds(dependency);
        }
        return line;
    }

    // The builds of a version that has other builds than the one asked for.
    std::string builds(const Universe::Dependency& dependency) const {
        std::vector<std::string_view> found;
        for (CandidateId id : universe_.names()[dependency.name].candidates) {
            const Universe::Entry& entry = universe_.entries()[id];
            if (entry.record && (!dependency.spec.version || dependency.spec.version->matches(*entry.version)))
                found.push_back(entry.record->build);
        }
        std::string out;
        for (std::size_t i = 0; i < std::min<std::size_t>(found.size(), 4); ++i)
            out += (i == 0 ? "; of this version the builds " : ", ") + std::string(found[i]);
        return out + (found.size() > 4 ? ", …" : "");
    }

    std::vector<std::string> grouped(const std::vector<ProblemFact>& facts) {
        // name and requirement → the candidates that have it
        std::vector<std::pair<std::pair<NameId, std::string>, std::vector<CandidateId>>> groups;
        for (const ProblemFact& fact : facts) {
            std::string says;
            switch (fact.kind) {
            case ProblemFact::Kind::requires_:
                says = "requires " + universe_.dependency(fact.dependency).text;
                break;
            case ProblemFact::Kind::nothing:
                says = nothing(fact.dependency);
                break;
            case ProblemFact::Kind::constrains:
                says =
                    fmt::format("works only with {}", universe_.dependency(fact.dependency).text) + target_has(fact.to);
                break;
            default:
                continue;
            }
            std::pair key(universe_.entries()[fact.from].name, says);
            auto found = std::ranges::find(groups, key, [](const auto& one) { return one.first; });
            if (found == groups.end()) {
                groups.emplace_back(std::move(key), std::vector<CandidateId>());
                found = groups.end() - 1;
            }
            found->second.push_back(fact.from);
        }
        std::ranges::stable_sort(groups, {}, [&](const auto& one) { return depth(one.first.first); });
        std::vector<std::string> out;
        for (const auto& [key, who] : groups) {
            std::string says = key.second;
            const bool several = std::ranges::any_of(who, [&](CandidateId id) {
                return *universe_.entries()[id].version != *universe_.entries()[who[0]].version;
            });
            if (auto s = says.find("s "); several && (says.starts_with("requires ") || says.starts_with("works ")))
                says.erase(s, 1);
            out.push_back(fmt::format("{} {} {}", universe_.names()[key.first].text, versions(who), says));
        }
        return out;
    }

    std::string target_has(CandidateId id) const {
        const VirtualPackage* one = universe_.entries()[id].virtual_package;
        return one ? fmt::format(", and the target has {}", one->version) : "";
    }

    std::string nothing(DependencyId id) const {
        const Universe::Dependency& dependency = universe_.dependency(id);
        if (!dependency.problem.empty())
            return fmt::format("requires '{}', which cannot be understood ({})", dependency.text, dependency.problem);
        return fmt::format("requires {}, and {}", dependency.text, available(dependency.name));
    }

    // 0 for the request's own specs, then the distance to them: the derivation begins with the request.
    std::size_t depth(NameId name) {
        if (depths_.empty()) {
            std::vector<NameId> round;
            for (DependencyId spec : universe_.specs()) {
                if (depths_.emplace(universe_.dependency(spec).name, 0).second)
                    round.push_back(universe_.dependency(spec).name);
            }
            for (std::size_t level = 1; !round.empty(); ++level) {
                std::vector<NameId> next;
                for (NameId one : round)
                    for (CandidateId candidate : universe_.names()[one].candidates)
                        for (DependencyId dependency : universe_.entries()[candidate].depends)
                            if (NameId other = universe_.dependency(dependency).name;
                                depths_.emplace(other, level).second)
                                next.push_back(other);
                round = std::move(next);
            }
        }
        auto found = depths_.find(name);
        return found == depths_.end() ? SIZE_MAX : found->second;
    }

    Universe& universe_;
    const SolveRequest& request_;
    std::map<NameId, std::size_t> depths_;
};

} // namespace

std::string explain(Universe& universe, const SolveRequest& request, const std::vector<ProblemFact>& facts) {
    return Explanation(universe, request).text(facts);
}

} // namespace tinderbox::conda
