#include "generator/build/solve.hpp"

#include "common/base/time.hpp"

#include "generator/advise/lint.hpp"
#include "generator/advise/target.hpp"
#include "generator/build/base.hpp"
#include "generator/build/bundled_pip.hpp"
#include "generator/build/project.hpp"
#include "generator/build/sdist.hpp"
#include "generator/conda/match_spec.hpp"
#include "generator/embed/embedded.hpp"
#include "generator/lock/base.hpp"
#include "generator/lock/credentials.hpp"
#include "generator/pip/requirement.hpp"

#include <algorithm>

namespace tinderbox::build {
namespace {

using nlohmann::json;

// The newest row of templates/bases.json.
constexpr const char* default_base = "miniforge";

// --python beside a captured interpreter says which one it has to be.
Status check_captured_python(const std::string& wanted, const std::string& version) {
    const bool relation = std::string_view("=<>!~").find(wanted[0]) != std::string_view::npos;
    auto spec = conda::MatchSpec::parse("python" + std::string(relation ? "" : "=") + wanted);
    if (!spec.ok()) return std::move(spec).error().in("--python " + wanted);
    auto has = conda::VersionOrder::parse(version);
    conda::RecordView candidate;
    candidate.version = has.ok() ? &*has : nullptr;
    if (spec->matches(candidate)) return {};
    return make_error(ErrorKind::usage, "--python {} contradicts the captured Python {}; leave one of the two away",
                      wanted, version);
}

// "3.9.25" for "3.9": what conda would take for python=3.9, and what markers and requires-python are asked about.
// Nothing for a full version, and for a minor that templates/python_patches.json does not have.
std::optional<std::string> newest_patch(const std::string& python) {
    const json patches = json::parse(as_text(embed::embedded("templates/python_patches.json")))["patches"];
    auto found = patches.find(python);
    if (found == patches.end()) return std::nullopt;
    return fmt::format("{}.{}", python, found->get<int>());
}

// The value of --base when it is not given: an environment that conda solves gets a conda to live with. A captured
// Python, a list of exact packages and a construct.yaml get none.
std::string wanted_base(const Options& options, const Requested& requested) {
    if (!options.base.empty()) return options.base;
    if (!requested.request.base.empty()) return requested.request.base;
    if (requested.lock || !options.python_from.empty() || !options.from_prefix.empty() || options.pip_only) return "";
    auto exact = [](const spec::CondaSpec& spec) {
        return !spec.url.empty() ||
               (!spec.version.empty() && !spec.build.empty() && spec.build.find('*') == std::string::npos);
    };
    return std::ranges::all_of(requested.request.conda, exact) ? "" : default_base;
}

// In a base the environment is a directory of envs/, which needs a name.
void name_environment(lock::Lock& lock) {
    if (lock.base && lock.name.empty()) lock.name = "env";
}

Result<lock::Lock> use_lock(const Options& options, const Requested& requested,
                            const std::optional<lock::LockedBase>& base) {
    lock::Lock out = *requested.lock;
    lock::add_credentials(out, requested.request.pip_options);
    const bool same = base ? out.base && out.base->url == base->url : !out.base;
    if (!options.base.empty() && !same)
        return make_error(ErrorKind::usage,
                          "{}: its base is {}, --base says {}; lock again with --base, or leave it away",
                          options.specs.front(), out.base ? out.base->kind + " " + out.base->version : "none",
                          pip::printable(options.base));
    name_environment(out);
    return out;
}

// A version without a patch stands for the newest patch that is known.
void choose_wheel_python(const std::string& version, lock::LockOptions& out, Reporter& reporter) {
    out.python = version;
    auto newest = newest_patch(version);
    if (!newest) return;
    out.python = *newest;
    reporter.note("python", fmt::format("{}, the newest {} known here; --python {} takes that one", *newest, version,
                                        version + ".0"));
}

Result<lock::LockOptions> lock_options(const Options& options, const Requested& requested, const Captured& captured,
                                       fetch::Fetcher& fetcher, Reporter& reporter) {
    lock::LockOptions out;
    out.reporter = &reporter;
    out.platform = options.platform;
    const advise::CommonTarget target = advise::common_target(requested.target, requested.machines);
    if (!options.target_glibc.empty()) out.target_glibc = options.target_glibc;
    else if (!target.glibc.empty()) out.target_glibc = target.glibc;
    out.bytecode = options.bytecode;
    out.insecure_hosts = options.insecure_hosts;
    out.virtuals = options.virtuals;
    out.cuda = options.cuda;
    out.wants_gpu = target.has_gpu;
    (target.gpu.driver.empty() ? out.newest_cuda : out.driver_cuda) = advise::cuda_of_target(target.gpu);
    out.target_virtuals = target.virtuals;
    out.channel_priority = options.channel_priority;
    out.index_strategy = options.index_strategy;
    TRY_ASSIGN(const std::optional<std::int64_t> epoch, source_date_epoch());
    out.source_mtime = epoch.value_or(out.source_mtime);
    if (captured.any()) {
        describe_python(captured, out);
        if (!options.python.empty()) TRY(check_captured_python(options.python, out.python));
        out.captured = captured.source;
        for (const json& distribution : captured.artifact->metadata().value("distributions", json::array()))
            out.provided[pip::normalize_name(distribution.value("name", ""))] = distribution.value("version", "");
        TRY_ASSIGN(out.projects, archive_editable(captured));
        for (const lock::SourceProject& project : out.projects) out.provided[project.name] = project.version;
    }
    out.allow_sdist = options.allow_sdist || options.with_project;
    if (!options.pip_only) out.build_python = host_python(options, captured, out.source_mtime, fetcher);
    if (options.pip_only && out.python.empty()) choose_wheel_python(requested.wheel_python, out, reporter);
    return out;
}

} // namespace

Result<lock::Lock> solve(const Options& options, const Requested& requested, const Captured& captured,
                         fetch::Fetcher& fetcher, Reporter& reporter) {
    const std::string wanted = wanted_base(options, requested);
    TRY_ASSIGN(auto base,
               lock::lock_base(wanted, requested.platform(options), as_text(embed::embedded("templates/bases.json"))));
    if (base) TRY(check_local_base(*base, requested.platform(options)));
    if (requested.lock) return use_lock(options, requested, base);
    TRY_ASSIGN(const lock::LockOptions how, lock_options(options, requested, captured, fetcher, reporter));
    auto solved = lock::make_lock(requested.request, how, fetcher);
    if (!solved.ok() && requested.python_is_default && solved.error().kind == ErrorKind::network) {
        Error error = std::move(solved).error();
        error.message += "; the request names no Python, which is why a conda channel may have been asked for one: "
                         "--python-from EXE "
                         "takes an interpreter of this machine";
        return error;
    }
    TRY_ASSIGN(lock::MadeLock made, std::move(solved));
    lock::Lock& lock = made.lock;
    lock.base = std::move(base);
    name_environment(lock);
    TRY(add_bundled_pip(options, captured, lock, reporter));
    if (lock.base) lock.request.push_back("--base " + pip::printable(wanted));
    for (const std::string& warning : made.warnings) reporter.warning(warning);
    for (const advise::LintWarning& warning : advise::lint(lock, requested.request, options.cuda))
        reporter.warning(warning.str());
    for (const spec::IgnoredItem& item : requested.request.ignored)
        reporter.note("ignored", fmt::format("{}: {} ({})", item.line.str(), item.what, item.why));
    return std::move(lock);
}

} // namespace tinderbox::build
