#include "generator/pip/other_pythons.hpp"

#include "common/base/number.hpp"
#include "common/base/text.hpp"
#include "generator/pip/lenient.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>

namespace tinderbox::pip {
namespace {

constexpr int oldest = 5, newest_asked = 20; // minor versions; the newest stand for those to come
constexpr std::size_t shown = 12;

// The minor versions of Python 3 for which a project has wheels of the wanted versions, on the target's platform.
std::set<int> minors_of(const ProjectWheels& files, const SpecifierSet& versions, const Target& target) {
    std::set<int> out;
    for (int minor = oldest; minor <= newest_asked; ++minor) {
        Target other = target;
        other.python = fmt::format("3.{}", minor);
        const TagRanking ranking(other);
        const Version python = *Version::parse(other.python + ".99");
        for (const auto& wheel : files.wheels) {
            auto needed = parse_requires_python(wheel.file.requires_python);
            if (versions.matches(wheel.name.version) && ranking.rank(wheel.name.tags) &&
                (!needed || needed->matches(python)))
                out.insert(minor);
        }
    }
    return out;
}

int minor_of(const Target& target) {
    const std::string text = target.python_minor();
    int out = 0;
    (void)parse_number(std::string_view(text).substr(std::min<std::size_t>(2, text.size())), out); // behind "3."
    return out;
}

// "3.8", "3.6 – 3.8", "3.9 or newer"
std::string span_of(const std::set<int>& minors) {
    const int first = *minors.begin(), last = *minors.rbegin();
    if (last == newest_asked) return fmt::format("3.{} or newer", first);
    return first == last ? fmt::format("3.{}", first) : fmt::format("3.{} – 3.{}", first, last);
}

} // namespace

bool OtherPythons::add(const std::string& what, const ProjectWheels& files, const SpecifierSet& versions) {
    std::set<int> minors = minors_of(files, versions, target_);
    if (minors.empty() || minors.contains(minor_of(target_))) return false;
    rows_.push_back({what, std::move(minors)});
    return true;
}

std::string OtherPythons::sentence() const {
    if (rows_.empty()) return "";
    std::set<int> common = rows_.front().minors;
    std::vector<std::string> names, spans;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        std::set<int> both;
        std::ranges::set_intersection(common, rows_[i].minors, std::inserter(both, both.end()));
        common = std::move(both);
        names.push_back(rows_[i].what);
        spans.push_back(fmt::format("{} needs {}", rows_[i].what, span_of(rows_[i].minors)));
    }
    if (common.empty())
        return fmt::format("no Python fits all of these: {}; write versions that have one in common",
                           some_of(spans, shown));
    // The nearest to the one that was asked for.
    const int wanted = minor_of(target_);
    const int nearest = *std::ranges::min_element(common, {}, [&](int minor) { return std::abs(minor - wanted); });
    return fmt::format("{} Python {}: {}; write --python 3.{} (or --python-from such an interpreter)",
                       rows_.size() > 1 ? "these need" : "this needs", span_of(common), some_of(names, shown), nearest);
}

} // namespace tinderbox::pip
