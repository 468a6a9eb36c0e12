// A conflict in words: the facts that exclude each other, without the search that found them.
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/pip/other_pythons.hpp"
#include "generator/pip/resolve_model.hpp"

#include <algorithm>

namespace tinderbox::pip {
namespace {

constexpr std::size_t most_facts = 12;

// "2.9.1", "1.0 to 1.4", "1.0, 1.2 and 1.9", "every version"
std::string versions_of(const Project& project, const VersionSet& set) {
    std::vector<std::size_t> in;
    for (std::size_t i = 0; i < project.candidates.size(); ++i)
        if (set.has(i)) in.push_back(i);
    auto text = [&](std::size_t i) { return project.candidates[i].version.str(); };
    if (in.size() == 1) return text(in[0]);
    std::string span = text(in.back()) + " to " + text(in.front());
    if (in.size() == project.candidates.size()) return "in every version (" + span + ")";
    if (in.size() == 2) return text(in[1]) + " and " + text(in[0]);
    bool contiguous = in.back() - in.front() + 1 == in.size();
    return contiguous ? span : fmt::format("({} versions from {})", in.size(), span);
}

std::string name_of(const ResolveModel& model, int package) {
    const auto& node = model.node(package);
    return node.name + (node.extra.empty() ? "" : "[" + node.extra + "]");
}

// The words behind ", but": why a requirement allows no file of a project.
std::string why_nothing(const ResolveModel& model, const Project& project, const Requirement& requirement) {
    const Target& target = model.options().target;
    const ProjectWheels& files = project.files;
    if (project.provided)
        return fmt::format("{} {} is there already, from conda or the captured environment, and is not replaced",
                           project.name, model.options().provided.at(project.name));
    if (project.direct)
        return fmt::format("{} names version {}", project.direct->line.str(), project.candidates.front().version.str());
    if (!files.known && files.asked.empty()) return "--no-index is set and there is no --find-links";
    if (!files.known) return fmt::format("there is no project '{}' in {}", project.name, fmt::join(files.asked, ", "));
    std::size_t same = 0, hidden_pre = 0, hidden_yanked = 0;
    std::string tag, python, withdrawn;
    for (const auto& wheel : files.wheels) {
        if (!requirement.specifier.matches(wheel.name.version)) continue;
        ++same;
        if (!wheel.rank) {
            tag = wheel.name.tags.front().str();
        } else if (!wheel.python_fits) {
            python = wheel.file.requires_python;
        } else if (wheel.file.yanked) {
            ++hidden_yanked;
            withdrawn = wheel.name.version.str();
        } else if (wheel.name.version.is_prerelease()) {
            ++hidden_pre;
        }
    }
    std::string elsewhere =
        files.not_asked.empty()
            ? ""
            : fmt::format(" ({} has the project, so {} was not asked: --index-strategy unsafe-best-match asks all)",
                          files.asked.back(), fmt::join(files.not_asked, ", "));
    if (hidden_pre > 0)
        return fmt::format(
            "only pre-releases fit, and they are taken only on request; write --pre, or a line '{}' that names one",
            project.name + ">=VERSIONrc1");
    if (hidden_yanked > 0)
        return fmt::format(
            "the version that fits was withdrawn by its authors; pin it ('{}=={}') to take it all the same",
            project.name, withdrawn);
    if (!python.empty())
        return fmt::format("the versions that fit require Python {}, and the environment has {}", python,
                           target.python);
    if (same > 0)
        return fmt::format("what fits has no wheel for {}, only for such as {}{}", describe_target(target), tag,
                           elsewhere);
    for (const auto& sdist : files.sdists)
        if (requirement.specifier.matches(sdist.name.version))
            return fmt::format(
                "the version that fits has only a source archive ({}), and an installer carries wheels only; "
                "--allow-sdist makes one here, or "
                "build it with 'pip wheel --no-deps {}=={}' and name its directory with --find-links{}",
                sdist.file.file_name, project.name, sdist.name.version.str(), elsewhere);
    if (project.candidates.empty())
        return fmt::format("{} has nothing for {}{}", fmt::join(files.asked, ", "), describe_target(target), elsewhere);
    return fmt::format("there is none in {}{}; the newest that fits {} is {}{}", fmt::join(files.asked, ", "),
                       cuda_hint(requirement.specifier), describe_target(target),
                       project.candidates.front().version.str(), elsewhere);
}

std::string sentence(const Fact& fact, const ResolveModel& model) {
    std::string out;
    if (fact.package == 0 || (fact.dependency < 0 && fact.text.find(" allows only ") != std::string::npos))
        out = fact.text;
    else
        out = fmt::format("{} {} {}", name_of(model, fact.package), versions_of(model.project(fact.package), fact.when),
                          fact.text);
    if (fact.dependency >= 0 && fact.allowed.empty() && fact.requirement)
        out += ", but " + why_nothing(model, model.project(fact.dependency), *fact.requirement);
    return out;
}

// Versions of one package that ask for the same other package in different words are one line: the newest's.
std::vector<std::string> sentences(const std::vector<Fact>& facts, const ResolveModel& model) {
    std::vector<std::string> out;
    std::map<std::pair<int, int>, std::vector<const Fact*>> groups;
    std::vector<std::pair<int, int>> order;
    for (const Fact& fact : facts) {
        if (fact.text.empty()) continue; // "foo[x] is of the version of foo"
        std::pair<int, int> key{fact.package,
                                fact.package == 0 ? -2 - static_cast<int>(order.size()) : fact.dependency};
        auto& group = groups[key];
        if (group.empty()) order.push_back(key);
        group.push_back(&fact);
    }
    std::set<std::string> said;
    for (const auto& key : order) {
        auto& group = groups[key];
        std::ranges::stable_sort(group, [](const Fact* a, const Fact* b) { return a->when.first() < b->when.first(); });
        for (std::size_t i = 0; i < group.size(); ++i) {
            std::string text = sentence(*group[i], model);
            if (i == 0 && group.size() > 2) {
                std::size_t versions = 0;
                for (std::size_t k = 1; k < group.size(); ++k) versions += group[k]->when.size();
                text += fmt::format(" (and {} older versions likewise)", versions);
            }
            if (said.insert(text).second) out.push_back(std::move(text));
            if (group.size() > 2) break;
        }
    }
    return out;
}

// Lines of the request that only another Python has wheels for are said together: else each would be found after the
// one before was mended.
std::optional<Error> wants_other_python(ResolveModel& model) {
    OtherPythons pythons(model.options().target);
    std::string text;
    auto facts = model.facts(0, 0); // of the request
    if (!facts.ok()) return std::nullopt;
    std::set<std::string> said;
    for (const Fact& fact : *facts) {
        if (fact.dependency < 0 || !fact.allowed.empty() || !fact.requirement) continue;
        const Project& project = model.project(fact.dependency);
        if (project.provided || project.direct || !said.insert(fact.text).second) continue;
        if (!pythons.add(project.name + fact.requirement->specifier.str(), project.files, fact.requirement->specifier))
            continue;
        text += sentence(fact, model) + "\n";
    }
    if (text.empty()) return std::nullopt;
    return Error{ErrorKind::unsatisfiable, text + pythons.sentence()};
}

} // namespace

Error explain(const SolverOutcome& outcome, ResolveModel& model) {
    // A line of the request that nothing answers needs no derivation. A project that nobody knows is a spelling mistake
    // or the wrong index more often than a conflict.
    for (const Fact& fact : outcome.reasons) {
        if (fact.package != 0 || fact.dependency < 0 || !fact.allowed.empty()) continue;
        const Project& project = model.project(fact.dependency);
        bool unknown = !project.files.known;
        ErrorKind kind = !unknown                          ? ErrorKind::unsatisfiable
                         : project.files.asked.empty()     ? ErrorKind::usage
                         : model.index().indexes().empty() ? ErrorKind::unsatisfiable
                                                           : ErrorKind::network;
        std::string way_out =
            unknown && kind != ErrorKind::usage ? " (404 Not Found); check its spelling, and the index's URL" : "";
        if (kind == ErrorKind::unsatisfiable)
            if (auto error = wants_other_python(model)) return std::move(*error);
        return Error{kind, sentence(fact, model) + way_out};
    }
    std::vector<std::string> lines = sentences(outcome.reasons, model);
    std::string text = "no set of packages satisfies the request:";
    for (std::size_t i = 0; i < lines.size() && i < most_facts; ++i) text += "\n  " + lines[i];
    if (lines.size() > most_facts) text += fmt::format("\n  … and {} more", lines.size() - most_facts);
    for (const Fact& fact : outcome.reasons) {
        if (fact.dependency < 0 || !model.project(fact.dependency).provided) continue;
        const std::string& name = model.project(fact.dependency).name;
        text += fmt::format(
            "\neither ask conda for a {0} that fits (or capture an environment that has one), or write versions in the "
            "pip request that work with {0} {1}",
            name, model.options().provided.at(name));
        break;
    }
    return Error{ErrorKind::unsatisfiable, text};
}

} // namespace tinderbox::pip
