#include "generator/assemble/image_manifest.hpp"

#include "common/base/aligned_buffer.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/base/version_order.hpp"
#include "common/format/relocate.hpp"
#include "generator/assemble/requirements.hpp"

#include <set>
#include <tuple>

namespace tinderbox::assemble {
namespace {

// constructor's installers ask to accept this licence, so that it stands first.
void put_license_first(Image& image, const std::string& name, const std::string& version, const std::string& text) {
    if (!text.empty()) image.licenses = fmt::format("==== {} {} ====\n\n{}\n\n", name, version, text) + image.licenses;
}

void describe_base(Image& image, const BaseLink& base) {
    const conda::ConstructorInstaller& installer = base.installer;
    const lock::LockedBase& locked = base.locked;
    format::BaseInfo out;
    out.kind = locked.kind;
    out.name = installer.name;
    out.version = installer.version;
    out.url = without_credentials(locked.url);
    out.file_name = locked.file_name;
    out.sha256 = locked.sha256;
    out.size = locked.size;
    out.license = installer.license;
    out.keeps_packages = installer.keeps_packages;
    out.initialises = installer.initialises_by_default;
    out.registers = installer.registers_environments;
    out.pre_install = installer.pre_install;
    out.post_install = installer.post_install;
    out.variables = installer.script_variables;
    out.python = base.python;
    out.environments = base.environments;
    image.manifest.base = fmt::format("{} {}", out.kind == "installer" ? out.name : out.kind, out.version);
    put_license_first(image, out.name, out.version, out.license);
    image.manifest.base_installer = std::move(out);
}

void describe_installer(Image& image, const lock::Lock& lock) {
    const lock::LockedInstaller& from = *lock.installer;
    auto text = [](const std::optional<lock::LockedText>& one) { return one ? one->text : std::string(); };
    format::InstallerInfo out{from.version, text(from.license), text(from.pre_install), text(from.post_install),
                              from.variables};
    put_license_first(image, lock.name, out.version, out.license);
    image.manifest.installer = std::move(out);
}

// Counts destinations into the parts of an installation and into their packages.
class Sizes {
  public:
    explicit Sizes(Linking& linking) : linking_(linking), manifest_(linking.image.manifest) {}

    // What the environment and the package cache both have counts for the environment, which is always installed.
    void count_all() {
        for (bool cache : {false, true})
            for (const format::Destination& d : linking_.image.table.destinations)
                if (in_cache(d) == cache)
                    count(d, cache                        ? manifest_.parts.packages
                             : format::is_of_base(d.root) ? manifest_.parts.base
                                                          : manifest_.parts.env);
        manifest_.install = {};
        add(manifest_.parts.env);
        if (manifest_.base_installer) add(manifest_.parts.base);
        if (manifest_.base_installer && manifest_.base_installer->keeps_packages) add(manifest_.parts.packages);
    }

  private:
    static bool in_cache(const format::Destination& d) { return (d.flags & format::destination_package_cache) != 0; }

    void count(const format::Destination& d, format::InstallInfo& part) {
        const bool linked =
            (d.flags & format::destination_shared) != 0 && !inodes_.emplace(d.content, d.mode, d.mtime).second;
        if (!linked) ++part.inodes;
        if (d.kind == format::EntryKind::directory) {
            part.bytes += 4096;
            return;
        }
        format::PackageInfo& package = manifest_.packages[d.package];
        if (!in_cache(d)) ++package.files;
        if (d.kind == format::EntryKind::symlink) return; // short targets lie in the inode
        const format::Content& content = linking_.image.table.contents[d.content];
        if (!in_cache(d)) package.installed_size += content.size;
        limit_prefix(d, content, part);
        if (linked) return;
        part.apparent_bytes += content.size;
        part.bytes += round_up(content.size);
    }

    void limit_prefix(const format::Destination& d, const format::Content& content, format::InstallInfo& part) const {
        const std::optional<std::size_t> longest = format::longest_prefix(content);
        if (!longest) return;
        // A further environment's prefix is the base's with "/envs/NAME" behind it.
        const std::size_t behind =
            d.root >= format::Root::further ? to_string(linking_.prefixes.at(d.root).name).size() + 1 : 0;
        const std::size_t room = std::max(*longest, behind + 1) - behind;
        if (part.longest_prefix != 0 && room >= part.longest_prefix) return;
        part.longest_prefix = static_cast<std::uint32_t>(room);
        part.longest_prefix_because = d.path;
    }

    // Sizes add up. The first part with a limit of its prefix sets the limit: the environment, where it has one.
    void add(const format::InstallInfo& part) {
        format::InstallInfo& to = manifest_.install;
        to.bytes += part.bytes;
        to.apparent_bytes += part.apparent_bytes;
        to.inodes += part.inodes;
        if (part.longest_prefix != 0 && to.longest_prefix == 0) {
            to.longest_prefix = part.longest_prefix;
            to.longest_prefix_because = part.longest_prefix_because;
        }
    }

    Linking& linking_;
    format::Manifest& manifest_;
    std::set<std::tuple<std::uint32_t, std::uint16_t, std::int64_t>> inodes_; // shared ones: content, mode, time
};

void describe_needs(Linking& linking) {
    format::Manifest& manifest = linking.image.manifest;
    manifest.requires_ = environment_requirements(manifest, linking.inputs.all(),
                                                  [&](format::Root root) { return linking.prefixes.at(root).python; });
    const BaseLink* base = linking.options.base;
    if (!base || compare_versions(base->installer.minimum_glibc, manifest.requires_.glibc) <= 0) return;
    manifest.requires_.glibc = base->installer.minimum_glibc;
    manifest.requires_.glibc_because = base->locked.file_name;
}

} // namespace

void fill_manifest(Linking& linking) {
    const lock::Lock& lock = linking.lock;
    format::Manifest& m = linking.image.manifest;
    m.name = linking.options.name;
    m.env_name = lock.name;
    m.platform = lock.platform;
    m.source_mtime = lock.source_mtime;
    m.bytecode = lock::to_string(lock.bytecode);
    m.level = parcel::level_name(linking.options.level);
    if (const format::PythonInfo* python = linking.prefixes.env().python) m.python = *python;
    m.request = lock.request;
    m.variables = lock.variables;
    if (linking.options.base) describe_base(linking.image, *linking.options.base);
    if (lock.installer) describe_installer(linking.image, lock);
    describe_needs(linking);
    Sizes(linking).count_all();
    m.notices = linking.image.warnings;
}

} // namespace tinderbox::assemble
