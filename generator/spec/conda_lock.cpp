// conda-lock.yml, format version 1 (https://conda.github.io/conda-lock/): {version, metadata, package[…]}, one entry a
// package and platform: {name, version, manager: conda|pip, platform, url, hash: {md5, sha256}, category,
// dependencies}.
#include "common/base/text.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/spec/foreign_reader.hpp"
#include "generator/spec/yaml.hpp"

#include <algorithm>

namespace tinderbox::spec {
namespace {

Status read_metadata(const YamlFile& file, const YAML::Node& metadata, ForeignLock& out) {
    if (!metadata.IsDefined() || metadata.IsNull()) return {};
    if (!metadata.IsMap()) return line_error(file.at(metadata), "'metadata' is not a mapping; make the lock again");
    TRY_ASSIGN(auto channels, file.list(metadata["channels"], "'channels'"));
    for (const YAML::Node& channel : channels) {
        if (channel.IsScalar()) {
            out.channels[""].push_back(channel.Scalar());
            continue;
        }
        TRY_ASSIGN(std::string url, file.required(channel, "url", "a channel"));
        out.channels[""].push_back(std::move(url));
    }
    TRY_ASSIGN(auto platforms, file.list(metadata["platforms"], "'platforms'"));
    for (const YAML::Node& platform : platforms) {
        TRY_ASSIGN(std::string name, file.scalar(platform, "a platform"));
        out.platforms.push_back({name, name});
    }
    return {};
}

Result<ForeignPackage> read_package(const YamlFile& file, const YAML::Node& node, const std::string& path) {
    ForeignPackage out;
    out.line = file.at(node);
    if (!node.IsMap()) return line_error(out.line, "an entry of 'package' is not a mapping; make the lock again");
    TRY_ASSIGN(out.name, file.required(node, "name", "an entry of 'package'"));
    const std::string where = "the package '" + out.name + "'";
    TRY_ASSIGN(out.version, file.required(node, "version", where));
    TRY_ASSIGN(std::string manager, file.required(node, "manager", where));
    TRY_ASSIGN(out.platform, file.required(node, "platform", where));
    TRY_ASSIGN(std::string url, file.required(node, "url", where));
    TRY_ASSIGN(std::string category, file.text(node, "category"));
    out.groups.push_back(category.empty() ? "main" : category);
    const YAML::Node hash = node["hash"];
    if (hash.IsDefined() && !hash.IsNull() && !hash.IsMap())
        return line_error(file.at(hash), "'hash' of {} is not a mapping; make the lock again", where);
    TRY_ASSIGN(const Digests digests, digests_of(file, hash, true));
    if (YAML::Node needs = node["dependencies"]; needs.IsDefined() && needs.IsMap())
        for (const auto& pair : needs)
            if (pair.first.IsScalar()) out.needs.push_back({pair.first.Scalar(), "", "", "", {}});
    if (manager == "conda") {
        out.kind = "conda";
        TRY(set_conda_location(out, url, path, digests));
    } else if (manager == "pip") {
        out.kind = "pypi";
        out.name = pip::normalize_name(out.name);
        for (ForeignEdge& edge : out.needs) edge.name = pip::normalize_name(edge.name);
        TRY(set_pypi_location(out, url, path, digests));
    } else {
        return line_error(out.line, "the manager '{}' of {} is neither 'conda' nor 'pip'; make the lock again", manager,
                          where);
    }
    return out;
}

} // namespace

Result<ForeignLock> read_conda_lock(std::string_view text, const std::string& path) {
    TRY_ASSIGN(YamlFile file, YamlFile::parse(text, path, "a conda-lock.yml"));
    ForeignLock out;
    out.kind = to_string(SpecKind::conda_lock);
    out.path = path;
    TRY(file.pairs(file.root(), "it"));
    TRY_ASSIGN(out.version, file.required(file.root(), "version", "it"));
    if (out.version != "1")
        return line_error(file.at(file.root()["version"]),
                          "its format is version {}, and this Tinderbox reads version 1; write it with "
                          "'conda-lock lock'",
                          out.version);
    TRY(read_metadata(file, file.root()["metadata"], out));
    TRY_ASSIGN(auto packages, file.list(file.root()["package"], "'package'"));
    for (const YAML::Node& node : packages) {
        TRY_ASSIGN(ForeignPackage package, read_package(file, node, path));
        auto named = [&](const ForeignPlatform& platform) { return platform.name == package.platform; };
        if (std::ranges::none_of(out.platforms, named)) out.platforms.push_back({package.platform, package.platform});
        if (std::ranges::find(out.environments, package.groups.front()) == out.environments.end())
            out.environments.push_back(package.groups.front());
        out.packages.push_back(std::move(package));
    }
    return out;
}

} // namespace tinderbox::spec
