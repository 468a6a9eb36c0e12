#include "generator/pip/select.hpp"

#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/archive/endings.hpp"
#include "generator/fetch/hashes.hpp"
#include "generator/fetch/url.hpp"
#include "generator/pip/lenient.hpp"
#include "generator/pip/metadata.hpp"
#include "generator/pip/other_pythons.hpp"
#include "generator/pip/requirement.hpp"

#include <algorithm>

namespace tinderbox::pip {
namespace {

// All lines about one project that apply to the target.
struct Wanted {
    std::string name;
    std::vector<const RequirementLine*> lines;
    std::vector<const RequirementLine*> constraints;
    SpecifierSet versions; // of all lines and constraints together
    const RequirementLine* pinned_by = nullptr;
    const RequirementLine* direct = nullptr; // the line with a URL or path
    std::vector<std::string> extras, hashes; // hashes: "sha512:HEX", of which a file must have one; empty: any
};

// "requirements.txt:3: …"
Error at_line(const RequirementLine& requirement, ErrorKind kind, std::string text) {
    return Error{kind, fmt::format("{}: {}", requirement.line.str(), text)};
}

// "NAME-VERSION.tar.gz" as a name without tags; nullopt for a wheel, or a name that does not say both.
std::optional<WheelName> direct_archive_name(const RequirementLine& requirement) {
    std::string file = fetch::file_name_at(requirement.url), name = requirement.name;
    if (name.empty()) name = normalize_name(std::string_view(file).substr(0, file.rfind('-')));
    auto version = parse_sdist_name(file, name);
    if (!version) return std::nullopt;
    return WheelName{name, version->str(), *version, {}, "", {}};
}

// The file's name of a direct reference, checked to be a wheel for the target.
Result<WheelName> direct_wheel_name(const RequirementLine& requirement, const TagRanking& ranking,
                                    const Target& target) {
    std::string file = fetch::file_name_at(requirement.url);
    auto name = parse_wheel_name(file);
    if (!name) {
        bool wheel = archive::is_wheel(file);
        return at_line(requirement, ErrorKind::usage,
                       wheel
                           ? fmt::format("'{}' is not a wheel's name (NAME-VERSION-PYTHON-ABI-PLATFORM.whl); give the "
                                         "file its original name back",
                                         file)
                           : fmt::format("'{}' is not a wheel, and an installer carries wheels only; build one with "
                                         "'pip wheel --no-deps' and name that instead",
                                         file));
    }
    if (!ranking.rank(name->tags))
        return at_line(requirement, ErrorKind::usage,
                       fmt::format("the wheel '{}' is not for {}; name one that is", file, describe_target(target)));
    return *name;
}

// Groups lines by project; markers are decided here.
Result<std::map<std::string, Wanted>> group(const std::vector<RequirementLine>& requirements,
                                            const std::vector<RequirementLine>& constraints, const Target& target,
                                            const TagRanking& ranking) {
    auto environment = marker_environment(target);
    std::map<std::string, Wanted> out;
    for (const RequirementLine& requirement : requirements) {
        TRY_ASSIGN(bool here, applies(requirement, environment));
        if (!here) continue;
        std::string name = requirement.name;
        if (name.empty()) {
            TRY_ASSIGN(WheelName wheel, direct_wheel_name(requirement, ranking, target));
            name = wheel.name;
        }
        Wanted& wanted = out[name];
        wanted.name = name;
        wanted.lines.push_back(&requirement);
        for (const std::string& extra : requirement.extras)
            if (std::ranges::find(wanted.extras, extra) == wanted.extras.end()) wanted.extras.push_back(extra);
        if (requirement.url.empty()) continue;
        if (wanted.direct && wanted.direct->url != requirement.url)
            return at_line(requirement, ErrorKind::usage,
                           fmt::format("'{}' contradicts '{}' in {}; keep one of the two lines",
                                       printable(requirement.text), printable(wanted.direct->text),
                                       wanted.direct->line.str()));
        wanted.direct = &requirement;
    }
    for (const RequirementLine& constraint : constraints) {
        auto found = out.find(constraint.name);
        if (found == out.end()) continue;
        TRY_ASSIGN(bool here, applies(constraint, environment));
        if (here) found->second.constraints.push_back(&constraint);
    }
    return out;
}

// Joins the version clauses of a project's lines, and finds two pins that cannot both hold.
Status join_versions(Wanted& wanted) {
    std::string text;
    std::vector<const RequirementLine*> all = wanted.lines;
    all.insert(all.end(), wanted.constraints.begin(), wanted.constraints.end());
    std::string pin;
    for (const RequirementLine* line : all) {
        if (line->specifier.empty()) continue;
        auto versions = SpecifierSet::parse(line->specifier);
        if (!versions) return std::move(versions.error()).in(line->line.str());
        text += (text.empty() ? "" : ",") + line->specifier;
        auto own = versions->pin();
        if (!own) continue;
        if (!wanted.pinned_by) {
            wanted.pinned_by = line;
            pin = *own;
            continue;
        }
        auto left = Version::parse(pin), right = Version::parse(*own);
        if (left && right ? *left != *right : pin != *own)
            return at_line(*line, ErrorKind::usage,
                           fmt::format("'{}' contradicts '{}' in {}; keep one of the two lines", printable(line->text),
                                       printable(wanted.pinned_by->text), wanted.pinned_by->line.str()));
    }
    TRY_ASSIGN(wanted.versions, SpecifierSet::parse(text));
    return {};
}

// --hash of all lines, as pip joins them: a file must have one hash that each line with hashes allows.
Status join_hashes(Wanted& wanted, bool required) {
    bool first = true;
    std::vector<const RequirementLine*> lines = wanted.lines;
    lines.insert(lines.end(), wanted.constraints.begin(), wanted.constraints.end());
    for (const RequirementLine* line : lines) {
        if (line->hashes.empty()) continue;
        if (first) wanted.hashes = line->hashes;
        else
            std::erase_if(wanted.hashes, [&](const std::string& hash) {
                return std::ranges::find(line->hashes, hash) == line->hashes.end();
            });
        if (wanted.hashes.empty())
            return at_line(*line, ErrorKind::usage,
                           fmt::format("no --hash of '{}' is also one of {}; keep one of the two lines",
                                       printable(line->text), wanted.lines.front()->line.str()));
        first = false;
    }
    // A hash inside a direct URL counts, as for pip.
    bool proven = !wanted.hashes.empty();
    if (wanted.direct && is_url(wanted.direct->url))
        for (const auto& [algorithm, digest] : fetch::fragment_hashes(fetch::Url::parse(wanted.direct->url).fragment)) {
            if (first && algorithm == "sha256") wanted.hashes = {"sha256:" + to_lower(digest)};
            proven = proven || fetch::hash_digits(algorithm) >= fetch::hash_digits("sha256");
        }
    if (required && !proven)
        return at_line(
            *wanted.lines.front(), ErrorKind::usage,
            fmt::format("'{}' has no --hash, but hashes are required (by --require-hashes, or because another "
                        "line has one); add --hash=sha256:HEX",
                        printable(wanted.lines.front()->text)));
    return {};
}

// Of one allowed hash: the file must have it.
template <class File> void require_hash(File& file, const std::vector<std::string>& hashes) {
    const auto [algorithm, digest] = fetch::split_hash(hashes.front());
    fetch::keep_hash(file, algorithm, digest);
}

// Some names of tags, for a message: "cp312-cp312-manylinux_2_28_x86_64, py3-none-any and 7 more".
std::string some_tags(const std::vector<const ProjectWheels::Wheel*>& wheels) {
    std::vector<std::string> tags;
    for (const ProjectWheels::Wheel* wheel : wheels) tags.push_back(wheel->name.tags.front().str());
    return some_of(tags, 4);
}

std::optional<Version> newest(const ProjectWheels& files, const SpecifierSet& versions, bool prereleases) {
    const ProjectWheels::Wheel* best = best_file(files, versions, false, {}, prereleases);
    if (!best) return std::nullopt;
    return best->name.version;
}

// Why no file of the project fits, in one sentence.
Error nothing_fits(const Wanted& wanted, const ProjectWheels& files, const SelectOptions& options,
                   const PackageIndex& index) {
    const RequirementLine& line = wanted.pinned_by ? *wanted.pinned_by : *wanted.lines.front();
    auto error = [&](ErrorKind kind, std::string text) { return at_line(line, kind, std::move(text)); };
    std::string what = wanted.name + wanted.versions.str();
    if (!files.known && files.asked.empty())
        return error(ErrorKind::usage,
                     fmt::format("'{}' cannot be looked for: --no-index is set and there is no --find-links; "
                                 "add one of the two",
                                 what));
    if (!files.known)
        return error(index.indexes().empty() ? ErrorKind::unsatisfiable : ErrorKind::network,
                     fmt::format("no project '{}' in {} (404 Not Found); check its spelling, and the index's URL",
                                 wanted.name, fmt::join(files.asked, ", ")));
    std::vector<const ProjectWheels::Wheel*> same, fitting;
    for (const auto& wheel : files.wheels)
        if (wanted.versions.matches(wheel.name.version)) same.push_back(&wheel);
    std::vector<std::string> sdists;
    for (const auto& sdist : files.sdists)
        if (wanted.versions.matches(sdist.name.version)) sdists.push_back(sdist.file.file_name);
    for (const auto* wheel : same)
        if (wheel->rank) fitting.push_back(wheel);
    std::string elsewhere = files.not_asked.empty() ? ""
                                                    : fmt::format(" ({} has the project, so {} was not asked: use "
                                                                  "--index-strategy unsafe-best-match to ask all)",
                                                                  files.asked.back(), fmt::join(files.not_asked, ", "));
    if (same.empty() && !sdists.empty())
        return error(
            ErrorKind::unsatisfiable,
            fmt::format(
                "'{}' has only a source archive ({}), and an installer carries wheels only; --allow-sdist makes one "
                "here, or build one with 'pip wheel --no-deps {}' and name its directory with --find-links",
                what, sdists.front(), what));
    if (same.empty()) {
        auto best = newest(files, SpecifierSet(), false);
        return error(ErrorKind::unsatisfiable,
                     fmt::format("there is no '{}' in {}{}{}; {}", what, fmt::join(files.asked, ", "), elsewhere,
                                 cuda_hint(wanted.versions),
                                 best ? fmt::format("the newest that fits {} is {}", describe_target(options.target),
                                                    best->str())
                                      : fmt::format("no version has a wheel for {}", describe_target(options.target))));
    }
    if (fitting.empty()) {
        auto best = newest(files, SpecifierSet(), false);
        return error(ErrorKind::unsatisfiable,
                     fmt::format("'{}' has no wheel for {}{}, only for {}{}", what, describe_target(options.target),
                                 elsewhere, some_tags(same),
                                 best ? fmt::format("; the newest that has one is {}", best->str()) : ""));
    }
    std::string needs;
    for (const auto* wheel : fitting)
        if (!wheel->python_fits) needs = wheel->file.requires_python;
    if (!needs.empty())
        return error(ErrorKind::unsatisfiable, fmt::format("'{}' requires Python {}, and the environment has {}", what,
                                                           needs, options.target.python));
    const IndexFile& first = fitting.front()->file;
    return error(ErrorKind::unsatisfiable,
                 fmt::format("no wheel of '{}' has one of the line's --hash values (the index offers {}); correct the "
                             "hash if you trust the index",
                             what,
                             !first.sha256.empty()  ? "sha256:" + first.sha256
                             : first.hashes.empty() ? std::string("none")
                                                    : first.hashes.front()));
}

// The pins that have no file for the target: each in one line, and behind them the Python that has files of them.
class Misfits {
  public:
    explicit Misfits(const SelectOptions& options) : options_(options), pythons_(options.target) {}

    void add(Error error, const Wanted& wanted, PackageIndex& index) {
        if (error.kind == ErrorKind::unsatisfiable)
            if (auto files = files_of(index, wanted.name, options_.target); files.ok())
                pythons_.add(wanted.name + wanted.versions.str(), *files, wanted.versions);
        errors_.push_back(std::move(error));
    }
    Status result() const {
        if (errors_.empty()) return {};
        Error out = errors_.front();
        for (std::size_t i = 1; i < errors_.size(); ++i) out.message += "\n" + errors_[i].message;
        if (const std::string python = pythons_.sentence(); !python.empty()) out.message += "\n" + python;
        return out;
    }

  private:
    const SelectOptions& options_;
    std::vector<Error> errors_;
    OtherPythons pythons_;
};

// "requirements.txt:3: 'numpy' is not pinned; write 'numpy==2.3.5' (…)"
std::string unpinned(const Wanted& wanted, PackageIndex& index, const SelectOptions& options, bool reached) {
    const RequirementLine& line = *wanted.lines.front();
    std::string extras = wanted.extras.empty() ? "" : fmt::format("[{}]", fmt::join(wanted.extras, ","));
    std::optional<Version> best;
    auto files = reached ? files_of(index, wanted.name, options.target) : Result<ProjectWheels>(ProjectWheels{});
    if (files) best = newest(*files, wanted.versions, index.options().pre);
    std::string say =
        best ? fmt::format("write '{}{}=={}' (the newest{} for Python {} on the index)", wanted.name, extras,
                           best->str(), wanted.versions.empty() ? "" : " that fits", options.target.python_minor())
             : fmt::format("write '{}{}==VERSION'", wanted.name, extras);
    return fmt::format("{}: '{}' is not pinned; {}", line.line.str(), printable(line.text), say);
}

Result<ChosenWheel> choose_direct(const Wanted& wanted, const SelectOptions& options, const TagRanking& ranking) {
    const RequirementLine& line = *wanted.direct;
    TRY_ASSIGN(WheelName name, direct_wheel_name(line, ranking, options.target));
    if (name.name != wanted.name)
        return at_line(line, ErrorKind::usage,
                       fmt::format("'{}' names {}, but its wheel is {}'s; correct one of the two", printable(line.text),
                                   wanted.name, name.name));
    if (!wanted.versions.matches(name.version)) {
        const RequirementLine& other = wanted.pinned_by ? *wanted.pinned_by : *wanted.lines.front();
        return at_line(other, ErrorKind::usage,
                       fmt::format("'{}' contradicts '{}' in {}, a wheel of version {}; keep one of the two lines",
                                   printable(other.text), printable(line.text), line.line.str(), name.version.str()));
    }
    TRY_ASSIGN(ProjectWheels::Wheel wheel, direct_file(line, ranking, options.target));
    ChosenWheel out;
    out.version = name.version.str();
    out.direct = true;
    out.file = std::move(wheel.file);
    if (wanted.hashes.size() == 1) require_hash(out.file, wanted.hashes);
    return out;
}

Result<ChosenWheel> choose_indexed(const Wanted& wanted, const SelectOptions& options, PackageIndex& index,
                                   std::vector<std::string>& warnings) {
    TRY_ASSIGN(ProjectWheels files, files_of(index, wanted.name, options.target));
    const ProjectWheels::Wheel* best = best_file(files, wanted.versions, true, wanted.hashes, true);
    if (!best) return nothing_fits(wanted, files, options, index);
    if (best->file.yanked)
        warnings.push_back(fmt::format("{}: {} {} was withdrawn by its authors{}{}", wanted.pinned_by->line.str(),
                                       wanted.name, best->name.version.str(),
                                       best->file.yanked_reason.empty() ? "" : ": ", best->file.yanked_reason));
    ChosenWheel out;
    out.version = best->name.version.str();
    out.file = best->file;
    out.index = files.asked[best->source];
    return out;
}

} // namespace

std::string describe_target(const Target& target) {
    return fmt::format("Python {}{} on {} with glibc {}", target.python_minor(), target.free_threaded ? "t" : "",
                       target.platform, target.glibc);
}

std::string cuda_hint(const SpecifierSet& versions) {
    const std::string pin = versions.pin().value_or("");
    const auto at = pin.find("+cu");
    const std::string_view digits = at == std::string::npos ? std::string_view() : std::string_view(pin).substr(at + 3);
    if (digits.size() < 2 || digits.size() > 3 || digits.find_first_not_of("0123456789") != std::string_view::npos)
        return "";
    return fmt::format("; wheels with '+cu{}' lie on an index of their own: --cuda {}.{} names it", digits,
                       digits.substr(0, digits.size() - 1), digits.back());
}

Result<ProjectWheels::Wheel> direct_file(const RequirementLine& line, const TagRanking& ranking, const Target& target,
                                         bool allow_sdist) {
    ProjectWheels::Wheel out;
    if (auto archive = allow_sdist ? direct_archive_name(line) : std::nullopt) {
        out.name = std::move(*archive);
    } else {
        TRY_ASSIGN(out.name, direct_wheel_name(line, ranking, target));
    }
    out.rank = ranking.rank(out.name.tags);
    fetch::Url url = fetch::Url::parse(line.url);
    out.file.local = !is_url(line.url) || url.scheme == "file";
    // A path has no fragment: '#' is a character of its name.
    if (is_url(line.url))
        for (const auto& [algorithm, digest] : fetch::fragment_hashes(url.fragment))
            TRY(fetch::add_hash(out.file, algorithm, digest).in(line.line.str()));
    url.fragment.clear();
    out.file.url = !is_url(line.url) ? line.url : out.file.local ? file_url_to_path(line.url) : url.str();
    out.file.file_name = fetch::file_name_at(line.url);
    return out;
}

Result<ProjectWheels> files_of(PackageIndex& index, const std::string& name, const Target& target) {
    auto python = Version::parse(marker_environment(target)["python_full_version"]);
    return files_of(index, name, TagRanking(target), *python);
}

Result<ProjectWheels> files_of(PackageIndex& index, const std::string& name, const TagRanking& ranking,
                               const Version& python) {
    TRY_ASSIGN(auto sources, index.project(name));
    ProjectWheels out;
    std::size_t indexes = 0;
    for (std::size_t at = 0; at < sources.size(); ++at) {
        const ProjectSource& source = sources[at];
        out.asked.push_back(source.location);
        out.known = out.known || source.known;
        indexes += source.find_links ? 0 : 1;
        for (const IndexFile& file : source.files) {
            auto wheel = parse_wheel_name(file.file_name);
            if (!wheel) {
                auto version = parse_sdist_name(file.file_name, name);
                if (!version) continue;
                wheel = WheelName{name, version->str(), *version, {}, "", {}};
            }
            ProjectWheels::Wheel row{file, std::move(*wheel), at, std::nullopt, true};
            row.rank = ranking.rank(row.name.tags);
            // One that no repair makes readable is judged where the file's own metadata is read.
            auto needed = parse_requires_python(file.requires_python);
            row.python_fits = !needed || needed->matches(python);
            (row.name.tags.empty() ? out.sdists : out.wheels).push_back(std::move(row));
        }
    }
    std::ranges::stable_sort(out.sdists, [](const auto& a, const auto& b) { return a.name.version > b.name.version; });
    for (std::size_t i = indexes; i < index.indexes().size(); ++i)
        out.not_asked.push_back(without_credentials(index.indexes()[i]));
    return out;
}

HashVerdict judge_hash(const IndexFile& file, const std::vector<std::string>& allowed) {
    if (allowed.empty()) return HashVerdict::right;
    std::vector<std::string> own = file.hashes;
    if (!file.sha256.empty()) own.push_back("sha256:" + file.sha256);
    bool comparable = true;
    for (const std::string& one : allowed) {
        if (std::ranges::find(own, one) != own.end()) return HashVerdict::right;
        comparable = comparable && std::ranges::any_of(own, [&](const std::string& hash) {
                         return fetch::split_hash(hash).first == fetch::split_hash(one).first;
                     });
    }
    return comparable ? HashVerdict::wrong : HashVerdict::unknown;
}

const ProjectWheels::Wheel* best_file(const ProjectWheels& files, const SpecifierSet& versions, bool pinned,
                                      const std::vector<std::string>& hashes, bool prereleases) {
    const ProjectWheels::Wheel* best = nullptr;
    auto eligible = [&](const ProjectWheels::Wheel& wheel) {
        if (!wheel.rank || !wheel.python_fits || (wheel.file.yanked && !pinned)) return false;
        return pinned ? versions.matches(wheel.name.version) : versions.contains(wheel.name.version, prereleases);
    };
    // As for pip, a file that the index proves right excludes those with hashes that prove nothing.
    const bool proven = !hashes.empty() && std::ranges::any_of(files.wheels, [&](const ProjectWheels::Wheel& wheel) {
        return eligible(wheel) && judge_hash(wheel.file, hashes) == HashVerdict::right;
    });
    for (const auto& wheel : files.wheels) {
        if (!eligible(wheel)) continue;
        const HashVerdict verdict = judge_hash(wheel.file, hashes);
        const bool has_hash = !wheel.file.sha256.empty() || !wheel.file.hashes.empty();
        if (verdict == HashVerdict::wrong || (proven && verdict == HashVerdict::unknown && has_hash)) continue;
        if (!best) {
            best = &wheel;
            continue;
        }
        // "==1.0" also matches 1.0+cu128; of several the highest, as pip does. A withdrawn one only if there is no
        // other.
        if (wheel.file.yanked != best->file.yanked) {
            if (best->file.yanked) best = &wheel;
            continue;
        }
        if (auto order = wheel.name.version <=> best->name.version; order != 0) {
            if (order > 0) best = &wheel;
            continue;
        }
        if (*wheel.rank != *best->rank) {
            if (*wheel.rank < *best->rank) best = &wheel;
            continue;
        }
        if (wheel.name.build > best->name.build) best = &wheel; // on a tie the earlier location stays
    }
    return best;
}

Result<bool> applies(const RequirementLine& line, const MarkerEnvironment& environment) {
    if (line.marker.empty()) return true;
    auto marker = Marker::parse(line.marker);
    if (!marker) return std::move(marker.error()).in(line.line.str());
    return marker->evaluate(environment);
}

Status check_no_binary(const RequirementLine& line, const std::string& project, const Options& options) {
    for (const std::string& option : options.no_binary)
        if (option == ":all:" || normalize_name(option) == project)
            return at_line(line, ErrorKind::usage,
                           fmt::format("--no-binary {} asks to build {} from source, and an installer carries wheels "
                                       "only; remove the option, or add --allow-sdist",
                                       option, project));
    return {};
}

Result<WheelSelection> select_wheels(const std::vector<RequirementLine>& requirements,
                                     const std::vector<RequirementLine>& constraints, const SelectOptions& options,
                                     PackageIndex& index) {
    TRY(options.target.check());
    TagRanking ranking(options.target);
    TRY_ASSIGN(auto groups, group(requirements, constraints, options.target, ranking));
    bool hashes = index.options().require_hashes;
    for (const auto& [name, wanted] : groups)
        for (const RequirementLine* line : wanted.lines) hashes = hashes || !line->hashes.empty();

    std::vector<std::string> problems, looked_up;
    for (const auto& [name, wanted] : groups)
        if (!wanted.direct) looked_up.push_back(name);
    Status reached = index.prefetch(looked_up);
    for (auto& [name, wanted] : groups) {
        TRY(join_versions(wanted));
        TRY(join_hashes(wanted, hashes));
        TRY(check_no_binary(*wanted.lines.front(), name, index.options()));
        if (wanted.direct || wanted.pinned_by) continue;
        problems.push_back(unpinned(wanted, index, options, reached.ok()));
    }
    if (!problems.empty()) return make_error(ErrorKind::usage, "{}", fmt::join(problems, "\n"));
    TRY(std::move(reached));

    WheelSelection out;
    Misfits misfits(options);
    for (auto& [name, wanted] : groups) {
        auto found = wanted.direct ? choose_direct(wanted, options, ranking)
                                   : choose_indexed(wanted, options, index, out.warnings);
        if (!found) {
            misfits.add(std::move(found).error(), wanted, index);
            continue;
        }
        ChosenWheel chosen = std::move(found).value();
        chosen.name = name;
        chosen.extras = wanted.extras;
        std::ranges::sort(chosen.extras);
        chosen.hashes = wanted.hashes;
        chosen.requirement = printable(wanted.lines.front()->text);
        chosen.line = wanted.lines.front()->line;
        out.wheels.push_back(std::move(chosen));
    }
    TRY(misfits.result());
    for (const std::string& warning : index.warnings()) out.warnings.push_back(warning);
    return out;
}

fetch::Download to_download(const ChosenWheel& wheel) {
    fetch::Download out = to_download(wheel.file);
    // One of several is no hash that the file must have: it is compared when the file is here.
    if (wheel.hashes.size() == 1 && judge_hash(wheel.file, wheel.hashes) == HashVerdict::unknown)
        require_hash(out, wheel.hashes);
    return out;
}

} // namespace tinderbox::pip
