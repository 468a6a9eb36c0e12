// libsolv, given the universe's candidates as sets. Used by solve.cpp only.
#pragma once

#include "generator/conda/universe.hpp"

#include <chrono>
#include <optional>

namespace tinderbox::conda {

// One of the facts that exclude each other.
struct ProblemFact {
    enum class Kind {
        wanted,      // the request's spec `dependency`
        unknown,     // the request's spec `dependency` fits nothing
        constrained, // the request's constraint `dependency`
        requires_,   // `from` requires `dependency`, which several candidates satisfy or which others exclude
        nothing,     // `from` requires `dependency`, which nothing satisfies
        constrains,  // `from` constrains `dependency`, `to` is not allowed
        one_of_name, // `from` and `to` have the same name
    } kind = Kind::wanted;
    CandidateId from = 0, to = 0;
    DependencyId dependency = 0;
};

struct SolverAnswer {
    bool solved = false;
    bool timeout = false; // neither an answer nor a contradiction was found
    std::vector<CandidateId> chosen;
    std::vector<ProblemFact> facts; // when there is no answer: the first contradiction
};

SolverAnswer run_libsolv(Universe& universe, std::chrono::milliseconds limit);

// A derivation of a few lines: "environment.yml:4 asks for …", "… requires …".
std::string explain(Universe& universe, const SolveRequest& request, const std::vector<ProblemFact>& facts);

} // namespace tinderbox::conda
