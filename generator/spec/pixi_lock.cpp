// pixi.lock, format versions 4 to 7 (crate rattler_lock, which this is compared with in tests):
//
//   version: N
//   environments: {NAME: {channels: [{url}], packages: {PLATFORM: [{conda: URL} | {pypi: URL}]}}}
//   packages: [...]      4, 5: {kind, name, version, build, url|path, sha256, md5, …}
//                        6:    {conda: URL-or-path, sha256, md5, …} | {pypi: URL-or-path, name, version, sha256, …}
//                        7:    the same; platforms: [{name, subdir, virtual-packages}]; {conda_source: …} has to be
//                        built
//
// An environment names its packages by their location, the URL or path as written.
#include "common/base/last_component.hpp"
#include "common/base/text.hpp"
#include "generator/conda/names.hpp"
#include "generator/pip/lenient.hpp"
#include "generator/spec/foreign_reader.hpp"
#include "generator/spec/yaml.hpp"

#include <algorithm>
#include <charconv>

namespace tinderbox::spec {
namespace {

class PixiReader {
  public:
    PixiReader(const YamlFile& file, const std::string& path, ForeignLock& out) : file_(file), path_(path), out_(out) {}

    Status read() {
        const YAML::Node& root = file_.root();
        TRY(file_.pairs(root, "it"));
        TRY_ASSIGN(out_.version, file_.required(root, "version", "it"));
        auto [end, error] = std::from_chars(out_.version.data(), out_.version.data() + out_.version.size(), version_);
        if (error != std::errc() || end != out_.version.data() + out_.version.size() || version_ < 4 || version_ > 7)
            return line_error(file_.at(root["version"]),
                              "its format is version {}, and this Tinderbox reads versions 4 to 7; {}", out_.version,
                              version_ > 7 ? "update Tinderbox" : "write it again with 'pixi lock'");
        TRY(read_platforms(root["platforms"]));
        TRY_ASSIGN(auto packages, file_.list(root["packages"], "'packages'"));
        for (const YAML::Node& node : packages) TRY(read_package(node));
        TRY_ASSIGN(auto environments, file_.pairs(root["environments"], "'environments'"));
        for (const auto& [name, node] : environments) TRY(read_environment(name.Scalar(), node));
        return {};
    }

  private:
    Status read_platforms(const YAML::Node& node) {
        TRY_ASSIGN(auto platforms, file_.list(node, "'platforms'"));
        for (const YAML::Node& platform : platforms) {
            TRY_ASSIGN(std::string name, file_.required(platform, "name", "an entry of 'platforms'"));
            TRY_ASSIGN(std::string subdir, file_.text(platform, "subdir"));
            out_.platforms.push_back({name, subdir.empty() ? name : subdir});
        }
        return {};
    }

    Status read_package(const YAML::Node& node) {
        ForeignPackage package;
        package.line = file_.at(node);
        if (!node.IsMap())
            return line_error(package.line, "an entry of 'packages' is not a mapping; make the lock again");
        std::string location;
        TRY_ASSIGN(std::string kind, file_.text(node, "kind"));
        if (version_ <= 5) {
            TRY_ASSIGN(location, file_.text(node, "url"));
            if (location.empty()) {
                TRY_ASSIGN(location, file_.text(node, "path"));
            }
        } else {
            for (const char* key : {"conda", "pypi", "conda_source"}) {
                if (!node[key].IsDefined()) continue;
                kind = key;
                TRY_ASSIGN(location, file_.text(node, key));
            }
        }
        if (kind != "conda" && kind != "pypi" && kind != "conda_source")
            return line_error(package.line,
                              "an entry of 'packages' is neither 'conda' nor 'pypi'; make the lock again");
        if (location.empty()) return line_error(package.line, "an entry of 'packages' has no URL; make the lock again");
        TRY_ASSIGN(package.name, file_.text(node, "name"));
        TRY_ASSIGN(package.version, file_.text(node, "version"));
        TRY_ASSIGN(package.build, file_.text(node, "build"));
        TRY_ASSIGN(const Digests digests, digests_of(file_, node, false));
        if (kind == "pypi") TRY(read_pypi(node, location, digests, package));
        else TRY(read_conda(node, kind, location, digests, package));
        by_location_.emplace((kind == "pypi" ? "pypi " : "conda ") + location, out_packages_.size());
        out_packages_.push_back(std::move(package));
        return {};
    }

    Status read_conda(const YAML::Node& node, const std::string& kind, const std::string& location,
                      const Digests& digests, ForeignPackage& package) {
        package.kind = "conda";
        std::string_view file = last_component(location);
        if (kind == "conda_source" || !conda::is_package_file_name(file)) {
            // pixi builds these itself: "name[hash] @ path" in version 7.
            if (package.name.empty())
                package.name = std::string(trim(location.substr(0, location.find_first_of("[@"))));
            package.source = fmt::format("a conda package that pixi builds from '{}'", location);
            return {};
        }
        TRY(set_conda_location(package, location, path_, digests));
        TRY_ASSIGN(std::string size, file_.text(node, "size"));
        std::from_chars(size.data(), size.data() + size.size(), package.files.front().size);
        TRY_ASSIGN(auto depends, file_.list(node["depends"], "'depends'"));
        for (const YAML::Node& spec : depends)
            if (spec.IsScalar())
                package.needs.push_back(
                    {spec.Scalar().substr(0, spec.Scalar().find_first_of(" =<>[")), "", "", "", {}});
        return {};
    }

    Status read_pypi(const YAML::Node& node, const std::string& location, const Digests& digests,
                     ForeignPackage& package) {
        package.kind = "pypi";
        if (package.name.empty())
            return line_error(package.line, "the pypi package '{}' has no 'name'; make the lock again",
                              pip::printable(location));
        package.name = pip::normalize_name(package.name);
        TRY(set_pypi_location(package, location, path_, digests));
        TRY_ASSIGN(package.requires_python, file_.text(node, "requires_python"));
        TRY_ASSIGN(auto requires_dist, file_.list(node["requires_dist"], "'requires_dist'"));
        for (const YAML::Node& requirement : requires_dist)
            if (requirement.IsScalar())
                if (auto parsed = pip::parse_requires_dist(requirement.Scalar()); parsed.ok() && !parsed->marker)
                    package.needs.push_back({parsed->name, "", "", "", {}});
        return {};
    }

    Status read_environment(const std::string& name, const YAML::Node& node) {
        const std::string what = "the environment '" + name + "'";
        TRY(file_.pairs(node, what));
        out_.environments.push_back(name);
        TRY_ASSIGN(auto channels, file_.list(node["channels"], "'channels'"));
        for (const YAML::Node& channel : channels) {
            TRY_ASSIGN(std::string url, channel.IsScalar() ? Result<std::string>(channel.Scalar())
                                                           : file_.required(channel, "url", "a channel"));
            out_.channels[name].push_back(std::move(url));
        }
        TRY_ASSIGN(auto platforms, file_.pairs(node["packages"], "'packages' of " + what));
        for (const auto& [platform, entries] : platforms) {
            const std::string& platform_name = platform.Scalar();
            auto named = [&](const ForeignPlatform& known) { return known.name == platform_name; };
            if (std::ranges::none_of(out_.platforms, named)) {
                if (version_ >= 7)
                    return line_error(file_.at(platform),
                                      "the platform '{}' is not among 'platforms'; make the lock again", platform_name);
                out_.platforms.push_back({platform_name, platform_name});
            }
            TRY_ASSIGN(auto packages, file_.list(entries, "'" + platform_name + "'"));
            for (const YAML::Node& entry : packages) TRY(add(name, platform_name, entry));
        }
        return {};
    }

    // Several environments may name one package: it is read once for each platform, with the names of them all.
    Status add(const std::string& environment, const std::string& platform, const YAML::Node& entry) {
        if (!entry.IsMap() || entry.size() == 0)
            return line_error(file_.at(entry),
                              "an entry of an environment is not 'conda: URL' or 'pypi: URL'; make the lock again");
        std::string kind, location;
        for (const char* key : {"conda", "pypi", "conda_source"}) {
            if (!entry[key].IsDefined()) continue;
            kind = key == std::string_view("pypi") ? "pypi" : "conda";
            TRY_ASSIGN(location, file_.text(entry, key));
        }
        auto found = by_location_.find(kind + " " + location);
        if (kind.empty() || found == by_location_.end())
            return line_error(file_.at(entry), "'{}' has no entry in 'packages'; make the lock again",
                              pip::printable(location));
        auto [index, added] = index_.emplace(std::pair(platform, found->second), out_.packages.size());
        if (added) {
            out_.packages.push_back(out_packages_[found->second]);
            out_.packages.back().platform = platform;
        }
        out_.packages[index->second].groups.push_back(environment);
        return {};
    }

    const YamlFile& file_;
    const std::string& path_;
    ForeignLock& out_;
    int version_ = 0;
    std::vector<ForeignPackage> out_packages_;
    std::map<std::string, std::size_t, std::less<>> by_location_;
    std::map<std::pair<std::string, std::size_t>, std::size_t> index_;
};

} // namespace

Result<ForeignLock> read_pixi_lock(std::string_view text, const std::string& path) {
    TRY_ASSIGN(YamlFile file, YamlFile::parse(text, path, "a pixi.lock"));
    ForeignLock out;
    out.kind = to_string(SpecKind::pixi_lock);
    out.path = path;
    TRY(PixiReader(file, path, out).read());
    return out;
}

} // namespace tinderbox::spec
