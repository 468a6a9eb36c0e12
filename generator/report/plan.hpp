// build --plan: the packages of a build with origin, size and reason, and the needs of its result.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/advise/gpu_plan.hpp"
#include "generator/fetch/fetch.hpp"
#include "generator/lock/lock.hpp"
#include "generator/report/redistribution.hpp"

namespace tinderbox::report {

// The source of an installed size, which tells how exact it is.
enum class SizeSource {
    measured,  // from the file itself, or the captured tree
    directory, // from the wheel's directory, read on its server through ranges
    estimated, // from the download's size
    unknown,
};
std::string_view to_string(SizeSource source);

struct PlanRow {
    format::PackageInfo package; // `redistribution` is set
    std::string from;            // channel, index or file
    std::uint64_t installed = 0; // bytes with bytecode; 0: unknown
    SizeSource installed_source = SizeSource::unknown;
    bool cached = false; // no download is needed
};

struct BuildPlan {
    std::string name, platform, target_glibc;
    format::PythonInfo python;              // a captured one
    std::vector<PlanRow> rows;              // base, captured Python, conda packages and wheels, as the lock has them
    std::uint64_t download = 0, cached = 0; // bytes; `cached` is part of `download`
    std::size_t without_size = 0;           // rows without a known download size
    std::uint64_t installed = 0;
    advise::PlannedGpuNeeds gpu;
    std::vector<std::string> restrictions; // RedistributionTable::restrictions
};

struct PlanOptions {
    bool ask_servers = true;          // read the directories of large wheels (not with --offline)
    std::uint64_t captured_bytes = 0; // of a captured Python
    format::PythonInfo captured_python;
    advise::PlannedGpuNeeds gpu; // of the lock, with what a captured Python needs
};

BuildPlan make_build_plan(const lock::Lock& lock, const RedistributionTable& table, const PlanOptions& options,
                          fetch::Fetcher& fetcher, Reporter& reporter);
nlohmann::json to_json(const BuildPlan& plan);
// `width` as in TableStyle.
std::string plan_text(const BuildPlan& plan, std::size_t width, bool colour);

} // namespace tinderbox::report
