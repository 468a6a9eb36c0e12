// The terms of redistribution: a class for each package, from the table templates/redistribution.json.
//
// A NAME.run contains other people's packages. Most are free software; some have conditions that the user should know
// before publishing the file, and a remedy. The table has a version and a date, and gives no legal advice. A package
// without a rule is "unknown", and is not refused.
#pragma once

#include "common/format/manifest.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::report {

struct RedistributionClass {
    std::string id, title, terms, terms_url, way_out;
    bool restricted = false;
};

class RedistributionTable {
  public:
    // `text`: the table as JSON. Error: kind bug, the table is part of this program.
    static Result<RedistributionTable> parse(std::string_view text);

    // The id of a package's class: that of its rule, "free" for a known free licence, else "unknown".
    std::string classify(const format::PackageInfo& package) const;
    void classify_all(std::vector<format::PackageInfo>& packages) const;
    const RedistributionClass* find(std::string_view id) const; // nullptr: unknown

    // One sentence with a remedy for each restricted class among the packages (whose `redistribution` is set).
    std::vector<std::string> restrictions(const std::vector<format::PackageInfo>& packages) const;

  private:
    struct Rule {
        std::string id, kind, name, version, url, license;
    };
    static bool fits(const Rule& rule, const format::PackageInfo& package);

    std::vector<RedistributionClass> classes_;
    std::vector<Rule> rules_;
};

} // namespace tinderbox::report
