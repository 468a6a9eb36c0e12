// The conda solve: from match specs and channels to one package of each name that is needed.
//
//   Universe      what is reachable: records by name from the channels, in the order in which they are preferred
//   libsolv       chooses (a SAT solver with preferences, as in conda's default solver)
//   explain       why there is no answer
//
// Match specs are ours (match_spec.hpp), so that every form of them counts; libsolv sees sets of candidates only.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/conda/match_spec.hpp"
#include "generator/conda/subdir.hpp"
#include "generator/conda/virtual_packages.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tinderbox::conda {

struct SolveSpec {
    MatchSpec spec;
    std::string origin;                // "environment.yml:7"
    std::vector<std::string> channels; // keys of spec.channel, see Channel::key
};

// The subdirectories of one channel, most specific first.
struct ChannelSource {
    Channel channel;
    std::vector<std::unique_ptr<Subdir>> subdirs;
};

struct SolveRequest {
    std::vector<SolveSpec> specs;       // to install
    std::vector<SolveSpec> constraints; // pins: hold for what gets installed, install nothing
    std::vector<VirtualPackage> virtuals;
    ChannelPriority priority = ChannelPriority::flexible;
    std::chrono::milliseconds time_limit = std::chrono::minutes(5); // of the search
    std::function<Result<std::vector<std::string>>(const std::string& channel)>
        channel_keys;             // of "channel::name" in a dependency
    Reporter* reporter = nullptr; // not owned; null: nothing is shown
};

struct SolvedPackage {
    std::string name, version, build;
    std::string channel, subdir; // `channel`: Channel::key
    std::string url, file_name;  // `url`: to fetch from, with credentials
    std::string sha256, md5;     // hex, "" = unknown
    std::string license;
    std::uint64_t build_number = 0, size = 0, timestamp = 0;
    std::vector<std::string> depends;
    bool requested = false;
    std::string because; // the spec's words, or "NAME requires DEPENDENCY"
};

struct Solution {
    std::vector<SolvedPackage> packages; // by name
    // Chosen packages for which other builds of the same version want __cuda, which the target lacks.
    std::vector<std::string> needs_cuda;
    std::size_t names = 0, candidates = 0; // numbers of names and candidates that the solve read
};

// Errors: unsatisfiable, with a derivation of a few lines, or because time was over without a verdict; those of the
// channels.
Result<Solution> solve(std::vector<ChannelSource>& sources, const SolveRequest& request);

} // namespace tinderbox::conda
