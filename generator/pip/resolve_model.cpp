#include "generator/pip/resolve_model.hpp"

#include "common/base/optional_reporter.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/pip/source_archive.hpp"

#include <algorithm>

namespace tinderbox::pip {
namespace {

constexpr unsigned connections = 12;

Version python_of(const Target& target) {
    return Version::parse(marker_environment(target)["python_full_version"]).value_or(*Version::parse("3.11.0"));
}

// Of two files of one version: a wheel, the better tag, then the higher build; on a tie the earlier index stays.
bool better_file(const ProjectWheels::Wheel& a, const ProjectWheels::Wheel& b) {
    if (a.file.yanked != b.file.yanked) return !a.file.yanked;
    if (!a.rank || !b.rank) return a.rank.has_value() && !b.rank;
    if (*a.rank != *b.rank) return *a.rank < *b.rank;
    return a.name.build > b.name.build;
}

std::string requirement_text(const Requirement& requirement) {
    std::string extras;
    for (const std::string& extra : requirement.extras) extras += (extras.empty() ? "" : ",") + extra;
    return requirement.name + (extras.empty() ? "" : "[" + extras + "]") + requirement.specifier.str();
}

} // namespace

// ---- projects ---------------------------------------------------------------------------------------------

ProjectStore::ProjectStore(const SelectOptions& options, const Roots& roots, PackageIndex& index)
    : options_(options), roots_(roots), index_(index), ranking_(options.target), python_(python_of(options.target)) {}

std::shared_ptr<const Result<Project>> ProjectStore::get(const std::string& name) {
    return projects_.get(name, [&] { return load(name); });
}

Result<Project> ProjectStore::load(const std::string& name) const {
    Project out;
    out.name = name;
    if (auto there = options_.provided.find(name); there != options_.provided.end()) {
        out.provided = true;
        out.files.known = true;
        // A version outside of PEP 440 (some conda packages have one) satisfies only requirements without a version.
        out.candidates.push_back({Version::parse(there->second).value_or(*Version::parse("0")), nullptr});
        return out;
    }
    if (auto line = roots_.direct.find(name); line != roots_.direct.end()) {
        out.direct = line->second;
        TRY_ASSIGN(auto wheel, direct_file(*line->second, ranking_, options_.target, options_.allow_sdist));
        if (wheel.name.name != name)
            return make_error(ErrorKind::usage, "{}: '{}' names {}, but its wheel is {}'s; correct one of the two",
                              line->second->line.str(), printable(line->second->text), name, wheel.name.name);
        out.files.known = true;
        out.files.wheels.push_back(std::move(wheel));
        out.candidates.push_back({out.files.wheels.front().name.version, &out.files.wheels.front()});
        return out;
    }
    TRY_ASSIGN(out.files, files_of(index_, name, ranking_, python_));
    add_candidates(out, usable_files(out));
    return out;
}

// Wheels and source archives that pip's options allow.
std::vector<const ProjectWheels::Wheel*> ProjectStore::allowed_files(const Project& project) const {
    auto named = [&](const std::vector<std::string>& list) {
        return std::ranges::any_of(
            list, [&](const std::string& one) { return one == ":all:" || normalize_name(one) == project.name; });
    };
    std::vector<const ProjectWheels::Wheel*> out;
    if (!options_.allow_sdist || !named(index_.options().no_binary))
        for (const auto& wheel : project.files.wheels)
            if (wheel.rank) out.push_back(&wheel);
    if (options_.allow_sdist && !named(index_.options().only_binary))
        for (const auto& sdist : project.files.sdists) out.push_back(&sdist);
    return out;
}

// Without yanked files and pre-releases that nobody asks for, which are counted.
std::vector<const ProjectWheels::Wheel*> ProjectStore::usable_files(Project& project) const {
    auto is_prerelease = [](const auto& file) { return file.name.version.is_prerelease(); };
    const bool only_prereleases = std::ranges::all_of(project.files.wheels, is_prerelease) &&
                                  std::ranges::all_of(project.files.sdists, is_prerelease);
    const bool prereleases = index_.options().pre || only_prereleases || roots_.prereleases.contains(project.name);
    const auto pins = roots_.pins.find(project.name);
    auto pinned = [&](const Version& version) {
        return pins != roots_.pins.end() &&
               std::ranges::any_of(pins->second, [&](const SpecifierSet& pin) { return pin.matches(version); });
    };
    std::vector<const ProjectWheels::Wheel*> out;
    for (const ProjectWheels::Wheel* file : allowed_files(project)) {
        if (!file->python_fits) continue;
        if (file->file.yanked && !pinned(file->name.version)) ++project.hidden_yanked;
        else if (is_prerelease(*file) && !prereleases) ++project.hidden_prereleases;
        else out.push_back(file);
    }
    return out;
}

// One candidate a version, in the order in which the solver tries them.
void ProjectStore::add_candidates(Project& out, std::vector<const ProjectWheels::Wheel*> usable) const {
    const bool by_place = index_.strategy() == IndexStrategy::unsafe_first_match;
    std::ranges::stable_sort(usable, [&](const auto* a, const auto* b) {
        if (by_place && a->source != b->source) return a->source < b->source;
        if (auto order = a->name.version <=> b->name.version; order != 0) return order > 0;
        return better_file(*a, *b);
    });
    for (const auto* wheel : usable) {
        bool known = !out.candidates.empty() && out.candidates.back().version == wheel->name.version;
        if (by_place && !known)
            known = std::ranges::any_of(out.candidates,
                                        [&](const Candidate& c) { return c.version == wheel->name.version; });
        if (!known) out.candidates.push_back({wheel->name.version, wheel});
    }
}

// ---- ahead of the solver ----------------------------------------------------------------------------------

Prefetcher::Prefetcher(ProjectStore& projects, MetadataSource& metadata, const MarkerEnvironment& environment)
    : projects_(projects), metadata_(metadata), environment_(environment) {
    // Where the system gives no thread, the solver asks for everything itself.
    for (unsigned i = 0; i < connections; ++i)
        if (!threads_.start([this](const std::stop_token&) { return work(); }).ok()) break;
}

Prefetcher::~Prefetcher() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        queue_.clear();
    }
    changed_.notify_all();
}

void Prefetcher::push(std::function<void()> task) {
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return;
        queue_.push_back(std::move(task));
    }
    changed_.notify_one();
}

void Prefetcher::want(const Requirement& requirement) {
    if (!requirement.url.empty()) return;
    std::string key = requirement.name;
    for (const std::string& extra : requirement.extras) key += "," + extra;
    {
        std::lock_guard lock(mutex_);
        if (!seen_.insert(key).second) return;
    }
    push([this, requirement] { follow(requirement); });
}

void Prefetcher::want(const std::shared_ptr<const Result<Project>>& project, std::size_t first, std::size_t count) {
    const auto& candidates = (**project).candidates;
    for (std::size_t i = first; i < std::min(first + count, candidates.size()); ++i)
        if (candidates[i].wheel && !is_source_archive(candidates[i].wheel->file))
            push([this, project, i] { (void)metadata_.get((**project).candidates[i].wheel->file); });
}

Status Prefetcher::work() {
    while (true) {
        std::function<void()> task;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (stopping_) return {};
            task = std::move(queue_.front());
            queue_.pop_front();
        }
        task();
    }
}

void Prefetcher::follow(const Requirement& requirement) {
    auto project = projects_.get(requirement.name);
    if (!project->ok()) { // where one page fails the others will: the solver reports it, and no server is asked again
        std::lock_guard lock(mutex_);
        queue_.clear();
        return;
    }
    const auto& candidates = (**project).candidates;
    auto best =
        std::ranges::find_if(candidates, [&](const Candidate& c) { return requirement.specifier.matches(c.version); });
    if (best == candidates.end() || !best->wheel || is_source_archive(best->wheel->file))
        return; // a build only for a candidate that is chosen
    auto metadata = metadata_.get(best->wheel->file);
    if (!metadata->ok()) return;
    std::vector<std::string> extras = requirement.extras;
    extras.insert(extras.begin(), "");
    for (const std::string& extra : extras)
        for (const Requirement& next : applying(**metadata, environment_, extra)) want(next);
}

std::vector<Requirement> applying(const Metadata& metadata, const MarkerEnvironment& environment,
                                  const std::string& extra) {
    std::vector<Requirement> out;
    for (const Requirement& requirement : metadata.requires_dist) {
        const bool always = requirement.applies(environment);
        if (extra.empty() ? always : !always && requirement.applies(environment, {extra})) out.push_back(requirement);
    }
    return out;
}

// ---- the model --------------------------------------------------------------------------------------------

ResolveModel::ResolveModel(const SelectOptions& options, const Roots& roots, PackageIndex& index,
                           MetadataSource& metadata)
    : options_(options), roots_(roots), index_(index), metadata_(metadata),
      environment_(marker_environment(options.target)), python_(python_of(options.target)),
      projects_(options, roots, index), prefetcher_(projects_, metadata, environment_) {
    nodes_.push_back({}); // the request
    for (const auto& [line, requirement] : roots.lines) {
        Requirement plain = requirement;
        plain.url.clear();
        prefetcher_.want(plain);
    }
}

std::size_t ResolveModel::candidates(int package) { return package == 0 ? 1 : project(package).candidates.size(); }

Result<int> ResolveModel::package(const std::string& name, const std::string& extra) {
    auto known = numbers_.find({name, extra});
    if (known != numbers_.end()) return known->second;
    auto loaded = projects_.get(name);
    if (!loaded->ok()) return loaded->error();
    nodes_.push_back({name, extra, std::move(loaded)});
    int number = static_cast<int>(nodes_.size()) - 1;
    numbers_.emplace(std::pair{name, extra}, number);
    return number;
}

VersionSet ResolveModel::matching(const Project& project, const Requirement& requirement) const {
    VersionSet out = VersionSet::none(project.candidates.size());
    for (std::size_t i = 0; i < project.candidates.size(); ++i)
        if (requirement.specifier.matches(project.candidates[i].version)) out.add(i);
    return out;
}

Status ResolveModel::add_requirement(const std::shared_ptr<const Requirement>& requirement, const Fact& base,
                                     std::vector<Fact>& out) {
    if (!requirement->url.empty() && base.package != 0) {
        auto line = roots_.direct.find(requirement->name);
        if (line == roots_.direct.end() || line->second->url != requirement->url) {
            Fact fact = base;
            fact.text = fmt::format(
                "requires {} from the URL {}, and only a line of the request may choose a server; add '{} @ {}' "
                "to the request",
                requirement->name, without_credentials(requirement->url), requirement->name,
                without_credentials(requirement->url));
            out.push_back(std::move(fact));
            return {};
        }
    }
    std::vector<std::string> extras = requirement->extras;
    extras.insert(extras.begin(), "");
    for (const std::string& extra : extras) {
        Fact fact = base;
        TRY_ASSIGN(fact.dependency, package(requirement->name, extra));
        fact.allowed = matching(project(fact.dependency), *requirement);
        fact.requirement = requirement;
        if (fact.text.empty()) fact.text = "requires " + requirement_text(*requirement);
        asked_.push_back({fact.package, fact.when.first(), fact.dependency, fact.text});
        out.push_back(std::move(fact));
    }
    return {};
}

Result<std::vector<Fact>> ResolveModel::request_facts() {
    std::vector<Fact> out;
    for (const auto& [line, parsed] : roots_.lines) {
        Fact base;
        base.when = VersionSet::only(1, 0);
        base.text = fmt::format("{} asks for {}", line->line.str(), printable(line->text));
        TRY(add_requirement(std::make_shared<const Requirement>(parsed), base, out));
    }
    return out;
}

std::vector<Fact> ResolveModel::general_facts(int package) {
    std::vector<Fact> out;
    if (package == 0) return out;
    for (const auto& [line, constraint] : roots_.constraints) {
        if (constraint.name != node(package).name || !node(package).extra.empty()) continue;
        Fact fact;
        fact.package = package;
        fact.when = matching(project(package), constraint).complement();
        fact.when &= VersionSet::absent(candidates(package)).complement();
        if (fact.when.empty()) continue;
        fact.text = fmt::format("{} allows only {}", line->line.str(), printable(line->text));
        fact.requirement = std::make_shared<const Requirement>(constraint);
        out.push_back(std::move(fact));
    }
    return out;
}

const Metadata* ResolveModel::metadata(int package, std::size_t candidate) {
    const Candidate& chosen = project(package).candidates[candidate];
    if (!chosen.wheel) return nullptr;
    auto found = metadata_.get(chosen.wheel->file); // kept by the source as long as it lives
    return found->ok() ? &**found : nullptr;
}

Result<std::vector<Fact>> ResolveModel::facts(int package, std::size_t candidate) {
    if (package == 0) return request_facts();
    const Node here = node(package);
    const Candidate& chosen = project(package).candidates[candidate];
    std::vector<Fact> out;
    Fact base;
    base.package = package;
    base.when = VersionSet::only(candidates(package), candidate);
    if (!here.extra.empty()) {
        Fact same = base;
        TRY_ASSIGN(same.dependency, this->package(here.name, ""));
        same.allowed = base.when;
        out.push_back(std::move(same));
    }
    if (!chosen.wheel) return out; // the provider installs its requirements too
    // Every few candidates of one project: more of them will be tried, so ask for several at once.
    if (int tried = ++tried_[package]; tried % 4 == 3)
        prefetcher_.want(here.project, candidate + 1, 4u << std::min(tried / 4, 3));
    auto metadata = metadata_.get(chosen.wheel->file);
    auto unusable = [&](std::string why) {
        Fact fact = base;
        fact.text = std::move(why);
        out = {std::move(fact)};
        return out;
    };
    if (!metadata->ok()) {
        bool fatal = metadata->error().kind != ErrorKind::usage || project(package).direct;
        if (fatal) return metadata->error();
        return unusable("cannot be used (" + metadata->error().message + ")");
    }
    const Metadata& own = **metadata;
    const bool dynamic = project(package).direct && !chosen.wheel->rank && chosen.version.str() == dynamic_version;
    const std::optional<Version> built = dynamic ? Version::parse(own.version) : std::nullopt;
    const std::string why =
        why_unusable(own, here.name, built.value_or(chosen.version), python_, options_.target.python);
    if (const RequirementLine* line = project(package).direct; line && !why.empty() && why == own.unreadable)
        return make_error(ErrorKind::usage, "{}: {} {} {}", line->line.str(), here.name, chosen.version.str(), why);
    if (!why.empty()) return unusable(why);
    std::vector<Requirement> all = applying(own, environment_, here.extra);
    for (const Requirement& one : all) prefetcher_.want(one);
    for (Requirement& one : all) TRY(add_requirement(std::make_shared<const Requirement>(std::move(one)), base, out));
    return out;
}

void ResolveModel::progress(std::size_t decided) {
    progress_shown_ = true;
    reporter_or_silent(options_.reporter).progress("resolving", decided, 0, "package");
}

std::string ResolveModel::asker(int package, const std::map<int, std::size_t>& chosen) const {
    const std::string& name = node(package).name;
    for (const Asked& one : asked_) {
        if (one.package == 0 || node(one.dependency).name != name || node(one.package).name == name) continue;
        auto found = chosen.find(one.package);
        if (found == chosen.end() || found->second != one.candidate) continue;
        return fmt::format("{} {} {}", node(one.package).name,
                           project(one.package).candidates[one.candidate].version.str(), one.text);
    }
    return "";
}

} // namespace tinderbox::pip
