// The search itself: PubGrub (N. Weizenbaum, 2018) over finite candidate sets. It knows packages by number and facts by
// sets; the model knows wheels, markers and extras (resolve_model.hpp).
//
// Why PubGrub and not trial and error: it turns a conflict into a new fact that rules out the whole reason. So the
// search never meets the same conflict twice, always ends, and names the facts that exclude each other.
#pragma once

#include "common/base/result.hpp"
#include "generator/pip/version_set.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tinderbox::pip {

struct Requirement;

// A requirement: "if `package` is one of `when`, then `dependency` must be one of `allowed`". Without dependency: no
// candidate of `when` can be used. Facts come from outside: lines of the request, metadata, constraints.
struct Fact {
    int package = 0;
    VersionSet when;
    int dependency = -1; // -1: `when` is unusable
    VersionSet allowed;  // of the dependency; never holds "absent"
    std::string text;    // "requires numpy<2"; of package 0 a whole clause; "": left out of explanations
    std::shared_ptr<const Requirement> requirement; // for the model's explanations, opaque here
};

class SolverModel {
  public:
    virtual ~SolverModel() = default;
    // The number of candidates of a package. Package 0 is the request itself, with one candidate.
    virtual std::size_t candidates(int package) = 0;
    // Facts about one candidate, asked for once, when it is tried. They may name new packages.
    virtual Result<std::vector<Fact>> facts(int package, std::size_t candidate) = 0;
    // Facts that hold for every choice (constraints), asked for once for each package.
    virtual std::vector<Fact> general_facts(int package) = 0;
    // Called before every decision: the number of packages decided so far.
    virtual void progress(std::size_t decided) = 0;
};

struct SolverOutcome {
    bool solved = false;
    std::vector<std::pair<int, std::size_t>> chosen; // package, candidate; without package 0
    std::vector<Fact>
        reasons; // not solved: the facts that exclude each other, each once, in the order of the derivation
    std::size_t decisions = 0, conflicts = 0;
};

// Errors: those of the model; kind unsatisfiable when `decision_limit` is reached.
class Solver {
  public:
    explicit Solver(SolverModel& model, std::size_t decision_limit = 1'000'000)
        : model_(model), decision_limit_(decision_limit) {}
    Result<SolverOutcome> run();

  private:
    struct Term {
        int package;
        VersionSet set;
    };
    // Not all of the terms hold at once.
    struct Incompatibility {
        std::vector<Term> terms;   // one a package
        int left = -1, right = -1; // of a derived one
        int fact = -1;             // of one from outside
    };
    struct Assignment {
        int package;
        VersionSet own;   // what this assignment says
        VersionSet total; // with all before it
        int level;
        int cause; // incompatibility, -1: a decision
    };
    struct State {
        std::size_t count = 0;         // candidates
        std::vector<int> incompatible; // incompatibilities that name the package
        std::vector<int> log;          // its assignments, indexes into log_
        std::vector<bool> asked;       // candidates whose facts are known
        std::size_t conflicts = 0;
        bool decided = false;
    };

    State& state(int package);
    VersionSet current(int package);
    void assign(int package, VersionSet own, int cause);
    void add_fact(Fact fact);
    int add(Incompatibility incompatibility);
    void attach(int index);
    // False: the request cannot be satisfied, failure_ says why.
    bool propagate(int package);
    bool resolve_conflict(int& incompatibility);
    Incompatibility resolvent(int left, int right, int package) const;
    std::size_t satisfier(const Term& term) const;
    void backtrack(int level);
    int violated(int package, std::size_t candidate);
    void count_conflict(int package, int incompatibility);
    int next_package();
    std::vector<Fact> leaves(int incompatibility) const;

    SolverModel& model_;
    std::size_t decision_limit_;
    std::vector<State> states_;
    std::vector<Incompatibility> store_;
    std::vector<Fact> facts_;
    std::map<std::pair<int, int>, std::vector<int>>
        dependencies_; // (package, dependency) → incompatibilities, to merge
    std::vector<Assignment> log_;
    int level_ = 0;
    int failure_ = -1;
    SolverOutcome outcome_;
};

} // namespace tinderbox::pip
