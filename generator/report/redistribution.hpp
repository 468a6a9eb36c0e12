// What may be handed on: a class for every package, from the versioned table templates/redistribution.json.
//
// A NAME.run hands on what other people own. Most of it is free software; some of it comes with conditions that its
// user should hear of before the file lies on a web server, with a way out. The table is data and dated; it gives no
// advice on law, and a package that no rule knows is "unknown", which is not held against it.
#pragma once

#include "common/format/manifest.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox {

struct RedistributionClass {
    std::string id, title, terms, terms_url, way_out;
    bool restricted = false;
};

class RedistributionTable {
  public:
    // `text`: the table as JSON. Error: kind bug, the table is part of this program.
    static Result<RedistributionTable> parse(std::string_view text);

    // The id of a package's class: a rule's, "free" when its licence is a known free one, else "unknown".
    std::string classify(const PackageInfo& package) const;
    void classify_all(std::vector<PackageInfo>& packages) const;
    const RedistributionClass* find(std::string_view id) const; // nullptr: unknown

    // One sentence for each restricted class among the packages (whose `redistribution` is set), with the way out.
    std::vector<std::string> restrictions(const std::vector<PackageInfo>& packages) const;

  private:
    struct Rule {
        std::string id, kind, name, version, url, license;
    };
    static bool fits(const Rule& rule, const PackageInfo& package);

    std::vector<RedistributionClass> classes_;
    std::vector<Rule> rules_;
};

} // namespace tinderbox
