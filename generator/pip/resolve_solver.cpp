#include "generator/pip/resolve_solver.hpp"

#include <algorithm>
#include <deque>
#include <set>

namespace tinderbox::pip {
namespace {

// A package that was in this many conflicts is decided early: its few possibilities cause them.
constexpr std::size_t many_conflicts = 5;

} // namespace

Solver::State& Solver::state(int package) {
    auto at = static_cast<std::size_t>(package);
    if (at < states_.size() && !states_[at].asked.empty()) return states_[at];
    if (at >= states_.size()) states_.resize(at + 1);
    std::size_t count = model_.candidates(package);
    states_[at].count = count;
    states_[at].asked.assign(count + 1, false); // never empty: that marks a package not seen yet
    for (Fact& fact : model_.general_facts(package)) add_fact(std::move(fact));
    return states_[at];
}

VersionSet Solver::current(int package) {
    State& s = state(package);
    return s.log.empty() ? VersionSet::all(s.count) : log_[static_cast<std::size_t>(s.log.back())].total;
}

void Solver::assign(int package, VersionSet own, int cause) {
    VersionSet total = current(package) & own;
    State& s = state(package);
    s.log.push_back(static_cast<int>(log_.size()));
    s.decided = s.decided || cause < 0;
    log_.push_back({package, std::move(own), std::move(total), level_, cause});
}

void Solver::attach(int index) {
    for (const Term& term : store_[static_cast<std::size_t>(index)].terms)
        state(term.package).incompatible.push_back(index);
}

int Solver::add(Incompatibility incompatibility) {
    store_.push_back(std::move(incompatibility));
    int index = static_cast<int>(store_.size()) - 1;
    attach(index);
    return index;
}

void Solver::add_fact(Fact fact) {
    (void)state(fact.package);
    if (fact.dependency ==
        fact.package) { // "a[all] requires a[x]" of the same version, or a package that excludes itself
        fact.when &= fact.allowed.complement();
        fact.dependency = -1;
        if (fact.when.empty()) return;
    }
    Incompatibility made;
    made.terms.push_back({fact.package, fact.when});
    if (fact.dependency >= 0) {
        (void)state(fact.dependency);
        VersionSet refused = fact.allowed.complement();
        if (!refused.full()) made.terms.push_back({fact.dependency, std::move(refused)});
        // Neighbouring versions mostly ask for the same: one incompatibility for all of them keeps conflicts short.
        for (int other : dependencies_[{fact.package, fact.dependency}]) {
            Incompatibility& known = store_[static_cast<std::size_t>(other)];
            Fact& same = facts_[static_cast<std::size_t>(known.fact)];
            if (same.text != fact.text || same.allowed != fact.allowed) continue;
            same.when |= fact.when;
            known.terms[0].set |= fact.when;
            return;
        }
    }
    made.fact = static_cast<int>(facts_.size());
    int package = fact.package, dependency = fact.dependency;
    facts_.push_back(std::move(fact));
    int index = add(std::move(made));
    if (dependency >= 0) dependencies_[{package, dependency}].push_back(index);
}

// The first assignment after which the term holds.
std::size_t Solver::satisfier(const Term& term) const {
    for (int index : states_[static_cast<std::size_t>(term.package)].log)
        if (log_[static_cast<std::size_t>(index)].total.subset_of(term.set)) return static_cast<std::size_t>(index);
    return log_.size();
}

// From "not (P in A, rest1)" and "not (P in B, rest2)" follows "not (P in A or B, rest1, rest2)".
Solver::Incompatibility Solver::resolvent(int left, int right, int package) const {
    std::map<int, VersionSet> terms;
    std::optional<VersionSet> both;
    for (int side : {left, right})
        for (const Term& term : store_[static_cast<std::size_t>(side)].terms) {
            if (term.package == package) {
                both = both ? *both | term.set : term.set;
                continue;
            }
            auto [at, fresh] = terms.emplace(term.package, term.set);
            if (!fresh) at->second &= term.set;
        }
    if (both && !both->full()) terms.emplace(package, std::move(*both));
    Incompatibility out;
    out.left = left;
    out.right = right;
    for (auto& [name, set] : terms) out.terms.push_back({name, std::move(set)});
    return out;
}

void Solver::backtrack(int level) {
    while (!log_.empty() && log_.back().level > level) {
        State& s = states_[static_cast<std::size_t>(log_.back().package)];
        s.log.pop_back();
        if (log_.back().cause < 0) s.decided = false;
        log_.pop_back();
    }
    level_ = level;
}

// Derives stronger incompatibilities from a violated one, until one forces a decision at an earlier level, and goes
// back there. False: no decision is left that could be changed.
bool Solver::resolve_conflict(int& conflict) {
    ++outcome_.conflicts;
    bool derived = false;
    while (true) {
        const auto& terms = store_[static_cast<std::size_t>(conflict)].terms;
        if (terms.empty() || (terms.size() == 1 && terms[0].package == 0)) {
            failure_ = conflict;
            return false;
        }
        std::size_t last = 0;
        const Term* term = nullptr;
        int previous = 0; // level
        for (const Term& one : terms) {
            std::size_t at = satisfier(one);
            if (!term || at > last) {
                if (term) previous = std::max(previous, log_[last].level);
                last = at;
                term = &one;
            } else {
                previous = std::max(previous, log_[at].level);
            }
        }
        const Assignment& assignment = log_[last];
        // Where the assignment alone does not make its term hold, the ones before it did a part.
        if (!assignment.own.subset_of(term->set)) {
            Term rest{term->package, term->set | assignment.own.complement()};
            std::size_t at = satisfier(rest);
            if (at < last) previous = std::max(previous, log_[at].level);
        }
        if (assignment.cause < 0 || previous < assignment.level) {
            ++states_[static_cast<std::size_t>(assignment.package)].conflicts;
            if (derived) attach(conflict);
            backtrack(previous);
            return true;
        }
        store_.push_back(resolvent(conflict, assignment.cause, assignment.package));
        conflict = static_cast<int>(store_.size()) - 1;
        derived = true;
    }
}

bool Solver::propagate(int package) {
    std::deque<int> changed = {package};
    while (!changed.empty()) {
        int here = changed.front();
        changed.pop_front();
        // Newest first: derived ones say more. The list may grow while it is walked.
        for (std::size_t i = state(here).incompatible.size(); i-- > 0;) {
            int index = state(here).incompatible[i];
            const Term* open = nullptr;
            bool contradicted = false;
            int unsatisfied = 0;
            for (const Term& term : store_[static_cast<std::size_t>(index)].terms) {
                VersionSet now = current(term.package);
                if (now.subset_of(term.set)) continue;
                if (now.disjoint(term.set)) {
                    contradicted = true;
                    break;
                }
                if (++unsatisfied > 1) break;
                open = &term;
            }
            if (contradicted || unsatisfied > 1) continue;
            if (unsatisfied == 0) {
                if (!resolve_conflict(index)) return false;
                // Exactly one of its terms is open now.
                for (const Term& term : store_[static_cast<std::size_t>(index)].terms)
                    if (!current(term.package).subset_of(term.set)) open = &term;
                changed.clear();
            }
            int forced = open->package;
            assign(forced, open->set.complement(), index);
            changed.push_back(forced);
            if (unsatisfied == 0) break;
        }
    }
    return true;
}

// The incompatibility that the candidate would violate at once, or -1.
int Solver::violated(int package, std::size_t candidate) {
    VersionSet only = VersionSet::only(state(package).count, candidate);
    for (int index : state(package).incompatible)
        if (std::ranges::all_of(store_[static_cast<std::size_t>(index)].terms, [&](const Term& term) {
                return term.package == package ? only.subset_of(term.set) : current(term.package).subset_of(term.set);
            }))
            return index;
    return -1;
}

// "a" was decided, and one version of "b" after the other wants another "a": before "b" is followed down to versions of
// years ago it gets its turn first. Once a package, so that it cannot go on for ever.
void Solver::count_conflict(int package, int incompatibility) {
    if (++state(package).conflicts != many_conflicts) return;
    int level = level_;
    for (const Term& term : store_[static_cast<std::size_t>(incompatibility)].terms) {
        if (term.package == package || term.package == 0 || !state(term.package).decided) continue;
        for (int index : state(term.package).log)
            if (log_[static_cast<std::size_t>(index)].cause < 0)
                level = std::min(level, log_[static_cast<std::size_t>(index)].level - 1);
    }
    backtrack(level);
}

// The undecided package to go on with: one possibility first, then many conflicts, then the order of discovery.
int Solver::next_package() {
    int best = -1;
    std::pair<int, std::size_t> best_rank;
    for (std::size_t i = 0; i < states_.size(); ++i) {
        const State& s = states_[i];
        if (s.decided || s.log.empty()) continue;
        const VersionSet& now = log_[static_cast<std::size_t>(s.log.back())].total;
        if (now.has_absent()) continue;
        int kind = now.size() == 1 ? 0 : s.conflicts >= many_conflicts ? 1 : 2;
        std::pair<int, std::size_t> rank{kind, i};
        if (best >= 0 && !(rank < best_rank)) continue;
        best = static_cast<int>(i);
        best_rank = rank;
    }
    return best;
}

std::vector<Fact> Solver::leaves(int incompatibility) const {
    std::vector<Fact> out;
    std::set<int> seen;
    std::vector<int> open = {incompatibility};
    while (!open.empty()) {
        int index = open.back();
        open.pop_back();
        if (index < 0 || !seen.insert(index).second) continue;
        const Incompatibility& one = store_[static_cast<std::size_t>(index)];
        if (one.fact >= 0) out.push_back(facts_[static_cast<std::size_t>(one.fact)]);
        open.push_back(one.right);
        open.push_back(one.left);
    }
    return out;
}

Result<SolverOutcome> Solver::run() {
    (void)state(0);
    Incompatibility request;
    request.terms.push_back({0, VersionSet::absent(1)});
    add(std::move(request));
    assign(0, VersionSet::only(1, 0), static_cast<int>(store_.size()) - 1);
    int next = 0;
    while (next >= 0) {
        if (!propagate(next)) {
            outcome_.reasons = leaves(failure_);
            return std::move(outcome_);
        }
        next = next_package();
        if (next < 0) break;
        if (++outcome_.decisions > decision_limit_)
            return make_error(ErrorKind::unsatisfiable,
                              "no set of packages was found in {} steps; pin some of the packages to "
                              "make the search smaller",
                              decision_limit_);
        model_.progress(log_.size());
        std::size_t candidate = current(next).first();
        if (!state(next).asked[candidate]) {
            state(next).asked[candidate] = true;
            TRY_ASSIGN(std::vector<Fact> facts, model_.facts(next, candidate));
            for (Fact& fact : facts) add_fact(std::move(fact));
        }
        if (int index = violated(next, candidate); index >= 0) {
            count_conflict(next, index);
            continue; // propagating rules it out
        }
        ++level_;
        assign(next, VersionSet::only(state(next).count, candidate), -1);
    }
    outcome_.solved = true;
    for (std::size_t i = 1; i < states_.size(); ++i)
        if (states_[i].decided)
            outcome_.chosen.emplace_back(static_cast<int>(i),
                                         log_[static_cast<std::size_t>(states_[i].log.back())].total.first());
    return std::move(outcome_);
}

} // namespace tinderbox::pip
