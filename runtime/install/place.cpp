#include "runtime/install/place.hpp"

#include "runtime/install/journal.hpp"
#include "runtime/install/records.hpp"
#include "runtime/install/staging.hpp"

#include <unistd.h>

namespace tinderbox {
namespace {

// The parts that this very installation has at `root`, whole or begun in place.
std::optional<std::string> parts_of_own(const fs::path& root, const std::string& manifest_sha256) {
    const fs::path control = root / control_name;
    if (auto text = read_text(control / "state", 1u << 20); text.ok())
        if (auto state = parse_state(*text); state && state->manifest_sha256 == manifest_sha256) return state->parts;
    if (auto journal = Journal::read(control / "journal");
        journal && journal->header.manifest_sha256 == manifest_sha256)
        return journal->header.parts;
    return std::nullopt;
}

} // namespace

std::vector<std::string> InstallPlace::prefixes() const {
    std::vector<std::string> out = {environment.string(), root.string()};
    for (const fs::path& prefix : further) out.push_back(prefix.string());
    return out;
}

std::vector<std::string> InstallPlace::root_paths() const {
    std::vector<std::string> out = {selection.base ? environment.lexically_relative(root).string() : "", ""};
    for (const fs::path& prefix : further) out.push_back(prefix.lexically_relative(root).string());
    return out;
}

std::vector<Root> InstallPlace::roots() const {
    std::vector<Root> out = {Root::env};
    if (selection.base)
        for (std::size_t i = 1; i < 2 + further.size(); ++i) out.push_back(root_of_prefix(i));
    return out;
}

const fs::path& InstallPlace::prefix(Root which) const {
    if (which == Root::env) return environment;
    return which == Root::base ? root : further[prefix_index(which) - 2];
}

bool is_conda_prefix(const fs::path& prefix) {
    std::error_code ec;
    return fs::is_directory(prefix / "conda-meta", ec) &&
           (fs::exists(prefix / "bin" / "conda", ec) || fs::exists(prefix / "condabin" / "conda", ec));
}

bool is_conda_root(const fs::path& prefix) {
    std::error_code ec;
    if (!fs::is_directory(prefix / "conda-meta", ec)) return false;
    for (const char* program :
         {"bin/conda", "condabin/conda", "bin/mamba", "condabin/mamba", "bin/micromamba", "condabin/micromamba"})
        if (fs::exists(prefix / program, ec)) return true;
    // micromamba's program lies elsewhere; its root has a package cache, which no mere environment has.
    return fs::is_directory(prefix / "pkgs", ec) || fs::is_directory(prefix / "envs", ec);
}

namespace {

// What is installed, with everything that follows from it.
InstallPlace placed(const Manifest& manifest, const fs::path& root, io::Selection selection) {
    InstallPlace place;
    place.selection = selection;
    place.root = root;
    place.environment = selection.base ? root / "envs" / manifest.env_name : root;
    if (selection.base && manifest.base_installer)
        for (const FurtherEnvironment& one : manifest.base_installer->environments)
            place.further.push_back(root / "envs" / one.name);
    return place;
}

} // namespace

InstallPlace installed_place(const InstalledState& state, const fs::path& root) {
    InstallPlace place = placed(state.manifest, root, {state.with_base, false, ::geteuid() == 0});
    const fs::path conda = root.parent_path().parent_path();
    if (!state.with_base && root.parent_path().filename() == "envs" && is_conda_root(conda)) place.conda = conda;
    return place;
}

InstallPlace install_place(const Manifest& manifest, const InstallOptions& options) {
    const bool root_user = ::geteuid() == 0;
    const fs::path inner = options.prefix / "envs" / manifest.env_name;
    io::Selection wanted{false, false, root_user};
    if (manifest.base_installer) {
        wanted.base = true;
        wanted.packages = options.keep_packages || manifest.base_installer->keeps_packages;
    }
    if (auto own = parts_of_own(options.prefix, options.manifest_sha256))
        return placed(manifest, options.prefix, io::Selection::from_text(*own, root_user));
    const bool conda = is_conda_root(options.prefix);
    if (!options.extract_only && conda &&
        (options.allow_existing || options.replace || parts_of_own(inner, options.manifest_sha256))) {
        InstallPlace place = placed(manifest, inner, {false, false, root_user});
        place.conda = options.prefix;
        return place;
    }
    return placed(manifest, options.prefix, wanted);
}

fs::path environment_prefix(const Manifest& manifest, const InstallOptions& options) {
    return install_place(manifest, options).environment;
}

fs::path installed_root(const Manifest& manifest, const InstallOptions& options) {
    return install_place(manifest, options).root;
}

InstallInfo install_needs(const Manifest& manifest, const InstallOptions& options) {
    const InstallPlace place = install_place(manifest, options);
    InstallInfo out = manifest.parts.env;
    auto add = [&](const InstallInfo& part) {
        out.bytes += part.bytes;
        out.apparent_bytes += part.apparent_bytes;
        out.inodes += part.inodes;
    };
    if (place.selection.base) add(manifest.parts.base);
    if (place.selection.packages) add(manifest.parts.packages);
    return out;
}

} // namespace tinderbox
