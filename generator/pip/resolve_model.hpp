// Packages, wheels and metadata as the solver sees them. Used by resolve.cpp and resolve_explain.cpp only.
#pragma once

#include "common/base/threads.hpp"
#include "generator/pip/marker.hpp"
#include "generator/pip/metadata_source.hpp"
#include "generator/pip/once_map.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/pip/resolve_solver.hpp"
#include "generator/pip/select.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <set>

namespace tinderbox::pip {

struct Candidate {
    Version version;
    const ProjectWheels::Wheel* wheel = nullptr; // nullptr: provided from elsewhere
};

// A project and its candidates, best first.
struct Project {
    std::string name;
    ProjectWheels files;
    std::vector<Candidate> candidates;
    bool provided = false;
    const RequirementLine* direct = nullptr;
    std::size_t hidden_prereleases = 0, hidden_yanked = 0;
};

// The request's statements about projects, before any index is asked.
struct Roots {
    std::vector<std::pair<const RequirementLine*, Requirement>> lines; // that apply to the target
    std::vector<std::pair<const RequirementLine*, Requirement>> constraints;
    std::map<std::string, const RequirementLine*> direct;  // by project: the line with a URL or path
    std::set<std::string> prereleases;                     // projects whose pre-releases a line allows
    std::map<std::string, std::vector<SpecifierSet>> pins; // "==" of lines, for yanked files
};

// Projects by name; the first thread that asks loads a project. Thread-safe.
class ProjectStore {
  public:
    ProjectStore(const SelectOptions& options, const Roots& roots, PackageIndex& index);
    std::shared_ptr<const Result<Project>> get(const std::string& name);

  private:
    Result<Project> load(const std::string& name) const;
    std::vector<const ProjectWheels::Wheel*> allowed_files(const Project& project) const;
    std::vector<const ProjectWheels::Wheel*> usable_files(Project& project) const;
    void add_candidates(Project& out, std::vector<const ProjectWheels::Wheel*> usable) const;

    const SelectOptions& options_;
    const Roots& roots_;
    PackageIndex& index_;
    TagRanking ranking_;
    Version python_;
    OnceMap<Project> projects_;
};

// Fetches pages and metadata that the solver will probably need, in advance and on several connections.
class Prefetcher {
  public:
    Prefetcher(ProjectStore& projects, MetadataSource& metadata, const MarkerEnvironment& environment);
    ~Prefetcher();
    // The project, its best candidate's metadata, and what that requires in turn. A project is followed once.
    void want(const Requirement& requirement);
    // The metadata of candidates that a search will try one after the other.
    void want(const std::shared_ptr<const Result<Project>>& project, std::size_t first, std::size_t count);

  private:
    void push(std::function<void()> task);
    Status work();
    void follow(const Requirement& requirement);

    ProjectStore& projects_;
    MetadataSource& metadata_;
    const MarkerEnvironment& environment_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> queue_;
    std::set<std::string> seen_;
    bool stopping_ = false;
    Threads threads_; // the last member: they end before the others
};

// The requirements of a wheel that apply: its own for extra "", else those that the extra adds.
std::vector<Requirement> applying(const Metadata& metadata, const MarkerEnvironment& environment,
                                  const std::string& extra);

class ResolveModel final : public SolverModel {
  public:
    ResolveModel(const SelectOptions& options, const Roots& roots, PackageIndex& index, MetadataSource& metadata);

    std::size_t candidates(int package) override;
    Result<std::vector<Fact>> facts(int package, std::size_t candidate) override;
    std::vector<Fact> general_facts(int package) override;
    void progress(std::size_t decided) override;

    struct Node {
        std::string name, extra; // "" for the project itself
        std::shared_ptr<const Result<Project>> project;
    };
    const Node& node(int package) const { return nodes_[static_cast<std::size_t>(package)]; }
    const Project& project(int package) const { return **node(package).project; }
    const Metadata* metadata(int package, std::size_t candidate);
    // The package that requires a dependency: "torch 2.9.1 requires filelock".
    std::string asker(int package, const std::map<int, std::size_t>& chosen) const;
    const SelectOptions& options() const { return options_; }
    const PackageIndex& index() const { return index_; }
    const Roots& roots() const { return roots_; }
    bool progress_shown() const { return progress_shown_; }

  private:
    Result<int> package(const std::string& name, const std::string& extra);
    Result<std::vector<Fact>> request_facts();
    Status add_requirement(const std::shared_ptr<const Requirement>& requirement, const Fact& base,
                           std::vector<Fact>& out);
    VersionSet matching(const Project& project, const Requirement& requirement) const;

    const SelectOptions& options_;
    const Roots& roots_;
    PackageIndex& index_;
    MetadataSource& metadata_;
    MarkerEnvironment environment_;
    Version python_;
    ProjectStore projects_;
    Prefetcher prefetcher_;
    std::vector<Node> nodes_;
    std::map<std::pair<std::string, std::string>, int> numbers_;
    struct Asked {
        int package;
        std::size_t candidate;
        int dependency;
        std::string text;
    };
    std::vector<Asked> asked_;
    std::map<int, int> tried_; // candidates whose facts were asked for
    bool progress_shown_ = false;
};

// The reason why the request cannot be satisfied, in one sentence or a few lines.
Error explain(const SolverOutcome& outcome, ResolveModel& model);

} // namespace tinderbox::pip
