#include "generator/spec/foreign_lock.hpp"

#include "common/base/text.hpp"
#include "generator/pip/lenient.hpp"
#include "generator/pip/marker.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/pip/select.hpp"
#include "generator/pip/tags.hpp"
#include "generator/spec/foreign_reader.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <deque>
#include <set>

namespace tinderbox::spec {
namespace {

using nlohmann::json;

bool has(const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
}

// ---- choosing ----

Status select_platform(const ForeignLock& lock, const std::string& wanted, LockSelection& out) {
    std::vector<std::string> names, fitting;
    std::string possible; // of another platform that installers are made for
    for (const ForeignPlatform& platform : lock.platforms) {
        names.push_back(platform.name);
        if (!pip::machine_of(platform.subdir).empty()) possible = platform.subdir;
        if (platform.subdir == wanted) fitting.push_back(platform.name);
        if (platform.name == wanted) out.platform = wanted;
    }
    if (!out.platform.empty() || lock.platforms.empty()) return {};
    if (fitting.size() > 1)
        return make_error(ErrorKind::usage,
                          "{}: it has several platforms for {}: {}; write '{}[NAME]' with one of them", lock.path,
                          wanted, fmt::join(fitting, ", "), lock.path);
    if (fitting.empty())
        return make_error(ErrorKind::usage, "{}: it has packages for {}, not for {}; lock that platform too{}",
                          lock.path, fmt::join(names, ", "), wanted,
                          possible.empty() ? "" : ", or write --platform " + possible);
    out.platform = fitting.front();
    return {};
}

Status select_environment(const ForeignLock& lock, const LockChoice& choice, const std::vector<std::string>& names,
                          LockSelection& out) {
    if (names.size() > 1)
        return make_error(ErrorKind::usage, "{}: '{}' are several environments; name one of: {}", lock.path,
                          fmt::join(names, ", "), fmt::join(lock.environments, ", "));
    if (names.size() == 1) out.groups = names;
    else if (has(lock.environments, choice.environment)) out.groups = {choice.environment};
    else if (has(lock.environments, "default")) out.groups = {"default"};
    else if (lock.environments.size() == 1) out.groups = lock.environments;
    else
        return make_error(ErrorKind::usage,
                          "{}: it has the environments {}, and none is called 'default'; name one: '{}[NAME]'",
                          lock.path, fmt::join(lock.environments, ", "), lock.path);
    return {};
}

// ---- the packages for a target ----

struct Needed {
    const ForeignPackage* package;
    bool requested;
};

// uv.lock: from the project along the edges whose markers hold.
class Walk {
  public:
    Walk(const LockSelection& selection, pip::MarkerEnvironment environment)
        : lock_(*selection.lock), environment_(std::move(environment)) {
        for (const ForeignPackage& package : lock_.packages) by_name_[package.name].push_back(&package);
        // How uv writes at an edge that it holds for an extra or a group of the project only (conflicts).
        const ForeignPackage& project = lock_.packages.front();
        std::string& chosen = environment_["extra"];
        for (const std::string& extra : selection.extras)
            chosen += fmt::format("extra-{}-{}-{}\n", project.name.size(), project.name, extra);
        for (const std::string& group : selection.groups)
            chosen += fmt::format("group-{}-{}-{}\n", project.name.size(), project.name, group);
        follow(project.needs, true);
        for (const std::string& extra : selection.extras)
            if (auto found = project.extra_needs.find(extra); found != project.extra_needs.end())
                follow(found->second, true);
        for (const std::string& group : selection.groups)
            if (auto found = project.group_needs.find(group); found != project.group_needs.end())
                follow(found->second, true);
        while (!queue_.empty()) {
            auto [package, extra] = queue_.front();
            queue_.pop_front();
            if (extra.empty()) follow(package->needs, false);
            else if (auto found = package->extra_needs.find(extra); found != package->extra_needs.end())
                follow(found->second, false);
        }
    }
    const std::vector<Needed>& needed() const { return needed_; }

  private:
    void follow(const std::vector<ForeignEdge>& edges, bool requested) {
        for (const ForeignEdge& edge : edges) {
            if (!edge.marker.empty()) {
                auto marker = pip::Marker::parse(edge.marker);
                if (marker.ok() && !marker->evaluate(environment_)) continue;
            }
            for (const ForeignPackage* package : by_name_[edge.name]) {
                if (!edge.version.empty() && package->version != edge.version) continue;
                if (!edge.source.empty() && package->origin != edge.source) continue;
                if (package == &lock_.packages.front()) continue;
                visit(package, "", requested);
                for (const std::string& extra : edge.extras) visit(package, extra, requested);
            }
        }
    }
    void visit(const ForeignPackage* package, const std::string& extra, bool requested) {
        if (!seen_.emplace(package, extra).second) return;
        queue_.emplace_back(package, extra);
        if (extra.empty()) needed_.push_back({package, requested});
    }

    const ForeignLock& lock_;
    pip::MarkerEnvironment environment_;
    std::map<std::string, std::vector<const ForeignPackage*>> by_name_;
    std::set<std::pair<const ForeignPackage*, std::string>> seen_;
    std::deque<std::pair<const ForeignPackage*, std::string>> queue_;
    std::vector<Needed> needed_;
};

bool is_selected(const LockSelection& selection, const ForeignPackage& package) {
    if (!package.platform.empty() && package.platform != selection.platform) return false;
    return package.groups.empty() ||
           std::ranges::any_of(package.groups, [&](const std::string& group) { return has(selection.groups, group); });
}

std::vector<Needed> needed_of(const LockSelection& selection, const pip::Target& target) {
    pip::MarkerEnvironment environment = pip::marker_environment(target);
    if (selection.lock->kind == to_string(SpecKind::uv_lock)) return Walk(selection, environment).needed();
    environment["extras"] = fmt::format("{}", fmt::join(selection.extras, "\n"));
    environment["dependency_groups"] = fmt::format("{}", fmt::join(selection.groups, "\n"));
    std::vector<Needed> out;
    std::set<std::string> needed_by_others;
    for (const ForeignPackage& package : selection.lock->packages) {
        if (package.kind != "pypi" || !is_selected(selection, package)) continue;
        if (!package.marker.empty()) {
            auto marker = pip::Marker::parse(package.marker);
            if (marker.ok() && !marker->evaluate(environment)) continue;
        }
        for (const ForeignEdge& edge : package.needs) needed_by_others.insert(edge.name);
        out.push_back({&package, false});
    }
    for (Needed& one : out) one.requested = !needed_by_others.contains(one.package->name);
    return out;
}

const ForeignFile* best_wheel(const ForeignPackage& package, const pip::TagRanking& ranking) {
    const ForeignFile* best = nullptr;
    std::optional<std::size_t> best_rank;
    pip::BuildTag best_build;
    for (const ForeignFile& file : package.files) {
        auto name = pip::parse_wheel_name(file.file_name);
        if (!name) continue;
        auto rank = ranking.rank(name->tags);
        if (!rank) continue;
        if (!best_rank || *rank < *best_rank || (*rank == *best_rank && name->build > best_build)) {
            best = &file;
            best_rank = rank;
            best_build = name->build;
        }
    }
    return best;
}

std::string without_wheel(const ForeignPackage& package, const pip::Target& target) {
    const std::string what = describe(package);
    if (!package.source.empty())
        return fmt::format(
            "{} is {}, which has to be built; build a wheel of it with 'pip wheel --no-deps' and add --pip PATH.whl",
            what, package.source);
    if (package.files.empty())
        return fmt::format("{} is only a source archive ({}), which has to be built; allow it with --allow-sdist, or "
                           "build a wheel of it with "
                           "'pip wheel --no-deps {}=={}' and add --pip PATH.whl",
                           what, package.sdist ? package.sdist->file_name : "", package.name, package.version);
    pip::Target newer = target;
    newer.glibc = "2.99";
    if (const ForeignFile* file = best_wheel(package, pip::TagRanking(newer)))
        return fmt::format(
            "{} ({}) needs a newer glibc than {}; allow it with --target-glibc, or lock for the older one", what,
            file->file_name, target.glibc);
    std::vector<std::string> names;
    for (const ForeignFile& file : package.files) names.push_back(file.file_name);
    return fmt::format("{} has no wheel for {}, only {}; lock it for that, or add --pip PATH.whl", what,
                       pip::describe_target(target), some_of(names, 1));
}

// "3.11" counts as its newest release, because requires-python is about minor versions, with rare exceptions.
bool python_fits(const std::string& requires_python, const pip::Target& target) {
    if (requires_python.empty()) return true;
    auto specifiers = pip::parse_requires_python(requires_python);
    auto version = pip::Version::parse(pip::marker_environment(target)["python_full_version"]);
    return !specifiers || !version || specifiers->matches(*version);
}

Status check_python_and_markers(const ForeignLock& lock, const pip::Target& target) {
    if (!python_fits(lock.requires_python, target))
        return make_error(
            ErrorKind::usage,
            "{}: it is for Python {}, and the environment's is {}; lock again for that, or take another Python",
            lock.path, lock.requires_python, target.python);
    if (lock.markers.empty()) return {};
    const pip::MarkerEnvironment environment = pip::marker_environment(target);
    const bool fits = std::ranges::any_of(lock.markers, [&](const std::string& text) {
        auto marker = pip::Marker::parse(text);
        return marker.ok() && marker->evaluate(environment);
    });
    if (!fits)
        return make_error(ErrorKind::usage, "{}: it is for environments with {}, which {} is not; lock again for that",
                          lock.path, fmt::join(lock.markers, " or "), pip::describe_target(target));
    return {};
}

// ---- inspect ----

// The file of a package that serves many machines: for linux-64 and the newest Python it is for.
const ForeignFile* shown_file(const ForeignPackage& package, const std::vector<pip::TagRanking>& rankings) {
    for (const pip::TagRanking& ranking : rankings)
        if (const ForeignFile* file = best_wheel(package, ranking)) return file;
    if (!package.files.empty()) return &package.files.front();
    return package.sdist ? &*package.sdist : nullptr;
}

std::string platform_of_wheel(const std::string& file_name) {
    auto name = pip::parse_wheel_name(file_name);
    if (!name || name->tags.empty()) return "";
    const std::string& tag = name->tags.front().platform;
    if (tag == "any") return "noarch";
    if (tag.ends_with("aarch64") || tag.ends_with("arm64"))
        return tag.starts_with("macosx") ? "osx-arm64" : "linux-aarch64";
    return tag.starts_with("macosx") ? "osx-64" : tag.starts_with("win") ? "win-64" : "linux-64";
}

json file_json(const ForeignFile& file) {
    json out = {{"url", pip::printable(file.url)}, {"sha256", file.sha256}, {"md5", file.md5}};
    if (file.size > 0) out["size"] = file.size;
    return out;
}

} // namespace

Result<LockSelection> select_packages(std::shared_ptr<const ForeignLock> lock, const LockChoice& choice) {
    LockSelection out;
    out.lock = lock;
    std::vector<std::string> names, without;
    std::string platform = choice.platform;
    const bool environments = lock->kind == to_string(SpecKind::pixi_lock);
    for (const std::string& raw : choice.names) {
        const bool minus = raw.starts_with('-');
        std::string name = minus ? raw.substr(1) : raw;
        if (!environments && lock->environments.empty()) name = pip::normalize_name(name);
        const bool known = has(lock->environments, name) || has(lock->extras, name) || has(lock->groups, name) ||
                           has(lock->default_groups, name);
        const bool is_platform =
            !known && std::ranges::any_of(lock->platforms, [&](const ForeignPlatform& p) { return p.name == name; });
        if (is_platform) {
            platform = name;
        } else if (!known) {
            std::vector<std::string> all = lock->environments;
            all.insert(all.end(), lock->extras.begin(), lock->extras.end());
            all.insert(all.end(), lock->groups.begin(), lock->groups.end());
            return make_error(ErrorKind::usage, "{}: there is no '{}' in it; {}", lock->path, name,
                              all.empty() ? "it has nothing to choose"
                                          : fmt::format("there is: {}", fmt::join(all, ", ")));
        } else {
            std::vector<std::string>& list = minus ? without : names;
            list.push_back(name);
        }
    }
    TRY(select_platform(*lock, platform, out));
    if (environments) {
        TRY(select_environment(*lock, choice, names, out));
        return out;
    }
    // conda-lock installs the development dependencies too, unless it is told not to; uv likewise.
    std::vector<std::string> groups = lock->default_groups;
    for (const char* category : {"main", "dev"})
        if (has(lock->environments, category)) groups.push_back(category);
    for (const std::string& name : names) {
        if (has(lock->extras, name)) out.extras.push_back(name);
        if (!has(lock->extras, name) || has(lock->groups, name)) groups.push_back(name);
    }
    for (const std::string& group : groups)
        if (!has(without, group) && !has(out.groups, group)) out.groups.push_back(group);
    return out;
}

std::vector<const ForeignPackage*> conda_of(const LockSelection& selection) {
    std::vector<const ForeignPackage*> out;
    for (const ForeignPackage& package : selection.lock->packages)
        if (package.kind == "conda" && is_selected(selection, package)) out.push_back(&package);
    return out;
}

bool has_wheels(const LockSelection& selection) {
    return std::ranges::any_of(selection.lock->packages, [&](const ForeignPackage& package) {
        return package.kind == "pypi" && !package.project && is_selected(selection, package);
    });
}

Result<std::vector<LockedWheel>> wheels_of(const LockSelection& selection, const pip::Target& target,
                                           const std::vector<std::string>& replaced,
                                           std::vector<const ForeignPackage*>* archives) {
    TRY(check_python_and_markers(*selection.lock, target));
    const pip::TagRanking ranking(target);
    std::vector<LockedWheel> out;
    std::string problems;
    auto problem = [&](const ForeignPackage& package, const std::string& text) {
        problems += fmt::format("{}{}: {}", problems.empty() ? "" : "\n", package.line.str(), text);
    };
    std::map<std::string, const ForeignPackage*> names;
    for (const Needed& needed : needed_of(selection, target)) {
        const ForeignPackage& package = *needed.package;
        if (has(replaced, package.name) || package.project) continue;
        auto [same, added] = names.emplace(package.name, &package);
        if (!added) {
            problem(package,
                    fmt::format("{} is selection, and {} in {} too; lock again, or choose another extra or group",
                                describe(package), describe(*same->second), same->second->line.str()));
            continue;
        }
        if (!python_fits(package.requires_python, target)) {
            problem(package, fmt::format("{} is for Python {}, and the environment's is {}; lock again for that",
                                         describe(package), package.requires_python, target.python));
            continue;
        }
        const ForeignFile* file = package.source.empty() ? best_wheel(package, ranking) : nullptr;
        if (!file && archives && package.sdist && package.source.empty()) archives->push_back(&package);
        else if (!file) problem(package, without_wheel(package, target));
        else out.push_back({&package, *file, needed.requested});
    }
    if (!problems.empty()) return Error{ErrorKind::usage, problems};
    std::ranges::sort(out, {}, [](const LockedWheel& wheel) { return wheel.package->name; });
    return out;
}

json inspect_json(const ForeignLock& lock) {
    json out = {{"kind", lock.kind}, {"platforms", json::array()}, {"packages", json::array()}};
    if (lock.version_is_number) out["version"] = std::stoi(lock.version); // of a format that was read
    else out["version"] = lock.version;
    for (const ForeignPlatform& platform : lock.platforms) out["platforms"].push_back(platform.name);
    if (!lock.environments.empty()) out["environments"] = lock.environments;
    if (!lock.extras.empty()) out["extras"] = lock.extras;
    if (!lock.groups.empty()) out["groups"] = lock.groups;
    if (!lock.requires_python.empty()) out["requires_python"] = lock.requires_python;
    std::vector<pip::TagRanking> rankings;
    if (lock.platforms.empty())
        for (int minor = 14; minor >= 8; --minor) {
            pip::Target target;
            target.python = fmt::format("3.{}", minor);
            target.glibc = "2.99";
            if (python_fits(lock.requires_python, target)) rankings.emplace_back(target);
        }
    for (const ForeignPackage& package : lock.packages) {
        const ForeignFile* file = shown_file(package, rankings);
        json row = {
            {"kind", package.kind}, {"name", package.name}, {"version", package.version}, {"build", package.build}};
        row.update(file_json(file ? *file : ForeignFile{}));
        row["platform"] = !package.platform.empty() ? package.platform : file ? platform_of_wheel(file->file_name) : "";
        if (!package.groups.empty()) row["groups"] = package.groups;
        if (!package.marker.empty()) row["marker"] = package.marker;
        if (!package.source.empty()) row["source"] = package.source;
        if (package.files.size() + (package.sdist ? 1 : 0) > 1) {
            row["files"] = json::array();
            for (const ForeignFile& one : package.files) row["files"].push_back(file_json(one));
            if (package.sdist) row["files"].push_back(file_json(*package.sdist));
        }
        out["packages"].push_back(std::move(row));
    }
    return out;
}

} // namespace tinderbox::spec
