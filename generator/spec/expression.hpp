// Expressions of a construct.yaml: those of jinja's {{ … }} and {% if … %}, and those of selectors ("# [linux]").
//
// An expression is answered as jinja2 answers it, or refused: a half understood template would install something that
// its author did not write.
//
//   values      texts without a backslash, whole numbers, true, false, none, names
//   environment environ["X"], environ.get("X", "default"), os.environ, os.getenv("X", "default")
//   operators   A if C else B, or, and, not, in, not in, == != < <= > >=, + of texts, ~
//   methods     lower(), upper(), strip(), replace(OLD, NEW), startswith(TEXT), endswith(TEXT)
//   filters     lower, upper, trim, replace(OLD, NEW), default(VALUE), default(VALUE, true), d, string
#pragma once

#include "common/base/budget.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

namespace tinderbox::spec {

// A name that is not set. `name` is "" for the value of an "A if C" without "else", which is shown as "".
struct Undefined {
    std::string name;
};
// `variable`: the environment variable that was read and is not set; "" for a literal none.
struct None {
    std::string variable;
};
struct Environ {}; // the environment's variables: environ, os.environ
struct OsModule {};

using Value = std::variant<Undefined, None, bool, std::int64_t, std::string, Environ, OsModule>;
using Names = std::map<std::string, Value, std::less<>>;

enum class UnknownName {
    undefined, // as jinja has it: an error only where the value is needed
    refused,   // as Python has it: selectors
};

bool truth(const Value& value);

// Every text that is made on the way spends its bytes: forty times `a ~ a` is a thousand gigabytes.
// Errors (usage, without a place): "in 'EXPRESSION', …"; over the budget.
Result<Value> evaluate(std::string_view expression, const Names& names, Spending& spending,
                       UnknownName unknown = UnknownName::undefined);

// A value as {{ … }} writes it. Errors (usage, without a place): a value that makes no sense in a file.
Result<std::string> shown_value(const Value& value);

} // namespace tinderbox::spec
