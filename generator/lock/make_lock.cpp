#include "generator/lock/make_lock.hpp"

#include "common/base/parallel.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/conda/channel.hpp"
#include "generator/lock/conda_solve.hpp"
#include "generator/pip/config.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/pip/resolve.hpp"
#include "generator/pip/select.hpp"

#include <algorithm>

namespace tinderbox {
namespace {

std::string last_element(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string file_url(const std::string& path) { return "file://" + percent_encode_path(path); }

// conda's subdirectory in ".../SUBDIR/FILE", "" for a path that has none.
std::string subdir_of(const std::string& url) {
    std::string path = is_url(url) ? Url::parse(url).path : url;
    auto file = path.rfind('/');
    if (file == std::string::npos || file == 0) return "";
    auto subdir = path.rfind('/', file - 1);
    std::string name = path.substr(subdir == std::string::npos ? 0 : subdir + 1,
                                   file - (subdir == std::string::npos ? 0 : subdir + 1));
    for (std::string_view known : {"linux-", "osx-", "win-", "freebsd-", "emscripten-", "wasi-", "zos-"})
        if (name.starts_with(known)) return name;
    return name == "noarch" ? name : "";
}

} // namespace

Result<LockedArtifact> lock_conda_file(const CondaSpec& spec, const std::string& platform) {
    std::string subdir = subdir_of(spec.url);
    if (!subdir.empty() && subdir != "noarch" && subdir != platform)
        return make_error(ErrorKind::usage,
                          "{}: {} is a package for {}, and the installer is for {}; take the list of that "
                          "platform, or write --platform {}",
                          spec.line.str(), spec.name, subdir, platform, subdir);
    LockedArtifact out;
    out.kind = "conda";
    out.name = spec.name;
    out.version = spec.version.starts_with("==") ? spec.version.substr(2) : spec.version;
    out.build = spec.build;
    bool local = !is_url(spec.url) || spec.url.starts_with("file:");
    out.source = !is_url(spec.url) ? spec.url : local ? file_url_to_path(spec.url) : spec.url;
    out.url = local ? file_url(out.source) : without_credentials(spec.url);
    out.file_name = percent_decode(last_element(local ? out.source : Url::parse(spec.url).path));
    out.sha256 = spec.sha256;
    out.md5 = spec.md5;
    out.size = spec.size;
    out.requested = spec.needed_by.empty();
    out.requirement = out.requested ? printable(spec.text) : "needed by " + spec.needed_by;
    out.channel = without_credentials(spec.channel);
    return out;
}

namespace {

LockedArtifact lock_wheel(const pip::ChosenWheel& wheel) {
    LockedArtifact out;
    out.kind = "wheel";
    out.name = wheel.name;
    out.version = wheel.version;
    Download download = pip::to_download(wheel);
    out.source = download.url;
    out.url = wheel.file.local ? file_url(download.url) : without_credentials(download.url);
    out.file_name = wheel.file.file_name;
    out.sha256 = download.sha256;
    out.md5 = out.sha256.empty() ? download.md5 : "";
    out.size = download.size;
    out.requested = wheel.requested;
    out.requirement = wheel.requirement;
    out.index = wheel.index;
    if (wheel.direct) out.direct_url = out.url;
    out.extras = wheel.extras;
    return out;
}

// The artifact becomes the wheel that is made of the archive it names so far.
Status lock_built(const pip::IndexFile& archive, pip::WheelBuilder& builder, LockedArtifact& artifact) {
    TRY_ASSIGN(pip::BuiltWheel wheel, builder.build(archive));
    artifact.built_from =
        BuiltFrom{artifact.url, artifact.source, archive.file_name, wheel.archive.sha256, wheel.archive.size};
    artifact.file_name = wheel.path.filename().string();
    artifact.sha256 = wheel.sha256;
    artifact.md5.clear();
    artifact.size = wheel.size;
    return {};
}

pip::WheelBuilderOptions builder_options(const PipOptions& pip, const LockOptions& options, const pip::Target& target,
                                         const std::vector<LockedArtifact>& conda) {
    pip::WheelBuilderOptions out;
    out.target = target;
    out.pip = pip;
    out.source_mtime = options.source_mtime;
    if (options.build_python) out.python = [&options, conda] { return options.build_python(conda); };
    return out;
}

// Python packages whose conda name is not the one of their wheel.
constexpr std::pair<std::string_view, std::string_view> other_names[] = {{"pytorch", "torch"},
                                                                         {"pytorch-gpu", "torch"},
                                                                         {"pytorch-cpu", "torch"},
                                                                         {"tensorflow-base", "tensorflow"},
                                                                         {"matplotlib-base", "matplotlib"},
                                                                         {"opencv", "opencv-python"},
                                                                         {"py-opencv", "opencv-python"},
                                                                         {"pytables", "tables"},
                                                                         {"msgpack-python", "msgpack"},
                                                                         {"ruamel_yaml", "ruamel-yaml"},
                                                                         {"importlib_metadata", "importlib-metadata"},
                                                                         {"dask-core", "dask"},
                                                                         {"seaborn-base", "seaborn"}};

void add_conda_packages(const std::vector<LockedArtifact>& artifacts, std::map<std::string, std::string>& provided) {
    for (const LockedArtifact& artifact : artifacts) {
        provided.emplace(pip::normalize_name(artifact.name), artifact.version);
        for (auto [conda, wheel] : other_names)
            if (artifact.name == conda) provided.emplace(wheel, artifact.version);
    }
}

// "3.11.9" of the conda package python; its free-threaded builds end with "_cp313t".
Status python_of(const std::vector<LockedArtifact>& conda, const LockOptions& options, pip::Target& target,
                 bool needed) {
    const LockedArtifact* package = nullptr;
    for (const LockedArtifact& artifact : conda)
        if (artifact.name == "python") package = &artifact;
    if (package && !options.python.empty())
        return make_error(ErrorKind::usage,
                          "the request has the conda package python {}, and a captured Python {} is given too; "
                          "keep one of the two",
                          package->version, options.python);
    if (package) {
        target.python = package->version;
        target.free_threaded = package->build.ends_with("t") && package->build.find("_cp3") != std::string::npos;
    } else if (!options.python.empty()) {
        target.python = options.python;
        target.free_threaded = options.free_threaded;
    } else if (needed) {
        return make_error(ErrorKind::usage,
                          "wheels need a Python, and the request has none; add --python-from EXE (this "
                          "machine's interpreter), --from-prefix DIR, or a conda package of python");
    }
    return {};
}

std::string host_of(const std::string& url) {
    Url parsed = Url::parse(url);
    return parsed.host;
}

// Hosts that may be talked to without TLS verification and were: part of what made the environment.
std::vector<std::string> used_insecure_hosts(const Lock& lock, const LockOptions& options, const PipOptions& pip) {
    std::vector<std::string> allowed = options.insecure_hosts, out;
    allowed.insert(allowed.end(), pip.trusted_hosts.begin(), pip.trusted_hosts.end());
    for (const std::string& entry : allowed) {
        std::string host = to_lower(entry.substr(0, entry.find(':')));
        bool used =
            std::ranges::any_of(lock.artifacts, [&](const LockedArtifact& a) { return host_of(a.url) == host; }) ||
            std::ranges::any_of(lock.indexes, [&](const std::string& url) { return host_of(url) == host; });
        if (used && std::ranges::find(out, entry) == out.end()) out.push_back(entry);
    }
    std::ranges::sort(out);
    return out;
}

// Whether every line says exactly which version it wants: then the list itself may be the answer.
bool all_pinned(const Request& request) {
    auto pinned = [](const PipRequirement& line) {
        auto versions = pip::SpecifierSet::parse(line.specifier);
        return !line.url.empty() || (versions && versions->pin());
    };
    return std::ranges::all_of(request.pip, [&](const PipRequirement& line) {
        return pinned(line) || std::ranges::any_of(request.pip_constraints, [&](const PipRequirement& constraint) {
                   return constraint.name == line.name && pinned(constraint);
               });
    });
}

// With hashes a package that is not on the list cannot be checked: nothing is added to it, as with pip.
bool with_hashes(const Request& request) {
    return request.pip_options.require_hashes ||
           std::ranges::any_of(request.pip, [](const PipRequirement& line) { return !line.hashes.empty(); });
}

// Of a list's wheels, without the wheels where that can be done: a lock, a plan or a conflict needs no gigabytes. What
// the index has no hash of is downloaded, and compared with the request's.
Status read_metadata(pip::Selection& selection, pip::MetadataSource& metadata, Fetcher& fetcher) {
    constexpr unsigned connections = 8;
    TRY(parallel_for(selection.wheels.size(), connections, [&](std::size_t i) -> Status {
        pip::ChosenWheel& wheel = selection.wheels[i];
        if (wheel.file.sha256.empty()) return {};
        TRY_ASSIGN(wheel.metadata, metadata.text(wheel.file));
        return {};
    }));
    return pip::fetch_metadata(selection, fetcher);
}

// A list that is pinned and complete is taken as it is; what is missing or open is resolved.
Result<pip::Selection> select_or_resolve(const Request& request, const pip::SelectOptions& options,
                                         pip::PackageIndex& index, Fetcher& fetcher, pip::WheelBuilder* builder) {
    pip::MetadataSource metadata(fetcher);
    bool hashes = with_hashes(request);
    if (hashes && options.allow_sdist)
        return make_error(
            ErrorKind::usage,
            "--allow-sdist and --hash exclude each other: nobody knows the hash of a wheel that is yet to be "
            "made; leave one of the two away");
    if (hashes || (all_pinned(request) && !options.allow_sdist)) {
        TRY_ASSIGN(pip::Selection selection, pip::select_wheels(request.pip, request.pip_constraints, options, index));
        TRY(read_metadata(selection, metadata, fetcher));
        Status complete = pip::check_closure(selection, options, hashes ? &index : nullptr);
        if (complete.ok()) return selection;
        if (hashes) return std::move(complete).error();
    }
    if (builder) metadata.build_with(*builder);
    return pip::resolve(request.pip, request.pip_constraints, options, index, metadata);
}

// The archive that a lock has of a package without a wheel, as a line of the request.
PipRequirement archive_line(const ForeignPackage& package) {
    PipRequirement out;
    out.name = package.name;
    out.url = package.sdist->url;
    if (is_url(out.url) && !package.sdist->sha256.empty()) out.url += "#sha256=" + package.sdist->sha256;
    out.text = out.name + " @ " + package.sdist->url;
    out.line = package.line;
    return out;
}

// What locks of other tools say is taken as it is; a line of the request's own for the same package replaces it. Source
// archives are added to the request's lines.
Status add_locked_wheels(Request& request, bool allow_sdist, const pip::Target& target,
                         std::map<std::string, std::string>& provided, Lock& lock) {
    std::vector<std::string> replaced;
    for (const PipRequirement& line : request.pip) replaced.push_back(line.name);
    for (const TakenLock& taken : request.locks) {
        std::vector<const ForeignPackage*> archives;
        TRY_ASSIGN(auto wheels, wheels_of(taken, target, replaced, allow_sdist ? &archives : nullptr));
        for (const ForeignPackage* package : archives) request.pip.push_back(archive_line(*package));
        for (const LockedWheel& wheel : wheels) {
            const bool local = !is_url(wheel.file.url) || wheel.file.url.starts_with("file:");
            LockedArtifact out;
            out.kind = "wheel";
            out.name = wheel.package->name;
            out.version = wheel.package->version;
            out.source = !is_url(wheel.file.url) ? wheel.file.url
                         : local                 ? file_url_to_path(wheel.file.url)
                                                 : wheel.file.url;
            out.url = local ? file_url(out.source) : without_credentials(wheel.file.url);
            out.file_name = wheel.file.file_name;
            out.sha256 = wheel.file.sha256;
            out.md5 = out.sha256.empty() ? wheel.file.md5 : "";
            out.size = wheel.file.size;
            out.requested = wheel.requested;
            out.requirement = fmt::format("{} ({})", wheel.package->name, wheel.package->line.str());
            if (wheel.package->direct) out.direct_url = out.url;
            provided.emplace(out.name, out.version);
            lock.artifacts.push_back(std::move(out));
        }
    }
    return {};
}

// conda's "1.26.4" and the wheel's "1.26.4": the same release, in pip's order.
bool same_release(const std::string& wheel, const std::string& conda) {
    auto left = pip::Version::parse(wheel), right = pip::Version::parse(conda);
    return left && right ? *left == *right : wheel == conda;
}

Status add_wheels(const Request& request, const LockOptions& options, const pip::Target& target, Fetcher& fetcher,
                  MadeLock& out) {
    pip::SelectOptions select{target, options.provided, options.allow_sdist};
    std::optional<pip::WheelBuilder> builder;
    if (options.allow_sdist)
        builder.emplace(fetcher, builder_options(request.pip_options, options, target, out.lock.artifacts));
    add_conda_packages(out.lock.artifacts, select.provided);
    pip::PackageIndex index(fetcher, request.pip_options, options.index_strategy);
    TRY_ASSIGN(pip::Selection selection,
               select_or_resolve(request, select, index, fetcher, builder ? &*builder : nullptr));
    out.warnings.insert(out.warnings.end(), selection.warnings.begin(), selection.warnings.end());
    std::map<std::string, std::string> of_conda;
    std::vector<LockedArtifact> conda;
    std::ranges::copy_if(out.lock.artifacts, std::back_inserter(conda),
                         [](const LockedArtifact& one) { return one.kind == "conda"; });
    add_conda_packages(conda, of_conda);
    for (const pip::ChosenWheel& wheel : selection.wheels) {
        if (auto conda = of_conda.find(wheel.name); conda != of_conda.end()) {
            if (!wheel.direct && same_release(wheel.version, conda->second)) continue; // what conda has satisfies pip
            return make_error(
                ErrorKind::unsatisfiable,
                "{}: {} {} as a wheel would overwrite {} {} of conda, which leaves a broken mixture of both; "
                "ask conda for the version ('{}={}'), or take the package out of the conda part",
                wheel.line.str(), wheel.name, wheel.version, wheel.name, conda->second, wheel.name, wheel.version);
        }
        if (auto other = options.provided.find(wheel.name); other != options.provided.end())
            out.warnings.push_back(fmt::format("{}: {} {} as a wheel replaces {} {} of the captured environment",
                                               wheel.line.str(), wheel.name, wheel.version, wheel.name, other->second));
        out.lock.artifacts.push_back(lock_wheel(wheel));
        if (pip::is_source_archive(wheel.file)) TRY(lock_built(wheel.file, *builder, out.lock.artifacts.back()));
    }
    for (const std::string& url : index.indexes()) out.lock.indexes.push_back(without_credentials(url));
    return {};
}

// construct.yaml: what is left out of the answer, and what of it counts as asked for.
Status apply_choices(const Request& request, Lock& lock) {
    for (const std::string& name : request.exclude)
        std::erase_if(lock.artifacts,
                      [&](const LockedArtifact& a) { return a.kind == "conda" && a.name == to_lower(name); });
    if (request.user_requested.empty()) return {};
    for (LockedArtifact& artifact : lock.artifacts) artifact.requested = artifact.kind != "conda" && artifact.requested;
    for (const std::string& spec : request.user_requested) {
        const std::string name = to_lower(spec.substr(0, spec.find_first_of(" =<>!~[")));
        for (LockedArtifact& artifact : lock.artifacts) {
            if (artifact.kind != "conda" || artifact.name != name) continue;
            artifact.requested = true;
            artifact.requirement = printable(spec);
        }
    }
    return {};
}

bool needs_python(const Request& request) {
    return std::ranges::any_of(request.locks, [](const TakenLock& taken) {
        return std::ranges::any_of(taken.lock->packages,
                                   [](const ForeignPackage& package) { return package.kind == "pypi"; });
    });
}

// requires-python of a pyproject.toml
Status check_python(const Request& request, const pip::Target& target) {
    auto wanted = pip::SpecifierSet::parse(request.requires_python);
    auto have = pip::Version::parse(pip::marker_environment(target)["python_full_version"]);
    if (request.requires_python.empty() || !wanted || !have || wanted->matches(*have)) return {};
    return make_error(ErrorKind::usage, "{}: it is for Python {}, and the environment's is {}; take another Python",
                      request.source.empty() ? "the request" : request.source, request.requires_python, target.python);
}

// Every conda entry says exactly which file it is: an @EXPLICIT list, another tool's lock. Nothing is solved.
bool is_explicit(const Request& request) {
    return std::ranges::all_of(request.conda, [](const CondaSpec& spec) { return !spec.url.empty(); });
}

Status lock_explicit(const Request& request, const LockOptions& options, Lock& lock) {
    for (const CondaSpec& spec : request.conda) {
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

Status add_pip_configuration(Request& request) {
    TRY_ASSIGN(auto config, pip::read_pip_config());
    request.pip_options.add_defaults(config.options);
    return {};
}

Result<MadeLock> make_lock(const Request& request, const LockOptions& options, Fetcher& fetcher) {
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
    for (const CondaSpec& spec : request.conda) lock.request.push_back(printable(spec.text));
    for (const PipRequirement& requirement : request.pip) lock.request.push_back(printable(requirement.text));

    pip::Target target;
    target.platform = options.platform;
    target.glibc = options.target_glibc;
    if (!is_explicit(request)) {
        TRY_ASSIGN(CondaAnswer answer, solve_conda(request, options, fetcher));
        lock.artifacts = std::move(answer.artifacts);
        lock.channels = std::move(answer.channels);
        lock.virtuals = std::move(answer.virtuals);
        out.warnings = std::move(answer.warnings);
    } else {
        TRY(lock_explicit(request, options, lock));
    }
    TRY(apply_choices(request, lock));
    TRY(python_of(lock.artifacts, options, target, !request.pip.empty() || needs_python(request)));
    // A Python 2 of conda's is nobody's concern then.
    if (request.pip.empty() && !needs_python(request) && request.requires_python.empty())
        target.python = pip::Target().python;
    TRY(target.check());
    TRY(check_python(request, target));
    LockOptions with_locked = options;
    Request with_archives = request;
    TRY(add_locked_wheels(with_archives, options.allow_sdist, target, with_locked.provided, lock));
    if (!with_archives.pip.empty()) TRY(add_wheels(with_archives, with_locked, target, fetcher, out));
    lock.insecure_hosts = used_insecure_hosts(lock, options, request.pip_options);
    return out;
}

namespace {

void lend(std::string& source, const std::vector<std::string>& places) {
    Url url = Url::parse(source);
    if (!url.userinfo.empty() || url.host.empty()) return;
    for (const std::string& place : places) {
        Url from = Url::parse(place);
        if (from.userinfo.empty() || from.origin() != url.origin()) continue;
        url.userinfo = from.userinfo;
        source = url.str();
        return;
    }
}

} // namespace

void lend_credentials(Lock& lock, const PipOptions& options) {
    std::vector<std::string> places = options.extra_index_urls;
    // A token of .condarc stands in the path: /t/TOKEN/.
    std::vector<std::pair<std::string, std::string>> tokens; // channel without and with it
    if (auto config = conda::read_config(); config.ok()) {
        std::vector<std::string> channels = config->channels;
        channels.insert(channels.end(), config->default_channels.begin(), config->default_channels.end());
        for (const auto& [name, url] : config->custom_channels) channels.push_back(name);
        for (const std::string& channel : lock.channels)
            if (!is_url(channel)) channels.push_back(channel);
        places.push_back(config->channel_alias);
        for (const std::string& text : channels) {
            auto resolved = conda::resolve_channel(text, *config);
            if (!resolved.ok()) continue;
            for (const conda::Channel& channel : *resolved) {
                places.push_back(channel.url);
                if (channel.url.find("/t/") != std::string::npos)
                    tokens.emplace_back(channel.key + "/", channel.url + "/");
            }
        }
        if (config->channel_alias.find("/t/") != std::string::npos)
            tokens.emplace_back(without_credentials(config->channel_alias) + "/", config->channel_alias + "/");
    }
    if (options.index_url) places.push_back(*options.index_url);
    places.insert(places.end(), options.find_links.begin(), options.find_links.end());
    for (LockedArtifact& artifact : lock.artifacts) {
        auto token =
            std::ranges::find_if(tokens, [&](const auto& one) { return artifact.source.starts_with(one.first); });
        if (token != tokens.end()) artifact.source = token->second + artifact.source.substr(token->first.size());
        lend(artifact.source, places);
        if (artifact.built_from) lend(artifact.built_from->source, places);
    }
}

Result<Fetched> make_wheel_again(const LockedArtifact& artifact, const Lock& lock, const PipOptions& pip,
                                 const LockOptions& options, Fetcher& fetcher) {
    std::vector<LockedArtifact> conda;
    std::ranges::copy_if(lock.artifacts, std::back_inserter(conda),
                         [](const LockedArtifact& a) { return a.kind == "conda"; });
    pip::Target target;
    target.platform = lock.platform;
    target.glibc = lock.target_glibc;
    TRY(python_of(conda, options, target, true));
    pip::WheelBuilder builder(fetcher, builder_options(pip, options, target, conda));
    const BuiltFrom& from = *artifact.built_from;
    pip::IndexFile archive;
    archive.file_name = from.file_name;
    archive.url = from.source.empty() ? from.url : from.source;
    archive.sha256 = from.sha256;
    archive.size = from.size;
    archive.local = from.url.starts_with("file:");
    TRY_ASSIGN(pip::BuiltWheel wheel, builder.build(archive));
    if (wheel.sha256 != artifact.sha256)
        return make_error(
            ErrorKind::usage,
            "{}: the wheel that is made of it here has the SHA-256 {}, the lock names {} (another compiler, or "
            "a build that is not reproducible); lock again on this machine",
            from.file_name, wheel.sha256, artifact.sha256);
    return Fetched{wheel.path, wheel.sha256, wheel.size, true};
}

} // namespace tinderbox
