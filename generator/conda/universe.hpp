// The candidates of a solve. Used by solve.cpp and explain.cpp only.
#pragma once

#include "generator/conda/solve.hpp"

#include <deque>
#include <unordered_map>
#include <unordered_set>

namespace tinderbox::conda {

using CandidateId = std::uint32_t;
using DependencyId = std::uint32_t;
using NameId = std::uint32_t;

class Universe {
  public:
    struct Entry {
        const PackageRecord* record = nullptr; // null: a virtual package
        const VirtualPackage* virtual_package = nullptr;
        const VersionOrder* version = nullptr;
        const Subdir* subdir = nullptr;
        std::uint32_t channel = 0; // 0 is the most preferred
        NameId name = 0;
        bool usable = true; // false: excluded by the request itself (only when pruned)
        std::vector<DependencyId> depends, constrains;
        std::string text() const; // "numpy 1.26.4 py311_0"
    };
    struct Dependency {
        std::string text;
        MatchSpec spec;
        NameId name = 0;
        std::vector<std::string> channels;
        std::string problem; // a spec that cannot be understood: nothing satisfies it
        bool matched = false;
        std::vector<CandidateId> matches; // of `name`, best first
    };
    struct Name {
        std::string text;
        std::vector<CandidateId> candidates; // best first
        bool queued = false;
        std::vector<std::string> similar; // filled for names nobody has
    };

    // Loads everything that can be reached. `prune` leaves out candidates that the request itself rules out: this is
    // fast and changes no answer, but an explanation needs them.
    static Result<std::unique_ptr<Universe>> load(std::vector<ChannelSource>& sources, const SolveRequest& request,
                                                  bool prune);

    const std::vector<Entry>& entries() const { return entries_; }
    const std::vector<Name>& names() const { return names_; }
    const Dependency& dependency(DependencyId id) const { return dependencies_[id]; }
    const std::vector<DependencyId>& specs() const { return specs_; } // of the request, in its order
    const std::vector<DependencyId>& constraints() const { return constraints_; }
    const std::vector<CandidateId>& matches(DependencyId id); // best first
    std::size_t usable() const;

  private:
    Universe(std::vector<ChannelSource>& sources, const SolveRequest& request, bool prune)
        : sources_(sources), request_(request), prune_(prune) {}
    NameId name_of(std::string_view text);
    Result<DependencyId> dependency_of(std::string_view text);
    DependencyId add_dependency(std::string_view text, MatchSpec spec, std::vector<std::string> channels);
    Status load_names(const std::vector<NameId>& names);
    Status add_records(NameId name, NamedRecords found, const Subdir& subdir, std::uint32_t channel);
    Status expand(NameId name, std::vector<NameId>& next);
    void restrict(NameId name);
    bool satisfiable(DependencyId id);
    const VersionOrder* version_of(std::string_view text);
    RecordView view(const Entry& entry) const;
    void order(Name& name);
    int compare_simple(const Entry& left, const Entry& right) const;
    const Entry* highest(DependencyId id);

    std::vector<ChannelSource>& sources_;
    const SolveRequest& request_;
    bool prune_;
    std::vector<Entry> entries_;
    std::vector<Name> names_;
    std::unordered_map<std::string, NameId> name_ids_;
    std::deque<Dependency> dependencies_;
    std::unordered_map<std::string_view, DependencyId> dependency_ids_; // keys are views into dependencies_
    std::unordered_map<std::string, std::unique_ptr<VersionOrder>> versions_;
    std::vector<DependencyId> specs_, constraints_;
    std::vector<bool> restricted_; // by name: candidates are final and cut down by the request
    std::deque<std::vector<PackageRecord>> records_;
    std::vector<std::shared_ptr<const void>> storage_;
    std::unordered_map<DependencyId, const Entry*> highest_;
};

} // namespace tinderbox::conda
