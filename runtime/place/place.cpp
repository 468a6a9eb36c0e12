#include "runtime/place/place.hpp"

#include "common/base/shell_quote.hpp"
#include "runtime/place/control_files.hpp"
#include "runtime/place/update.hpp"

#include <unistd.h>

namespace tinderbox::place {
namespace {

bool is_root_user() { return ::geteuid() == 0; }

Layout layout_at(const format::Manifest& manifest, const fs::path& root, Parts parts) {
    Layout layout;
    layout.parts = parts;
    layout.root = root;
    layout.environment = parts.base ? root / "envs" / manifest.env_name : root;
    if (parts.base && manifest.base_installer)
        for (const format::FurtherEnvironment& one : manifest.base_installer->environments)
            layout.further.push_back(root / "envs" / one.name);
    return layout;
}

// Of a tree that is there, whole or begun: a conda around it is the one that it was added to.
Layout layout_of_existing(const format::Manifest& manifest, const fs::path& root, InstalledParts parts) {
    Layout layout = layout_at(manifest, root, Parts::of(parts, is_root_user()));
    const fs::path conda = root.parent_path().parent_path();
    if (!layout.parts.base && root.parent_path().filename() == "envs" && is_conda_root(conda)) layout.conda = conda;
    return layout;
}

// A tree beside the root that is renamed into its place, or was.
std::optional<Refusal> refuse_beside(const Directory& parent, const fs::path& tree, const Trust& trust) {
    struct stat st;
    // Anything else than a directory is refused when it is in the way.
    if (!parent || parent.look(tree.filename().native(), st) != 0 || !S_ISDIR(st.st_mode)) return std::nullopt;
    return refuse_tree(trust, tree, st, Access::write);
}

// Files of that name which no installation left would be written over, and later removed.
std::optional<Refusal> refuse_control(const Directory& root, const Trust& trust) {
    const auto control = open_control(root, trust, Access::write);
    const std::string shown = root.shown(control_directory);
    if (!control.ok())
        return Refusal{"untrusted-prefix", control.error().message, "move it away, or choose another prefix with -p"};
    if (!*control || (*control)->exists(control::state) || (*control)->exists(control::journal)) return std::nullopt;
    const auto entries = (*control)->entries();
    if (!entries.ok()) return std::nullopt; // the installation will say so
    for (const Directory::Entry& entry : *entries)
        if (entry.name != control::lock && entry.name != control::stage && is_control_name(entry.name))
            return Refusal{"control-exists",
                           fmt::format("'{}/{}' is in the way: no installation left it there", shown, entry.name),
                           fmt::format("move '{}' away, or choose another prefix with -p", shown)};
    return std::nullopt;
}

Layout choose_layout(const format::Manifest& manifest, const std::string& manifest_sha256,
                     const InstallRequest& request) {
    auto traces = [&](const fs::path& root) -> std::optional<Traces> {
        const Approach there = approach(root, request.trust);
        if (refusal_of(there, root, request.trust, Access::read)) return std::nullopt;
        return traces_of(there.tree, request.trust, manifest_sha256);
    };
    if (auto own = traces(request.prefix)) return layout_of_existing(manifest, request.prefix, own->parts);
    const Parts environment_alone{false, false, is_root_user()};
    if (manifest.update && holds_earlier(*manifest.update, request.prefix, request.trust))
        return layout_at(manifest, request.prefix, environment_alone);
    const fs::path inner = request.prefix / "envs" / manifest.env_name;
    if (!request.extract_only && is_conda_root(request.prefix) &&
        (request.allow_existing || request.replace || manifest.update || traces(inner))) {
        Layout layout = layout_at(manifest, inner, environment_alone);
        layout.conda = request.prefix;
        return layout;
    }
    Parts wanted = environment_alone;
    if (manifest.base_installer) {
        wanted.base = true;
        wanted.packages = request.keep_packages || manifest.base_installer->keeps_packages;
    }
    return layout_at(manifest, request.prefix, wanted);
}

// Something at the root is not this installer's. There is one answer for each case, so that --check and the
// installation say the same.
class Occupied {
  public:
    Occupied(const InstallRequest& request, Decision& decision)
        : request_(request), decision_(decision), root_(decision.layout.root.string()) {}

    void decide() {
        if (request_.replace && !request_.extract_only && decision_.found != Found::directory) return replace();
        if (!decision_.layout.conda.empty())
            return refuse("environment-exists",
                          fmt::format("'{}' is there already: the conda in '{}' has an environment of that name", root_,
                                      decision_.layout.conda.string()),
                          decision_.found == Found::environment
                              ? "replace it with --replace, or build this one with another --name"
                              : "build this one with another --name; --replace --purge removes that one and "
                                "everything in it");
        if (decision_.found == Found::environment)
            return refuse("prefix-exists",
                          fmt::format("'{}' holds another environment that Tinderbox installed", root_),
                          "choose another prefix with -p, or replace it with --replace");
        if (request_.allow_existing && !request_.extract_only) decision_.staging = StagingKind::inside;
        else if (decision_.found == Found::conda)
            refuse("prefix-exists", fmt::format("'{}' holds a conda", root_),
                   "choose another prefix with -p, or add the environment to its envs/ with -u");
        else
            refuse("prefix-exists", fmt::format("'{}' exists and is not empty", root_),
                   "choose another prefix with -p, or install into it with -u: what is in it stays");
    }

  private:
    // The other environments of a conda would go with it.
    void replace() {
        decision_.staging = StagingKind::replace;
        if (decision_.layout.parts.base || is_conda_root(decision_.layout.root))
            refuse("prefix-exists", fmt::format("--replace replaces an environment, and '{}' is a whole conda", root_),
                   "add -u to put the environment into it, or choose another prefix with -p");
    }
    void refuse(std::string id, std::string sentence, std::string advice) {
        decision_.refusal = Refusal{std::move(id), std::move(sentence), std::move(advice)};
    }

    const InstallRequest& request_;
    Decision& decision_;
    const std::string root_;
};

void decide_staging(const InstallRequest& request, bool begun, Decision& decision) {
    const std::string root = decision.layout.root.string();
    switch (decision.found) {
    case Found::absent:
    case Found::untrusted: // refused before
        return;
    case Found::file:
        decision.refusal = Refusal{"prefix-is-file", fmt::format("'{}' exists and is not a directory", root),
                                   "choose another prefix with -p"};
        return;
    case Found::unreadable:
        decision.refusal = Refusal{"prefix-unreadable", fmt::format("the directory '{}' cannot be read", root),
                                   "choose another prefix with -p"};
        return;
    case Found::empty_directory:
        decision.staging = StagingKind::inside;
        return;
    case Found::directory:
    case Found::conda:
    case Found::environment:
        if (begun) decision.staging = StagingKind::inside;
        else Occupied(request, decision).decide();
    }
}

} // namespace

std::vector<std::string> Layout::prefixes() const {
    std::vector<std::string> out = {environment.string(), root.string()};
    for (const fs::path& prefix : further) out.push_back(prefix.string());
    return out;
}

std::vector<std::string> Layout::root_paths() const {
    std::vector<std::string> out = {parts.base ? environment.lexically_relative(root).string() : "", ""};
    for (const fs::path& prefix : further) out.push_back(prefix.lexically_relative(root).string());
    return out;
}

std::vector<format::Root> Layout::roots() const {
    std::vector<format::Root> out = {format::Root::env};
    if (parts.base)
        for (std::size_t i = 1; i < 2 + further.size(); ++i) out.push_back(format::root_of_prefix(i));
    return out;
}

const fs::path& Layout::prefix(format::Root which) const {
    if (which == format::Root::env) return environment;
    return which == format::Root::base ? root : further[format::prefix_index(which) - 2];
}

std::vector<PrefixLimit> Decision::limits(const format::Manifest& manifest) const {
    const format::InstallInfo& env = manifest.parts.env.inodes != 0 ? manifest.parts.env : manifest.install;
    const format::InstallInfo& base = manifest.parts.base;
    std::vector<PrefixLimit> out = {{layout.environment.string(), env.longest_prefix, env.longest_prefix_because}};
    if (layout.environment != layout.root)
        out.push_back({layout.root.string(), base.longest_prefix, base.longest_prefix_because});
    return out;
}

format::InstallInfo Decision::needs(const format::Manifest& manifest) const {
    // An older manifest does not list the parts.
    const bool by_parts = manifest.parts.env.inodes != 0;
    format::InstallInfo out = by_parts ? manifest.parts.env : manifest.install;
    auto add = [&](const format::InstallInfo& part) {
        out.bytes += part.bytes;
        out.apparent_bytes += part.apparent_bytes;
        out.inodes += part.inodes;
    };
    if (by_parts && layout.parts.base) add(manifest.parts.base);
    if (by_parts && layout.parts.packages) add(manifest.parts.packages);
    // The rest is there.
    if (earlier && manifest.update) out.bytes = out.apparent_bytes = manifest.update->bytes;
    add(control);
    return out;
}

Decision decide(const format::Manifest& manifest, const std::string& manifest_sha256, const InstallRequest& request) {
    Decision out;
    out.layout = choose_layout(manifest, manifest_sha256, request);
    out.manifest_sha256 = manifest_sha256;
    out.trust = request.trust;
    out.extract_only = request.extract_only;
    out.purge = request.purge;
    if (!request.extract_only) out.control = request.control;
    const fs::path& root = out.layout.root;
    const fs::path stage = stage_beside(root, manifest_sha256), aside = aside_of(root);
    out.stage = stage;
    Approach there = approach(root, out.trust);
    const Approach parent = approach(root.parent_path(), out.trust);
    // An installation that was killed between two renames left only what it had set aside: the installer brings it back
    // first.
    if (!there.missing.empty() && parent.tree && parent.tree.exists(aside.filename().native()))
        there = approach(aside, out.trust);
    out.found = look_at(there);
    out.refusal = refusal_of(there, there.tree ? there.tree.path() : root, out.trust, Access::write);
    for (const fs::path& beside : {aside, stage})
        if (!out.refusal) out.refusal = refuse_beside(parent.tree, beside, out.trust);
    if (out.refusal) {
        out.found = Found::untrusted;
        return out;
    }
    if (there.tree && (out.refusal = refuse_control(there.tree, out.trust))) return out;
    const std::optional<Traces> own = traces_of(there.tree, out.trust, manifest_sha256);
    const bool begun = own && !own->state && out.found != Found::environment;
    if (own && own->state && !request.extract_only) {
        out.reached = own->state;
        if ((out.moved_from = moved_from(*own->state, root)))
            out.refusal = refuse_moved(*out.moved_from, root, manifest.name);
        out.staging = StagingKind::inside;
    } else if (manifest.update) {
        decide_update(manifest, there.tree, out);
    } else {
        decide_staging(request, begun, out);
    }
    if (out.staging == StagingKind::inside) out.stage = control_file(root, control::stage);
    return out;
}

Result<Installed> find_installed(const format::Manifest& manifest, const std::string& manifest_sha256,
                                 const fs::path& prefix, const Trust& trust, Access access) {
    for (const fs::path& root : {prefix, prefix / "envs" / manifest.env_name}) {
        const Approach there = approach(root, trust);
        if (!there.refusal && !there.tree) continue;
        // Whether it is this installer's is only known when it may be read.
        const auto refusal = refusal_of(there, root, trust, access);
        if (refusal && root == prefix) return refusal->error();
        if (refusal) continue;
        const auto own = traces_of(there.tree, trust, manifest_sha256);
        const bool installed = own && own->state;
        // A tree of the right owner with another user's list of files would look like no tree at all.
        if (auto control = open_control(there.tree, trust, access); !control.ok() && (installed || root == prefix))
            return std::move(control).error();
        if (installed) return Installed{layout_of_existing(manifest, root, own->parts), *own->state, trust};
    }
    return make_error(ErrorKind::storage, "'{}' does not hold this installer's environment; name its prefix with -p",
                      prefix.string());
}

Result<uid_t> owner_of(const fs::path& prefix, const std::string& env_name, const std::string& manifest_sha256) {
    const Trust anybody = Trust::now(true);
    struct stat st;
    for (const fs::path& root : {prefix / "envs" / env_name, prefix}) {
        const Approach parent = approach(root.parent_path(), anybody);
        if (!parent.tree) continue;
        for (const fs::path& name : {root, stage_beside(root, manifest_sha256), aside_of(root)})
            if (parent.tree.look(name.filename().native(), st) == 0) {
                const Approach there = approach(name, anybody); // through a link, too
                if (there.nearest && ::fstat(there.nearest.fd(), &st) == 0) return st.st_uid;
            }
    }
    const Approach nearest = approach(prefix, anybody);
    if (!nearest.nearest || ::fstat(nearest.nearest.fd(), &st) != 0)
        return errno_error(fmt::format("cannot look at '{}'", prefix.string()), nearest.error);
    return st.st_uid;
}

Refusal refuse_moved(const fs::path& from, const fs::path& root, const std::string& name) {
    return {"prefix-moved",
            fmt::format("'{}' was installed as '{}' and has been moved or copied: its programs name the old place",
                        root.string(), from.string()),
            fmt::format("sh {}.run --repair -p {} rewrites them, or move it back", name, shell_quote(root.string()))};
}

Layout layout_of(const InstalledEnvironment& installed, const fs::path& root) {
    return layout_of_existing(installed.manifest, root, installed.state.parts);
}

} // namespace tinderbox::place
