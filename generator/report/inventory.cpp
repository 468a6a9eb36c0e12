#include "generator/report/inventory.hpp"

#include "common/base/last_component.hpp"
#include "common/base/url.hpp"
#include "common/format/run_file.hpp"
#include "generator/lock/base.hpp"
#include "generator/spec/spec_text.hpp"

#include <algorithm>

namespace tinderbox::report {
namespace {

format::PackageInfo base_package(const lock::LockedBase& base) {
    format::PackageInfo out;
    out.kind = "base";
    out.name = base.kind == "installer" ? lock::base_kind(base.file_name) : base.kind;
    out.version = base.version;
    out.url = without_credentials(base.url);
    out.file_name = base.file_name;
    out.sha256 = base.sha256;
    out.size = base.size;
    out.requested = true;
    out.requirement = "--base";
    out.prefix.kind = format::PrefixKind::base;
    return out;
}

} // namespace

std::vector<format::PackageInfo> packages_of(const lock::Lock& lock) {
    std::vector<format::PackageInfo> out;
    if (lock.base) out.push_back(base_package(*lock.base));
    if (lock.captured) {
        format::PackageInfo p;
        p.kind = lock.captured->kind;
        p.name = lock.captured->path;
        p.sha256 = lock.captured->sha256;
        p.requested = true;
        out.push_back(std::move(p));
    }
    for (const lock::LockedArtifact& artifact : lock.artifacts) out.push_back(lock::package_of(artifact));
    for (const lock::LockedInclude& include : lock.includes) {
        format::PackageInfo p;
        p.kind = "include";
        p.name = include.destination;
        p.sha256 = include.sha256;
        p.requested = true;
        p.requirement = include.in_prefix ? "extra_files" : "--include";
        out.push_back(std::move(p));
    }
    return out;
}

Inventory inventory_of(const lock::Lock& lock) {
    Inventory out{"lock", lock.name, lock.platform, packages_of(lock), 0, {}};
    out.settings = {{"platform", lock.platform},
                    {"bytecode", std::string(lock::to_string(lock.bytecode))},
                    {"source time", std::to_string(lock.source_mtime)}};
    for (const auto& [name, value] : lock.variables) out.settings["variable " + name] = value;
    return out;
}

Inventory inventory_of(const format::Manifest& manifest) {
    Inventory out{"run", manifest.name, manifest.platform, {}, manifest.install.apparent_bytes, {}};
    out.settings = {{"platform", manifest.platform},
                    {"bytecode", manifest.bytecode},
                    {"level", manifest.level},
                    {"source time", std::to_string(manifest.source_mtime)},
                    {"installer's name", manifest.name},
                    {"environment's name", manifest.env_name},
                    {"Tinderbox", manifest.tinderbox_version}};
    for (const auto& [name, value] : manifest.variables) out.settings["variable " + name] = value;
    if (const auto& base = manifest.base_installer) {
        format::PackageInfo p;
        p.kind = "base";
        p.name = base->name;
        p.version = base->version;
        p.url = base->url;
        p.file_name = base->file_name;
        p.sha256 = base->sha256;
        p.size = base->size;
        p.license = "";
        p.prefix.kind = format::PrefixKind::base;
        out.packages.push_back(std::move(p));
    }
    std::ranges::copy_if(manifest.packages, std::back_inserter(out.packages),
                         [](const format::PackageInfo& p) { return p.kind != "generated"; });
    return out;
}

Inventory inventory_of(const spec::Request& request) {
    Inventory out{"request", request.name, "", {}, 0};
    for (const spec::CondaSpec& spec : request.conda) {
        format::PackageInfo p;
        p.kind = "conda";
        p.name = spec.name;
        p.version = spec.version;
        p.build = spec.build;
        p.url = without_credentials(spec.url);
        p.requested = true;
        out.packages.push_back(std::move(p));
    }
    for (const pip::RequirementLine& requirement : request.pip) {
        format::PackageInfo p;
        p.kind = "wheel";
        p.name = requirement.name;
        p.version = requirement.specifier;
        p.url = without_credentials(requirement.url);
        if (p.name.empty()) p.name = last_component(p.url);
        p.requested = true;
        out.packages.push_back(std::move(p));
    }
    return out;
}

Result<Inventory> read_inventory(const std::string& path) {
    if (format::looks_like_run(path)) {
        TRY_ASSIGN(format::RunFile run, format::RunFile::open(path));
        TRY_ASSIGN(format::Manifest manifest, format::manifest_from_json(run.manifest()));
        return inventory_of(manifest);
    }
    TRY_ASSIGN(const std::string text, spec::read_spec_text(path));
    if (spec::recognise_spec(text) == spec::SpecKind::tinderbox_lock) {
        TRY_ASSIGN(lock::Lock lock, lock::parse_lock(text, path));
        return inventory_of(lock);
    }
    TRY_ASSIGN(spec::Request request, spec::parse_spec(text, path));
    TRY(spec::check_asks(request));
    return inventory_of(request);
}

} // namespace tinderbox::report
