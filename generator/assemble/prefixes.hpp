// The prefixes of an image: the environment's, the base's, those of the base's further environments.
#pragma once

#include "generator/assemble/link.hpp"

#include <algorithm>
#include <span>
#include <unordered_map>

namespace tinderbox::assemble {

struct LinkedPrefix {
    format::Root root = format::Root::env;
    const format::PythonInfo* python = nullptr;           // null: the prefix has no Python
    format::PrefixName name;                              // as in the manifest
    std::unordered_map<std::string, std::size_t> by_path; // final path → index into Table::destinations, until sorted
};

// `python` (null: the environment has none) and `base` (null: there is no base) have to outlive this.
class Prefixes {
  public:
    Prefixes(const format::PythonInfo* python, const BaseLink* base);

    LinkedPrefix& at(format::Root root) { return prefixes_[format::prefix_index(root)]; }
    const LinkedPrefix& at(format::Root root) const { return prefixes_[format::prefix_index(root)]; }
    const LinkedPrefix& env() const { return prefixes_.front(); }
    // Of the environment, which must have one: every environment with wheels has.
    const format::PythonInfo& python() const { return *env().python; }
    // In the order of format::prefix_index.
    std::span<LinkedPrefix> all() { return prefixes_; }
    // The base's and those of its further environments; empty without a base.
    std::span<const LinkedPrefix> of_base() const { return std::span(prefixes_).subspan(1); }
    // Those of the base's further environments.
    std::span<const LinkedPrefix> further() const {
        return std::span(prefixes_).subspan(std::min<std::size_t>(2, prefixes_.size()));
    }

  private:
    std::vector<LinkedPrefix> prefixes_;
};

// Where a destination of a parcel lies in `to`. Error (usage): it is for Python, and `to` has none; `who` names it.
Result<std::string> path_in(const LinkedPrefix& to, const nlohmann::json& metadata, const format::Destination& from,
                            const std::string& who);

} // namespace tinderbox::assemble
