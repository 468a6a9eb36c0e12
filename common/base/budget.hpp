// How much one input from outside may ask for. A few bytes can ask for gigabytes or for hours: a limit of depth or of
// size alone does not stop that.
//
// The caller of a reader gives the budget, because the caller knows what the input is for; the reader spends it as it
// goes. What is over the budget is one error, which names the budget and the input. Peak memory of a refused input
// must stay below 512 MiB, its time below 10 s: tests/e2e/hostile/bombs.sh.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace tinderbox {

// A value type. What is not given is not limited.
struct Budget {
    std::uint64_t bytes = UINT64_MAX;   // of the input, and of what it is unpacked, expanded or rendered to
    std::uint64_t nodes = UINT64_MAX;   // values, members, lines: what costs memory each
    std::uint64_t depth = UINT64_MAX;   // levels of nesting, components of a path
    std::uint64_t files = UINT64_MAX;   // that it includes, in total
    std::uint64_t seconds = UINT64_MAX; // of waiting for a server
};

// `budget` for what `packed` bytes are unpacked to: some bytes can hold gigabytes of zeros, and nothing that is meant
// to be installed does. Code compresses to a third, text to a tenth, empty tables to a hundredth.
Budget for_packed(Budget budget, std::uint64_t packed);

enum class Resource { bytes, nodes, depth, files, seconds };

// The sentence of every budget: "INPUT: it takes more than 100 levels of nesting, …".
Error over_budget(ErrorKind kind, std::string_view input, Resource resource, std::uint64_t limit);

// What was spent of one input's budget. Each call fails when its part of the budget is used up. Not thread-safe.
class Spending {
  public:
    Spending(const Budget& budget, std::string input, ErrorKind kind = ErrorKind::usage)
        : budget_(budget), input_(std::move(input)), kind_(kind) {}
    const Budget& budget() const { return budget_; }

    Status bytes(std::uint64_t count) { return spend(Resource::bytes, spent_.bytes, count, budget_.bytes); }
    Status nodes(std::uint64_t count = 1) { return spend(Resource::nodes, spent_.nodes, count, budget_.nodes); }
    Status files(std::uint64_t count = 1) { return spend(Resource::files, spent_.files, count, budget_.files); }
    // Of something that is `depth` levels deep; nothing is added up.
    Status depth(std::uint64_t depth) const {
        return depth <= budget_.depth ? Status() : over(Resource::depth, budget_.depth);
    }

  private:
    Error over(Resource resource, std::uint64_t limit) const { return over_budget(kind_, input_, resource, limit); }
    Status spend(Resource resource, std::uint64_t& spent, std::uint64_t count, std::uint64_t limit) {
        if (count > limit - spent) return over(resource, limit);
        spent += count;
        return {};
    }

    Budget budget_;
    Budget spent_{0, 0, 0, 0, 0};
    std::string input_;
    ErrorKind kind_;
};

} // namespace tinderbox
