#include "generator/conda/libsolv.hpp"

// "requires" is a word of C++ now.
#define LIBSOLV_SOLVABLE_PREPEND_DEP
extern "C" {
#include <solv/pool.h>
#include <solv/poolarch.h>
#include <solv/repo.h>
#include <solv/solver.h>
#include <solv/solverdebug.h>
}

#include "common/base/threads.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csetjmp>
#include <mutex>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

namespace tinderbox::conda {
namespace {

// Libsolv gets a dependency with at most so many exceptions (and more candidates than exceptions) as "one of that name"
// and "none of those". A list of the allowed candidates means the same, but each clause that libsolv learns from it
// repeats the list and says little. The sudoku index (81 names, each "not 1" of twenty others) takes 0.1 s instead of
// 13 s. More exceptions do not pay: each is a rule, and an index has millions of "lib >=1.2".
constexpr std::size_t most_exceptions = 2;

// libsolv cannot be stopped, but its debug messages reach a callback, which leaves it with longjmp. It does so at the
// first contradiction, because libsolv would go on to another one that may take as long. It does so too when the time
// is over; only then are the messages turned on, so that they cost nothing before. The C functions on the way lose a
// few small arrays.
class Stopper {
  public:
    enum class End { finished, contradiction, timeout };

    Stopper(Pool* pool, Solver* solver, std::chrono::milliseconds limit) : pool_(pool), solver_(solver), limit_(limit) {
        pool_setdebugmask(pool, SOLV_DEBUG_SOLVER);
        pool_setdebugcallback(pool, &Stopper::listen, this);
    }
    Stopper(const Stopper&) = delete;
    Stopper& operator=(const Stopper&) = delete;
    ~Stopper() {
        pool_setdebugcallback(pool_, nullptr, nullptr);
        pool_setdebugmask(pool_, 0);
    }

    End solve(Queue& job) {
        Threads clock; // where the system gives no thread, there is no limit
        (void)clock.start([this](const std::stop_token& stop) {
            wait(stop);
            return Status();
        });
        return solve_guarded(job);
    }

  private:
    // Nothing in here has a destructor: longjmp would not run it.
    End solve_guarded(Queue& job) {
        if (setjmp(left_) != 0) {
#if defined(__SANITIZE_ADDRESS__)
            __lsan_enable();
#endif
            return why_;
        }
#if defined(__SANITIZE_ADDRESS__)
        __lsan_disable();
#endif
        solver_solve(solver_, &job);
#if defined(__SANITIZE_ADDRESS__)
        __lsan_enable();
#endif
        return solver_problem_count(solver_) > 0 ? End::contradiction : End::finished;
    }

    void wait(const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any ended;
        std::unique_lock lock(mutex);
        ended.wait_for(lock, stop, limit_, [] { return false; });
        if (stop.stop_requested()) return;
        timeout_ = true;
        std::atomic_ref(pool_->debugmask)
            .store(SOLV_DEBUG_SOLVER | SOLV_DEBUG_POLICY | SOLV_DEBUG_ANALYZE, std::memory_order_relaxed);
    }

    static void listen(Pool*, void* data, int, const char*) {
        auto& self = *static_cast<Stopper*>(data);
        if (solver_problem_count(self.solver_) > 0) self.why_ = End::contradiction;
        else if (self.timeout_) self.why_ = End::timeout;
        else return;
        std::longjmp(self.left_, 1);
    }

    Pool* pool_;
    Solver* solver_;
    std::chrono::milliseconds limit_;
    std::atomic<bool> timeout_ = false;
    End why_ = End::finished;
    std::jmp_buf left_;
};

// libsolv knows a dependency as NAMESPACE(number) and asks for the packages that satisfy it. "Not" stands for the
// packages that `constrains` excludes.
class Problem {
  public:
    explicit Problem(Universe& universe) : universe_(universe), pool_(pool_create()) {
        pool_setdisttype(pool_, DISTTYPE_CONDA);
        pool_set_flag(pool_, POOL_FLAG_FORBIDSELFCONFLICTS, 1); // "constrains" of its own name counts
        namespace_ = pool_str2id(pool_, "tinderbox", 1);
        pool_->nscallback = &Problem::resolve;
        pool_->nscallbackdata = this;
        add_packages();
        pool_createwhatprovides(pool_);
    }
    Problem(const Problem&) = delete;
    Problem& operator=(const Problem&) = delete;
    ~Problem() {
        if (solver_) solver_free(solver_);
        pool_free(pool_);
    }

    SolverAnswer run(std::chrono::milliseconds limit) {
        SolverAnswer out;
        Queue job;
        queue_init(&job);
        for (DependencyId spec : universe_.specs()) {
            const auto& matches = universe_.matches(spec);
            Queue wanted;
            queue_init(&wanted);
            for (CandidateId candidate : matches) queue_push(&wanted, solvable(candidate));
            if (wanted.count == 0) out.facts.push_back({ProblemFact::Kind::unknown, 0, 0, spec});
            else
                queue_push2(&job, SOLVER_INSTALL | SOLVER_SOLVABLE_ONE_OF,
                            static_cast<Id>(pool_queuetowhatprovides(pool_, &wanted)));
            queue_free(&wanted);
            job_specs_.push_back(spec);
        }
        if (!out.facts.empty()) {
            queue_free(&job);
            return out;
        }
        // The target has the virtual packages, so constraints on them count even where no package depends on them.
        for (const Universe::Name& name : universe_.names())
            for (CandidateId candidate : name.candidates)
                if (universe_.entries()[candidate].virtual_package)
                    queue_push2(&job, SOLVER_INSTALL | SOLVER_SOLVABLE, solvable(candidate));
        for (DependencyId constraint : universe_.constraints()) {
            Queue others;
            queue_init(&others);
            complement(constraint, others);
            for (int i = 0; i < others.count; ++i)
                queue_push2(&job, SOLVER_ERASE | SOLVER_SOLVABLE, others.elements[i]);
            queue_free(&others);
        }
        solver_ = solver_create(pool_);
        solver_set_flag(solver_, SOLVER_FLAG_ALLOW_DOWNGRADE, 1);
        solver_set_flag(solver_, SOLVER_FLAG_IGNORE_RECOMMENDED, 1);
        const Stopper::End end = Stopper(pool_, solver_, limit).solve(job);
        out.timeout = end == Stopper::End::timeout;
        out.solved = end == Stopper::End::finished;
        if (out.solved) {
            Queue decisions;
            queue_init(&decisions);
            solver_get_decisionqueue(solver_, &decisions);
            for (int i = 0; i < decisions.count; ++i)
                if (decisions.elements[i] > 0)
                    if (auto candidate = candidate_of(decisions.elements[i])) out.chosen.push_back(*candidate);
            queue_free(&decisions);
        } else if (end == Stopper::End::contradiction) {
            collect_facts(out);
        }
        queue_free(&job);
        return out;
    }

  private:
    Id solvable(CandidateId candidate) const { return solvables_[candidate]; }
    std::optional<CandidateId> candidate_of(Id solvable) const {
        const auto index = static_cast<std::size_t>(solvable);
        if (index >= candidates_.size() || candidates_[index] < 0) return std::nullopt;
        return static_cast<CandidateId>(candidates_[index]);
    }

    Id dependency_id(DependencyId id, bool negated) {
        const std::string text = fmt::format("{}{}", negated ? "!" : "", id);
        const Id evr = pool_str2id(pool_, text.c_str(), 1);
        if (static_cast<std::size_t>(evr) >= dependency_of_.size())
            dependency_of_.resize(static_cast<std::size_t>(evr) + 1024, {0, false});
        dependency_of_[static_cast<std::size_t>(evr)] = {id, negated};
        return pool_rel2id(pool_, namespace_, evr, REL_NAMESPACE, 1);
    }

    Id name_id_of(NameId name) { return pool_str2id(pool_, universe_.names()[name].text.c_str(), 1); }

    bool by_exceptions(DependencyId id) {
        const std::size_t allowed = universe_.matches(id).size();
        const std::size_t others = universe_.names()[universe_.dependency(id).name].candidates.size() - allowed;
        return others <= most_exceptions && others < allowed;
    }

    void add_packages() {
        Repo* repo = repo_create(pool_, "channels");
        const auto& entries = universe_.entries();
        solvables_.assign(entries.size(), 0);
        for (const Universe::Name& name : universe_.names()) {
            const Id name_id = name_id_of(static_cast<NameId>(&name - universe_.names().data()));
            // The order of candidates is ours; libsolv sees it as versions.
            std::size_t rank = name.candidates.size();
            for (CandidateId candidate : name.candidates) {
                const Universe::Entry& entry = entries[candidate];
                const Id id = repo_add_solvable(repo);
                Solvable* s = pool_id2solvable(pool_, id);
                s->name = name_id;
                s->evr = pool_str2id(pool_, fmt::format("{}", rank--).c_str(), 1);
                s->dep_provides = repo_addid_dep(repo, s->dep_provides, name_id, 0);
                for (DependencyId dependency : entry.depends) {
                    const bool exceptions = by_exceptions(dependency);
                    const Id wanted = exceptions ? name_id_of(universe_.dependency(dependency).name)
                                                 : dependency_id(dependency, false);
                    s->dep_requires = repo_addid_dep(repo, s->dep_requires, wanted, 0);
                    if (exceptions)
                        s->dep_conflicts = repo_addid_dep(repo, s->dep_conflicts, dependency_id(dependency, true), 0);
                }
                for (DependencyId dependency : entry.constrains)
                    if (universe_.dependency(dependency).problem.empty())
                        s->dep_conflicts = repo_addid_dep(repo, s->dep_conflicts, dependency_id(dependency, true), 0);
                solvables_[candidate] = id;
                if (static_cast<std::size_t>(id) >= candidates_.size())
                    candidates_.resize(static_cast<std::size_t>(id) + 4096, -1);
                candidates_[static_cast<std::size_t>(id)] = static_cast<std::int64_t>(candidate);
            }
        }
    }

    // The candidates of a dependency's name that the dependency does not allow.
    void complement(DependencyId id, Queue& out) {
        const auto& allowed = universe_.matches(id);
        std::size_t next = 0;
        for (CandidateId candidate : universe_.names()[universe_.dependency(id).name].candidates) {
            if (next < allowed.size() && allowed[next] == candidate) ++next;
            else queue_push(&out, solvable(candidate));
        }
    }

    static Id resolve(Pool* pool, void* data, Id name, Id evr) {
        auto& self = *static_cast<Problem*>(data);
        if (name != self.namespace_ || static_cast<std::size_t>(evr) >= self.dependency_of_.size()) return 0;
        auto [id, negated] = self.dependency_of_[static_cast<std::size_t>(evr)];
        Queue packages;
        queue_init(&packages);
        if (negated) self.complement(id, packages);
        else
            for (CandidateId candidate : self.universe_.matches(id)) queue_push(&packages, self.solvable(candidate));
        // An empty set has the number 1, which would mean "the system has it".
        const Id out = packages.count == 0 ? 0 : static_cast<Id>(pool_queuetowhatprovides(pool, &packages));
        queue_free(&packages);
        return out;
    }

    void collect_facts(SolverAnswer& out) {
        Queue rules;
        queue_init(&rules);
        solver_findallproblemrules(solver_, 1, &rules);
        for (int i = 0; i < rules.count; ++i) add_fact(rules.elements[i], out);
        queue_free(&rules);
    }

    // `dep` is a dependency, or only the name of one that is told by its exceptions.
    DependencyId our_dependency(Id dep, CandidateId from) {
        if (!ISRELDEP(dep)) {
            for (DependencyId one : universe_.entries()[from].depends)
                if (name_id_of(universe_.dependency(one).name) == dep && by_exceptions(one)) return one;
            return 0;
        }
        const Reldep* relation = GETRELDEP(pool_, dep);
        return dependency_of_[static_cast<std::size_t>(relation->evr)].first;
    }

    void add_fact(Id rule, SolverAnswer& out) {
        Id from = 0, to = 0, dep = 0;
        ProblemFact fact;
        auto candidate = [&](Id id) { return id > 0 ? candidate_of(id).value_or(0) : 0; };
        switch (solver_ruleinfo(solver_, rule, &from, &to, &dep)) {
        case SOLVER_RULE_JOB: {
            Id what = 0;
            const Id how = solver_rule2job(solver_, rule, &what);
            if ((how & SOLVER_JOBMASK) == SOLVER_ERASE) {
                fact.kind = ProblemFact::Kind::constrained;
                fact.to = candidate(what);
                break;
            }
            // Jobs are pairs of Ids, the request's specs first.
            const std::size_t number = static_cast<std::size_t>(solver_rule2jobidx(solver_, rule) - 1) / 2;
            if (number >= job_specs_.size()) return;
            fact.kind = ProblemFact::Kind::wanted;
            fact.dependency = job_specs_[number];
            break;
        }
        case SOLVER_RULE_PKG_NOTHING_PROVIDES_DEP:
            fact.kind = ProblemFact::Kind::nothing;
            fact.from = candidate(from);
            fact.dependency = our_dependency(dep, fact.from);
            break;
        case SOLVER_RULE_PKG_REQUIRES:
            fact.kind = ProblemFact::Kind::requires_;
            fact.from = candidate(from);
            fact.dependency = our_dependency(dep, fact.from);
            break;
        case SOLVER_RULE_PKG_CONFLICTS:
        case SOLVER_RULE_PKG_SELF_CONFLICT:
        case SOLVER_RULE_PKG_CONSTRAINS:
            fact.kind = ProblemFact::Kind::constrains;
            fact.from = candidate(from);
            fact.to = candidate(to);
            fact.dependency = our_dependency(dep, fact.from);
            if (std::ranges::find(universe_.entries()[fact.from].depends, fact.dependency) !=
                universe_.entries()[fact.from].depends.end())
                fact.kind = ProblemFact::Kind::requires_; // told by its exceptions
            break;
        case SOLVER_RULE_PKG_SAME_NAME:
            fact.kind = ProblemFact::Kind::one_of_name;
            fact.from = candidate(from);
            fact.to = candidate(to);
            break;
        default:
            return;
        }
        out.facts.push_back(fact);
    }

    Universe& universe_;
    Pool* pool_;
    Solver* solver_ = nullptr;
    Id namespace_ = 0;
    std::vector<Id> solvables_;                                // by candidate
    std::vector<std::int64_t> candidates_;                     // by solvable
    std::vector<std::pair<DependencyId, bool>> dependency_of_; // by Id of the number's text
    std::vector<DependencyId> job_specs_;
};

} // namespace

SolverAnswer run_libsolv(Universe& universe, std::chrono::milliseconds limit) { return Problem(universe).run(limit); }

} // namespace tinderbox::conda
