// Requirements that the target's Python has no wheel for, while another one has: the Python to ask for.
#pragma once

#include "generator/pip/select.hpp"

#include <set>
#include <string>
#include <vector>

namespace tinderbox::pip {

// Gathers over a request, so that one sentence names a Python for all of it. Not thread-safe.
class OtherPythons {
  public:
    explicit OtherPythons(const Target& target) : target_(target) {}

    // `what`: the requirement as it is shown. Whether wheels of `versions` fit the target's platform with other minor
    // versions of Python alone.
    bool add(const std::string& what, const ProjectWheels& files, const SpecifierSet& versions);

    // "these need Python 3.6 – 3.8: a==1, b==2; write --python 3.8 …"; "" when nothing was added.
    std::string sentence() const;

  private:
    struct Row {
        std::string what;
        std::set<int> minors;
    };
    const Target& target_;
    std::vector<Row> rows_;
};

} // namespace tinderbox::pip
