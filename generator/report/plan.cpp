#include "generator/report/plan.hpp"

#include "common/base/parallel.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/base/url.hpp"
#include "common/base/version_order.hpp"
#include "common/machine/gpu_code.hpp"
#include "generator/advise/system_needs.hpp"
#include "generator/archive/zip.hpp"
#include "generator/fetch/cache_path.hpp"
#include "generator/fetch/url.hpp"
#include "generator/lock/download.hpp"
#include "generator/pip/metadata_source.hpp"
#include "generator/report/columns.hpp"
#include "generator/report/inventory.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>

namespace tinderbox::report {
namespace {

using nlohmann::json;

// Measured over the wheels of the tests: .pyc files have 1.22 times the bytes of their sources; wheels of Python code
// alone unpack (bytecode included) to 7 to 10 times their size, those with compiled code to 2.5 to 4 times.
constexpr double bytecode_factor = 1.22, pure_factor = 7.5, platform_factor = 3.5, conda_factor = 4.0;
// A smaller download's estimate is near enough, and asking its server is not worth a connection.
constexpr std::uint64_t worth_asking = 4u << 20;
constexpr unsigned connections = 8;

std::uint64_t scaled(std::uint64_t bytes, double factor) {
    return static_cast<std::uint64_t>(static_cast<double>(bytes) * factor);
}

// "conda-forge" of conda's own server, "host/path" of another; ".../SUBDIR/FILE" ends every package's URL.
std::string channel_of(const lock::LockedArtifact& artifact) {
    fetch::Url url = fetch::Url::parse(artifact.url);
    std::string path = url.path.substr(0, url.path.rfind('/'));
    path = path.substr(0, path.rfind('/'));
    if (url.host == "conda.anaconda.org" && path.size() > 1) return path.substr(1);
    return url.host + (url.port.empty() ? "" : ":" + url.port) + path;
}

// The column FROM: a channel, "host/simple", "file".
std::string origin_of(const lock::LockedArtifact& artifact) {
    if (artifact.built_from) return "built from " + artifact.built_from->file_name;
    if (artifact.url.starts_with("file:")) return "file";
    if (artifact.kind == parcel::ArtifactKind::conda) return channel_of(artifact);
    if (artifact.index.empty()) return fetch::Url::parse(artifact.url).host;
    fetch::Url url = fetch::Url::parse(artifact.index);
    return url.host.empty() ? artifact.index : url.host + (url.port.empty() ? "" : ":" + url.port) + url.path;
}

std::uint64_t with_bytecode(std::uint64_t bytes, std::uint64_t python_bytes) {
    return bytes + scaled(python_bytes, bytecode_factor);
}

std::optional<std::uint64_t> size_of_file(const fs::path& wheel) {
    auto zip = archive::ZipReader::open(wheel);
    if (!zip) return std::nullopt;
    std::uint64_t bytes = 0, python = 0;
    for (const archive::ZipMember& member : (*zip)->members()) {
        bytes += member.size;
        if (std::string_view(member.path).ends_with(".py")) python += member.size;
    }
    return with_bytecode(bytes, python);
}

void estimate(PlanRow& row) {
    const format::PackageInfo& p = row.package;
    if (p.size == 0) return;
    bool pure = p.file_name.ends_with("-none-any.whl");
    row.installed = scaled(p.size, p.kind != "wheel" ? conda_factor : pure ? pure_factor : platform_factor);
    row.installed_source = SizeSource::estimated;
}

void learn_installed_size(PlanRow& row, const lock::LockedArtifact& artifact, const PlanOptions& options,
                          fetch::Fetcher& fetcher) {
    auto here = artifact.url.starts_with("file:") ? std::optional<fs::path>(file_url_to_path(artifact.url))
                                                  : fetch::cached_artifact(artifact.sha256, artifact.file_name);
    row.cached = here.has_value();
    if (artifact.kind == parcel::ArtifactKind::wheel && here) {
        if (auto bytes = size_of_file(*here)) {
            row.installed = *bytes;
            row.installed_source = SizeSource::measured;
            return;
        }
    }
    estimate(row);
    if (artifact.kind != parcel::ArtifactKind::wheel || !options.ask_servers || artifact.size < worth_asking ||
        artifact.built_from)
        return;
    pip::IndexFile file;
    file.url = lock::to_download(artifact).url;
    file.file_name = artifact.file_name;
    file.size = artifact.size;
    auto size = pip::read_remote_size(fetcher, file); // a server that does not answer leaves the estimate
    if (!size || !*size) return;
    row.installed = with_bytecode((*size)->bytes, (*size)->python_bytes);
    row.installed_source = SizeSource::directory;
}

// Nothing of it is downloaded.
bool is_local(const format::PackageInfo& p) { return p.kind == "python" || p.kind == "prefix" || p.kind == "include"; }

std::string why(const format::PackageInfo& p) {
    if (p.kind == "base") return "--base";
    if (p.kind == "include") return p.requirement;
    if (p.kind == "python" || p.kind == "prefix") return "captured";
    if (p.requirement.empty()) return "a dependency";
    return p.requested ? "asked for: " + p.requirement : p.requirement;
}

std::string installed_words(const BuildPlan& plan) {
    std::uint64_t known = 0, estimated = 0;
    std::size_t unknown = 0;
    for (const PlanRow& row : plan.rows) {
        if (row.installed_source == SizeSource::measured || row.installed_source == SizeSource::directory)
            known += row.installed;
        if (row.installed_source == SizeSource::estimated) estimated += row.installed;
        unknown += row.installed_source == SizeSource::unknown ? 1 : 0;
    }
    std::string out = (unknown > 0 ? "at least " : "about ") + format_bytes(plan.installed);
    if (estimated > 0)
        out += known == 0 ? " (estimated from the downloads' sizes)"
                          : fmt::format(" ({} read from the files themselves, {} estimated from the downloads' sizes)",
                                        format_bytes(known), format_bytes(estimated));
    if (unknown > 0) out += fmt::format(", {} of unknown size not counted", unknown);
    return out;
}

// The packages are chosen for the target's glibc; a captured Python, and files that were read before, may need more.
std::string least_glibc(const BuildPlan& plan) {
    const std::string& found = plan.gpu.needs.glibc;
    return compare_versions(found, plan.target_glibc) > 0 ? found : plan.target_glibc;
}

} // namespace

std::string_view to_string(SizeSource source) {
    switch (source) {
    case SizeSource::measured:
        return "measured";
    case SizeSource::directory:
        return "directory";
    case SizeSource::estimated:
        return "estimated";
    case SizeSource::unknown:
        break;
    }
    return "unknown";
}

BuildPlan make_build_plan(const lock::Lock& lock, const RedistributionTable& table, const PlanOptions& options,
                          fetch::Fetcher& fetcher, Reporter& reporter) {
    BuildPlan out;
    out.name = lock.name;
    out.platform = lock.platform;
    out.target_glibc = lock.target_glibc;
    out.gpu = options.gpu;
    out.python = options.captured_python;
    std::vector<format::PackageInfo> packages = packages_of(lock);
    table.classify_all(packages);
    for (const format::PackageInfo& p : packages) out.rows.push_back({p, "", 0, SizeSource::unknown, false});
    // Base and captured Python come before the artifacts, included files behind them.
    const std::size_t first = packages.size() - lock.artifacts.size() - lock.includes.size();
    for (std::size_t i = 0; i < first; ++i) {
        PlanRow& row = out.rows[i];
        if (row.package.kind == "base") {
            row.from = fetch::Url::parse(row.package.url).host;
            row.cached = fetch::cached_artifact(row.package.sha256, row.package.file_name).has_value();
            estimate(row);
            continue;
        }
        row.from = row.package.name; // its path
        row.package.name = row.package.kind == "python" ? "python" : fs::path(row.package.name).filename().string();
        row.package.version = options.captured_python.version;
        row.cached = true;
        row.installed = options.captured_bytes;
        row.installed_source = options.captured_bytes > 0 ? SizeSource::measured : SizeSource::unknown;
    }
    std::atomic<std::size_t> done = 0;
    (void)parallel_for(lock.artifacts.size(), connections, [&](std::size_t i) -> Status {
        PlanRow& row = out.rows[first + i];
        row.from = origin_of(lock.artifacts[i]);
        learn_installed_size(row, lock.artifacts[i], options, fetcher);
        reporter.progress("asking for sizes", ++done, lock.artifacts.size(), "package");
        return {};
    });
    reporter.end_progress();
    for (std::size_t i = 0; i < lock.includes.size(); ++i) {
        PlanRow& row = out.rows[first + lock.artifacts.size() + i];
        row.from = "file";
        row.cached = true;
        row.installed = lock.includes[i].size;
        row.installed_source = SizeSource::measured;
    }
    for (const PlanRow& row : out.rows) {
        out.installed += row.installed;
        out.download += row.package.size;
        if (row.cached) out.cached += row.package.size;
        if (!is_local(row.package) && row.package.size == 0) ++out.without_size;
    }
    out.restrictions = table.restrictions(packages);
    return out;
}

json to_json(const BuildPlan& plan) {
    json out = {{"name", plan.name},
                {"platform", plan.platform},
                {"target_glibc", plan.target_glibc},
                {"glibc", least_glibc(plan)},
                {"libraries", plan.gpu.needs.libraries},
                {"packages", json::array()},
                {"download", {{"bytes", plan.download}, {"cached", plan.cached}, {"without_size", plan.without_size}}},
                {"installed", {{"bytes", plan.installed}}},
                {"cuda_major", nullptr},
                {"driver_floor", plan.gpu.needs.driver_floor},
                {"restrictions", plan.restrictions}};
    if (std::string unknown = machine::unknown_gpu_code(plan.gpu.needs); !unknown.empty()) out["gpu_unknown"] = unknown;
    if (plan.gpu.needs.cuda_major) {
        out["cuda_major"] = *plan.gpu.needs.cuda_major;
        out["cuda_because"] = plan.gpu.needs.cuda_evidence.empty() ? "" : plan.gpu.needs.cuda_evidence.front().because;
    }
    json sources = json::object();
    for (SizeSource source : {SizeSource::measured, SizeSource::directory, SizeSource::estimated}) {
        std::uint64_t bytes = 0;
        for (const PlanRow& row : plan.rows) bytes += row.installed_source == source ? row.installed : 0;
        sources[std::string(to_string(source))] = bytes;
    }
    out["installed"]["by_source"] = std::move(sources);
    for (const PlanRow& row : plan.rows) {
        const format::PackageInfo& p = row.package;
        out["packages"].push_back({{"kind", p.kind == "wheel" ? "pypi" : p.kind},
                                   {"name", p.name},
                                   {"version", p.version},
                                   {"build", p.build},
                                   {"from", row.from},
                                   {"url", p.url},
                                   {"sha256", p.sha256},
                                   {"size", p.size},
                                   {"cached", row.cached},
                                   {"requested", p.requested},
                                   {"why", why(p)},
                                   {"installed_size", row.installed},
                                   {"installed_size_source", to_string(row.installed_source)},
                                   {"redistribution", p.redistribution}});
    }
    return out;
}

std::string plan_text(const BuildPlan& plan, std::size_t width, bool colour) {
    std::vector<std::vector<std::string>> rows = {{"PACKAGE", "VERSION", "FROM", "SIZE", "INSTALLED", "WHY"}};
    std::size_t requested = 0;
    for (const PlanRow& row : plan.rows) {
        const format::PackageInfo& p = row.package;
        requested += p.requested ? 1 : 0;
        std::string version = p.version + (p.build.empty() ? "" : " " + p.build);
        std::string installed = row.installed_source == SizeSource::unknown ? "unknown" : format_bytes(row.installed);
        if (row.installed_source == SizeSource::estimated) installed = "~" + installed;
        rows.push_back({p.kind == "base" ? "base: " + p.name : p.name, version, row.from,
                        is_local(p) ? ""
                        : p.size    ? format_bytes(p.size)
                                    : "unknown",
                        installed, why(p)});
    }
    std::string out = columns(rows, {colour, width, {3, 4}, ""});
    auto line = [&](std::string_view label, const std::string& text) {
        out += fmt::format("{:>12}  {}\n", label, text);
    };
    out += "\n";
    line("packages", fmt::format("{}, {} of them asked for", plan.rows.size(), requested));
    std::string more = plan.without_size ? fmt::format(", {} of unknown size not counted", plan.without_size) : "";
    line("download",
         fmt::format("{}{}{}{}", plan.without_size ? "at least " : "", format_bytes(plan.download), more,
                     plan.cached ? fmt::format(", {} of it in the cache already", format_bytes(plan.cached)) : ""));
    line("installed", installed_words(plan));
    for (const auto& [label, text] : advise::gpu_plan_lines(plan.gpu)) line(label, text);
    line("for", fmt::format("{}, glibc {} or newer", plan.platform, least_glibc(plan)));
    format::Requirements needs = plan.gpu.needs;
    if (compare_versions(needs.glibc, plan.target_glibc) <= 0) needs.glibc.clear(); // the line above says it
    for (const auto& [label, text] : advise::system_lines(needs, plan.python)) line(label, text);
    for (const std::string& restriction : plan.restrictions) line("notice", restriction);
    return out;
}

} // namespace tinderbox::report
