// Environment markers: PEP 508's "; python_version < '3.12' and extra == 'test'".
//
// Evaluated for the target's environment from the caller, never for this machine, unlike `pip download --platform`
// (pypa/pip#4304).
#pragma once

#include "common/base/result.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::pip {

// Every variable of PEP 508 but `extra`, by its name. PEP 751's `extras` and `dependency_groups` are names, one a line;
// an `extra` given here is the same, and overrules evaluate()'s.
using MarkerEnvironment = std::map<std::string, std::string, std::less<>>;

class Marker {
  public:
    // Error (kind usage): the position of the first mistake.
    static Result<Marker> parse(std::string_view text);

    // True when it holds for one of `extras` (normalised names), or for no extra when `extras` is empty, as pip selects
    // the requirements of "name[extra]". A variable that `environment` lacks is "".
    bool evaluate(const MarkerEnvironment& environment, const std::vector<std::string>& extras = {}) const;
    std::string str() const;

    struct Node; // of the parsed expression
  private:
    explicit Marker(std::shared_ptr<const Node> root) : root_(std::move(root)) {}
    std::shared_ptr<const Node> root_;
};

} // namespace tinderbox::pip
