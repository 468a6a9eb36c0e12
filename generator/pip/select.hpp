// From exact requirements to wheels, without backtracking. Every package is pinned (==, a URL, a local wheel), so only
// files are chosen and the list is checked.
//
//   PackageIndex index(fetcher, options);
//   auto selection = select_wheels(requirements, constraints, select_options, index);   // pages of the index
//   fetch_metadata(selection, fetcher);             // PEP 658 where offered, the wheel itself where not
//   check_closure(selection, select_options, &index);  // every Requires-Dist is satisfied by the list
//
// Requests that are not pinned go to resolve.hpp instead, which uses files_of() and ProjectWheels too.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/pip/index.hpp"
#include "generator/pip/tags.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox::pip {

struct SelectOptions {
    Target target;
    // Packages that the environment gets from elsewhere (conda packages, a captured interpreter): normalised name →
    // version.
    std::map<std::string, std::string> provided;
    bool allow_sdist = false; // resolve() only: a source archive is a candidate where a version has no wheel that fits
    Reporter* reporter = nullptr; // not owned; null: nothing is shown
};

struct ChosenWheel {
    std::string name;                // normalised
    std::string version;             // normalised, of the wheel's file name
    IndexFile file;                  // where to get it
    std::vector<std::string> extras; // asked for
    std::vector<std::string> hashes; // the wheel must have one of these (--hash), "sha512:HEX"; empty: any
    std::string index;               // the location that it comes from, without credentials; "" for a direct one
    std::string requirement;         // the text of the request, or the package that requires it
    SourceLine line;
    bool direct = false;   // named by URL or path: gets a direct_url.json
    bool requested = true; // by a line of the request; false: a dependency
    std::string metadata;  // METADATA, "" until fetch_metadata
};

struct WheelSelection {
    std::vector<ChosenWheel> wheels; // by name
    std::vector<std::string> warnings;
};

// The wheels of a project with the fields of their names, best locations first. Also has wheels for other machines and
// source archives, for messages and for --allow-sdist.
struct ProjectWheels {
    struct Wheel {
        IndexFile file;
        WheelName name;
        std::size_t source = 0;          // rank of its location
        std::optional<std::size_t> rank; // of its best tag; none: it does not fit the target
        bool python_fits = true;         // requires-python allows the target's Python
    };
    std::vector<Wheel> wheels;
    std::vector<Wheel> sdists;          // source archives, newest first; `name` has the version only, `rank` is none
    bool known = false;                 // some location has the project
    std::vector<std::string> asked;     // places
    std::vector<std::string> not_asked; // indexes after the first that has it
};
Result<ProjectWheels> files_of(PackageIndex& index, const std::string& name, const Target& target);
// The same with a prepared ranking of the target's tags and its full version, for many projects.
Result<ProjectWheels> files_of(PackageIndex& index, const std::string& name, const TagRanking& ranking,
                               const Version& python);

// The wheel of a direct reference (URL or path), which must fit the target. With `allow_sdist` also a source archive
// whose name has project and version (PEP 625). Errors: kind usage.
Result<ProjectWheels::Wheel> direct_file(const RequirementLine& requirement, const TagRanking& ranking,
                                         const Target& target, bool allow_sdist = false);

// Whether a line's marker holds for the target. Error (usage): the marker cannot be read.
Result<bool> applies(const RequirementLine& line, const MarkerEnvironment& environment);
// Error (usage): --no-binary demands a build of `project` (normalised name), which `line` names.
Status check_no_binary(const RequirementLine& line, const std::string& project, const Options& options);

// "; wheels with '+cu118' lie on an index of their own: --cuda 11.8 names it" for a version such as "2.1.2+cu118"; ""
// for all others.
std::string cuda_hint(const SpecifierSet& versions);

// "Python 3.11 on linux-64 with glibc 2.28"
std::string describe_target(const Target& target);

// Whether a file has one of the allowed hashes ("sha512:HEX"), as far as its index says. Unknown: the index gives no
// hash of one of their algorithms, and only the bytes can tell. Without allowed hashes each file is right.
enum class HashVerdict { right, wrong, unknown };
HashVerdict judge_hash(const IndexFile& file, const std::vector<std::string>& allowed);

// The best wheel that fits: highest version, then tag, then build number, then place. With `versions` empty any final
// version; yanked ones only when `pinned`. nullptr: none.
const ProjectWheels::Wheel* best_file(const ProjectWheels& files, const SpecifierSet& versions, bool pinned,
                                      const std::vector<std::string>& hashes = {}, bool prereleases = false);

// Errors: kind usage for what the user wrote (not pinned, two pins, a missing --hash: all unpinned lines at once, one a
// line), unsatisfiable where the indexes have no file that fits, network.
Result<WheelSelection> select_wheels(const std::vector<RequirementLine>& requirements,
                                     const std::vector<RequirementLine>& constraints, const SelectOptions& options,
                                     PackageIndex& index);

// Fills every wheel's metadata. Where the index has none, it downloads the wheel (which stays in the fetcher's cache)
// and reads it.
Status fetch_metadata(WheelSelection& selection, fetch::Fetcher& fetcher);

// Checks that every requirement of every wheel, extras included, is on the list or provided. The error names each
// missing line with the newest version that fits, also for requirements of missing wheels, or each pin that another
// package forbids. Kind usage when lines are missing, unsatisfiable when pins contradict a package. `index` may be
// null: then the error suggests no versions.
Status check_closure(const WheelSelection& selection, const SelectOptions& options, PackageIndex* index);

// The download of a ChosenWheel.
fetch::Download to_download(const ChosenWheel& wheel);

} // namespace tinderbox::pip
