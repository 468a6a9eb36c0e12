#include "generator/lock/make_lock.hpp"

#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/base/visible.hpp"
#include "generator/fetch/url.hpp"
#include "generator/lock/conda_solve.hpp"
#include "generator/lock/pip_resolve.hpp"
#include "generator/pip/version.hpp"

#include <algorithm>

namespace tinderbox::lock {
namespace {

// A build from the lock may talk to these hosts without TLS verification, so only hosts that were used get into it.
std::vector<std::string> used_insecure_hosts(const Lock& lock, const LockOptions& options, const pip::Options& pip) {
    std::vector<std::string> allowed = options.insecure_hosts, out;
    allowed.insert(allowed.end(), pip.trusted_hosts.begin(), pip.trusted_hosts.end());
    for (const std::string& entry : allowed) {
        std::string host = to_lower(entry.substr(0, entry.find(':')));
        bool used =
            std::ranges::any_of(lock.artifacts,
                                [&](const LockedArtifact& a) { return fetch::Url::parse(a.url).host == host; }) ||
            std::ranges::any_of(lock.indexes,
                                [&](const std::string& url) { return fetch::Url::parse(url).host == host; });
        if (used && std::ranges::find(out, entry) == out.end()) out.push_back(entry);
    }
    std::ranges::sort(out);
    return out;
}

// A construct.yaml names packages to leave out, and the packages that count as asked for.
void apply_choices(const spec::Request& request, Lock& lock) {
    for (const std::string& name : request.exclude)
        std::erase_if(lock.artifacts, [&](const LockedArtifact& a) {
            return a.kind == parcel::ArtifactKind::conda && a.name == to_lower(name);
        });
    if (request.user_requested.empty()) return;
    for (LockedArtifact& artifact : lock.artifacts)
        artifact.requested = artifact.kind != parcel::ArtifactKind::conda && artifact.requested;
    for (const std::string& spec : request.user_requested) {
        const std::string name = to_lower(spec.substr(0, spec.find_first_of(" =<>!~[")));
        for (LockedArtifact& artifact : lock.artifacts) {
            if (artifact.kind != parcel::ArtifactKind::conda || artifact.name != name) continue;
            artifact.requested = true;
            artifact.requirement = pip::printable(spec);
        }
    }
}

// Against requires-python of a pyproject.toml.
Status check_python(const spec::Request& request, const pip::Target& target) {
    auto wanted = pip::SpecifierSet::parse(request.requires_python);
    auto have = pip::Version::parse(pip::marker_environment(target)["python_full_version"]);
    if (request.requires_python.empty() || !wanted || !have || wanted->matches(*have)) return {};
    return make_error(ErrorKind::usage, "{}: it is for Python {}, and the environment's is {}; take another Python",
                      request.source.empty() ? "the request" : request.source, request.requires_python, target.python);
}

// Every conda entry says exactly which file it is: an @EXPLICIT list, another tool's lock. Nothing is solved.
bool is_explicit(const spec::Request& request) {
    return std::ranges::all_of(request.conda, [](const spec::CondaSpec& spec) { return !spec.url.empty(); });
}

Status lock_explicit(const spec::Request& request, const LockOptions& options, Lock& lock) {
    for (const spec::CondaSpec& spec : request.conda) {
        TRY_ASSIGN(LockedArtifact artifact, lock_conda_file(spec, options.platform));
        auto same = std::ranges::find(lock.artifacts, artifact.name, &LockedArtifact::name);
        if (same == lock.artifacts.end()) lock.artifacts.push_back(std::move(artifact));
        else if (same->version != artifact.version || same->build != artifact.build)
            return make_error(ErrorKind::usage, "{}: {} {} {} contradicts the {} {} given before; keep one of the two",
                              spec.line.str(), artifact.name, artifact.version, artifact.build, same->version,
                              same->build);
    }
    return {};
}

} // namespace

Result<MadeLock> make_lock(const spec::Request& request, const LockOptions& options, fetch::Fetcher& fetcher) {
    MadeLock out;
    Lock& lock = out.lock;
    lock.name = request.name;
    lock.platform = options.platform;
    lock.target_glibc = options.target_glibc;
    lock.bytecode = options.bytecode;
    lock.source_mtime = options.source_mtime;
    lock.captured = options.captured;
    lock.variables = request.variables;
    for (const std::string& channel : request.channels) lock.channels.push_back(without_credentials(channel));
    for (const spec::CondaSpec& spec : request.conda) lock.request.push_back(pip::printable(spec.text));
    for (const pip::RequirementLine& requirement : request.pip)
        lock.request.push_back(pip::printable(requirement.text));

    pip::Target target;
    target.platform = options.platform;
    target.glibc = options.target_glibc;
    if (!is_explicit(request)) {
        TRY_ASSIGN(CondaSolution answer, solve_conda(request, options, fetcher));
        lock.artifacts = std::move(answer.artifacts);
        lock.channels = std::move(answer.channels);
        lock.virtuals = std::move(answer.virtuals);
        out.warnings = std::move(answer.warnings);
    } else {
        TRY(lock_explicit(request, options, lock));
    }
    apply_choices(request, lock);
    const bool with_wheels = !request.pip.empty() || names_locked_wheels(request) || !options.projects.empty();
    TRY(set_target_python(lock.artifacts, options, with_wheels, target));
    // Without wheels a Python 2 of conda's is allowed.
    if (!with_wheels && request.requires_python.empty()) target.python = pip::Target().python;
    TRY(target.check());
    TRY(check_python(request, target));
    TRY(add_wheels(request, options, target, fetcher, out));
    for (const LockedArtifact& artifact : lock.artifacts)
        TRY(check_texts(artifact).in(visible(artifact.name + ": " + artifact.requirement)));
    lock.insecure_hosts = used_insecure_hosts(lock, options, request.pip_options);
    return out;
}

} // namespace tinderbox::lock
