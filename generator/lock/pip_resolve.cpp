#include "generator/lock/pip_resolve.hpp"

#include "common/base/parallel.hpp"
#include "common/base/url.hpp"
#include "generator/fetch/hashes.hpp"
#include "generator/lock/download.hpp"
#include "generator/pip/metadata.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/pip/resolve.hpp"
#include "generator/pip/select.hpp"

#include <algorithm>

namespace tinderbox::lock {
namespace {

LockedArtifact lock_wheel(const pip::ChosenWheel& wheel) {
    LockedArtifact out;
    out.kind = parcel::ArtifactKind::wheel;
    out.name = wheel.name;
    out.version = wheel.version;
    const fetch::Download download = pip::to_download(wheel);
    set_location(download.url, out);
    out.file_name = wheel.file.file_name;
    out.sha256 = download.sha256;
    out.md5 = download.md5;
    out.hashes = download.hashes;
    out.size = download.size;
    out.requested = wheel.requested;
    out.requirement = wheel.requirement;
    out.index = wheel.index;
    if (wheel.direct) out.direct_url = out.url;
    out.extras = wheel.extras;
    return out;
}

// `artifact` names the archive, and becomes the wheel that is made of it.
Status lock_built(const pip::IndexFile& archive, pip::WheelBuilder& builder, LockedArtifact& artifact) {
    TRY_ASSIGN(pip::BuiltWheel wheel, builder.build(archive));
    artifact.built_from =
        BuiltFrom{artifact.url, artifact.source, archive.file_name, wheel.archive.sha256, wheel.archive.size};
    artifact.file_name = wheel.path.filename().string();
    if (const auto name = pip::parse_wheel_name(artifact.file_name)) artifact.version = name->version.str();
    artifact.sha256 = wheel.sha256;
    artifact.md5.clear();
    artifact.hashes.clear();
    artifact.size = wheel.size;
    return {};
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

// Whether every line names its exact version: then the list itself may be the answer.
bool all_pinned(const spec::Request& request) {
    auto pinned = [](const pip::RequirementLine& line) {
        auto versions = pip::SpecifierSet::parse(line.specifier);
        return !line.url.empty() || (versions && versions->pin());
    };
    return std::ranges::all_of(request.pip, [&](const pip::RequirementLine& line) {
        return pinned(line) ||
               std::ranges::any_of(request.pip_constraints, [&](const pip::RequirementLine& constraint) {
                   return constraint.name == line.name && pinned(constraint);
               });
    });
}

// With hashes a package that is not on the list cannot be checked, so that nothing is added to it, as with pip.
bool with_hashes(const spec::Request& request) {
    auto with = [](const pip::RequirementLine& line) { return !line.hashes.empty(); };
    return request.pip_options.require_hashes || std::ranges::any_of(request.pip, with) ||
           std::ranges::any_of(request.pip_constraints, with);
}

// Reads the wheels' metadata, from the index where it can: a lock, a plan or a conflict needs no gigabytes. A wheel
// whose hash in the index is none of the request's is downloaded, and compared.
Status read_metadata(pip::WheelSelection& selection, pip::MetadataSource& metadata, fetch::Fetcher& fetcher) {
    constexpr unsigned connections = 8;
    TRY(parallel_for(selection.wheels.size(), connections, [&](std::size_t i) -> Status {
        pip::ChosenWheel& wheel = selection.wheels[i];
        if (wheel.file.sha256.empty() || pip::judge_hash(wheel.file, wheel.hashes) != pip::HashVerdict::right)
            return {};
        TRY_ASSIGN(wheel.metadata, metadata.text(wheel.file));
        return {};
    }));
    return pip::fetch_metadata(selection, fetcher);
}

// A pinned and complete list is its own answer; any other list is resolved.
Result<pip::WheelSelection> select_or_resolve(const spec::Request& request, const pip::SelectOptions& options,
                                              pip::PackageIndex& index, fetch::Fetcher& fetcher,
                                              pip::WheelBuilder* builder) {
    pip::MetadataSource metadata(fetcher);
    bool hashes = with_hashes(request);
    if (hashes && options.allow_sdist)
        return make_error(ErrorKind::usage,
                          "--allow-sdist and --hash exclude each other: a wheel that is yet to be made has no hash "
                          "to check; leave one of the two away");
    if (hashes || (all_pinned(request) && !options.allow_sdist)) {
        TRY_ASSIGN(pip::WheelSelection selection,
                   pip::select_wheels(request.pip, request.pip_constraints, options, index));
        TRY(read_metadata(selection, metadata, fetcher));
        Status complete = pip::check_closure(selection, options, hashes ? &index : nullptr);
        if (complete.ok()) {
            for (const pip::ChosenWheel& wheel : selection.wheels)
                pip::warn_of_repairs(pip::parse_metadata(wheel.metadata), selection.warnings);
            return selection;
        }
        if (hashes) return std::move(complete).error();
    }
    if (builder) metadata.build_with(*builder);
    return pip::resolve(request.pip, request.pip_constraints, options, index, metadata);
}

// The archive that a lock has of a package without a wheel, as a line of the request.
pip::RequirementLine archive_line(const spec::ForeignPackage& package) {
    const spec::ForeignFile& sdist = *package.sdist;
    pip::RequirementLine out;
    out.name = package.name;
    std::vector<std::string> hashes = sdist.hashes;
    if (!sdist.sha256.empty()) hashes.push_back("sha256:" + sdist.sha256);
    if (!sdist.md5.empty()) hashes.push_back("md5:" + sdist.md5);
    for (std::string& hash : hashes) hash.replace(hash.find(':'), 1, "=");
    out.url = is_url(sdist.url) ? sdist.url : "file://" + percent_encode_path(sdist.url);
    if (!hashes.empty()) out.url += fmt::format("#{}", fmt::join(hashes, "&"));
    out.text = out.name + " @ " + sdist.url;
    out.line = package.line;
    return out;
}

LockedArtifact lock_foreign_wheel(const spec::LockedWheel& wheel) {
    LockedArtifact out;
    out.kind = parcel::ArtifactKind::wheel;
    out.name = wheel.package->name;
    out.version = wheel.package->version;
    set_location(wheel.file.url, out);
    out.file_name = wheel.file.file_name;
    out.sha256 = wheel.file.sha256;
    out.md5 = wheel.file.md5;
    out.hashes = wheel.file.hashes;
    out.size = wheel.file.size;
    out.requested = wheel.requested;
    out.requirement = fmt::format("{} ({})", wheel.package->name, wheel.package->line.str());
    if (wheel.package->direct) out.direct_url = out.url;
    return out;
}

// Wheels of another tool's lock are not resolved again. A line of the request for the same package replaces one. Source
// archives are added to the request's lines.
Status add_foreign_wheels(spec::Request& request, bool allow_sdist, const pip::Target& target,
                          std::map<std::string, std::string>& provided, Lock& lock) {
    std::vector<std::string> replaced;
    for (const pip::RequirementLine& line : request.pip) replaced.push_back(line.name);
    for (const spec::LockSelection& selection : request.locks) {
        std::vector<const spec::ForeignPackage*> archives;
        TRY_ASSIGN(auto wheels, spec::wheels_of(selection, target, replaced, allow_sdist ? &archives : nullptr));
        for (const spec::ForeignPackage* package : archives) request.pip.push_back(archive_line(*package));
        for (const spec::LockedWheel& wheel : wheels) {
            lock.artifacts.push_back(lock_foreign_wheel(wheel));
            provided.emplace(wheel.package->name, wheel.package->version);
        }
    }
    return {};
}

// Compared as pip compares versions: conda's "1.26" and the wheel's "1.26.0" are one release.
bool same_release(const std::string& wheel, const std::string& conda) {
    auto left = pip::Version::parse(wheel), right = pip::Version::parse(conda);
    return left && right ? *left == *right : wheel == conda;
}

Status add_resolved_wheels(const spec::Request& request, const LockOptions& options, const pip::Target& target,
                           fetch::Fetcher& fetcher, MadeLock& out) {
    pip::SelectOptions select{target, options.provided, options.allow_sdist, options.reporter};
    std::optional<pip::WheelBuilder> builder;
    if (options.allow_sdist)
        builder.emplace(fetcher, builder_options(request.pip_options, options, target, out.lock.artifacts));
    add_conda_packages(out.lock.artifacts, select.provided);
    pip::PackageIndex index(fetcher, request.pip_options, options.index_strategy);
    TRY_ASSIGN(pip::WheelSelection selection,
               select_or_resolve(request, select, index, fetcher, builder ? &*builder : nullptr));
    out.warnings.insert(out.warnings.end(), selection.warnings.begin(), selection.warnings.end());
    std::map<std::string, std::string> of_conda;
    add_conda_packages(conda_packages(out.lock), of_conda);
    for (const pip::ChosenWheel& wheel : selection.wheels) {
        for (const std::string& hash : wheel.file.hashes)
            if (Status good = fetch::check_hash(hash); !good.ok())
                return make_error(ErrorKind::network, "{}: {}", wheel.file.file_name, good.error().message);
        if (auto conda = of_conda.find(wheel.name); conda != of_conda.end()) {
            if (!wheel.direct && same_release(wheel.version, conda->second)) continue; // conda's package satisfies pip
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

// The environment stays as it was captured: of what the project requires, nothing is resolved again.
Status add_projects(const spec::Request& request, const LockOptions& options, const pip::Target& target,
                    fetch::Fetcher& fetcher, Lock& lock) {
    pip::WheelBuilder builder(fetcher, builder_options(request.pip_options, options, target, {}));
    for (const SourceProject& project : options.projects) {
        if (std::ranges::find(lock.artifacts, project.name, &LockedArtifact::name) != lock.artifacts.end()) continue;
        pip::IndexFile archive;
        archive.file_name = project.archive.filename().string();
        archive.url = "file://" + percent_encode_path(project.archive.string());
        archive.local = true;
        LockedArtifact out;
        out.kind = parcel::ArtifactKind::wheel;
        out.name = project.name;
        out.version = project.version;
        set_location(archive.url, out);
        out.direct_url = out.url;
        out.requested = true;
        out.requirement = "editable installation of '" + project.directory + "'";
        TRY(lock_built(archive, builder, out));
        if (const auto wheel = pip::parse_wheel_name(out.file_name); !wheel || wheel->name != project.name)
            return make_error(ErrorKind::unsatisfiable,
                              "'{}': its build makes {}, and the environment has it as '{}'; install it again with pip",
                              project.directory, out.file_name, project.name);
        insert_wheel(std::move(out), lock.artifacts);
    }
    return {};
}

} // namespace

Error no_python() {
    return make_error(ErrorKind::usage,
                      "wheels need a Python, and the request has none; add --python-from EXE (this machine's "
                      "interpreter), --from-prefix DIR, or a conda package of python");
}

Status set_target_python(const std::vector<LockedArtifact>& conda, const LockOptions& options, bool needed,
                         pip::Target& target) {
    const LockedArtifact* package = nullptr;
    for (const LockedArtifact& artifact : conda)
        if (artifact.name == "python") package = &artifact;
    if (package && !options.python.empty())
        return make_error(ErrorKind::usage,
                          "the request has the conda package python {}, and a captured Python {} is given too; "
                          "keep one of the two",
                          package->version, options.python);
    if (package) { // free-threaded builds end with "_cp313t"
        target.python = package->version;
        target.free_threaded = package->build.ends_with("t") && package->build.find("_cp3") != std::string::npos;
    } else if (!options.python.empty()) {
        target.python = options.python;
        target.free_threaded = options.free_threaded;
    } else if (needed) {
        return no_python();
    }
    return {};
}

pip::WheelBuilderOptions builder_options(const pip::Options& pip, const LockOptions& options, const pip::Target& target,
                                         const std::vector<LockedArtifact>& conda) {
    pip::WheelBuilderOptions out;
    out.reporter = options.reporter;
    out.target = target;
    out.pip = pip;
    out.source_mtime = options.source_mtime;
    if (options.build_python) out.python = [&options, conda] { return options.build_python(conda); };
    return out;
}

bool names_locked_wheels(const spec::Request& request) {
    return std::ranges::any_of(request.locks, [](const spec::LockSelection& selection) {
        return std::ranges::any_of(selection.lock->packages,
                                   [](const spec::ForeignPackage& package) { return package.kind == "pypi"; });
    });
}

Status add_wheels(spec::Request request, LockOptions options, const pip::Target& target, fetch::Fetcher& fetcher,
                  MadeLock& out) {
    TRY(add_foreign_wheels(request, options.allow_sdist, target, options.provided, out.lock));
    if (!request.pip.empty()) TRY(add_resolved_wheels(request, options, target, fetcher, out));
    if (options.projects.empty()) return {};
    return add_projects(request, options, target, fetcher, out.lock);
}

} // namespace tinderbox::lock
