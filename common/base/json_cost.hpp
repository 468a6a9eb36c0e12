// What a JSON text would cost to read, told without reading it: a document of some megabytes can ask for gigabytes of
// values, and one that is nested deeply ends the program when it is copied. Thread-safe.
#pragma once

#include "common/base/budget.hpp"

namespace tinderbox {

// For a document that becomes values in memory. Four million values take up to 400 MiB; that is the paths.json of a
// package with 650,000 files.
inline constexpr Budget json_budget{.nodes = 4'000'000, .depth = 100};

// Spends `budget.nodes` and `budget.depth` on commas and brackets outside of strings. Whether it is JSON at all says
// the parser. `input` names it in the error, which is of kind `kind`.
Status check_json_cost(std::string_view text, std::string_view input, const Budget& budget = json_budget,
                       ErrorKind kind = ErrorKind::usage);

// For a reader that leaves out what it cannot use, without a sentence.
inline bool is_affordable_json(std::string_view text, const Budget& budget = json_budget) {
    return check_json_cost(text, "", budget).ok();
}

} // namespace tinderbox
