#include "runtime/place/update.hpp"

#include "common/base/shell_quote.hpp"
#include "common/format/update.hpp"

#include <algorithm>

namespace tinderbox::place {
namespace {

const format::EarlierInstaller* installer_of(const format::UpdateInfo& update, const State& state) {
    const auto found =
        std::ranges::find(update.onto, state.manifest_sha256, &format::EarlierInstaller::manifest_sha256);
    return found == update.onto.end() ? nullptr : &*found;
}

std::optional<State> state_at(const Directory& tree, const Trust& trust) {
    if (!tree) return std::nullopt;
    const auto control = open_control(tree, trust, Access::write);
    if (!control.ok() || !*control) return std::nullopt;
    const auto state = read_state(**control);
    return state.ok() ? *state : std::nullopt;
}

std::optional<Refusal> refuse_update(const format::UpdateInfo& update, const Decision& decision,
                                     const std::optional<State>& state, const fs::path& tree) {
    const std::string root = decision.layout.root.string();
    const std::string whole = "name its prefix with -p, or take the installer of the whole environment";
    if (decision.extract_only)
        return Refusal{"update-extract",
                       fmt::format("this file is an update for {} and holds only what that lacks",
                                   format::describe_earlier(update)),
                       "extract the installer of the whole environment", ErrorKind::usage};
    if (!state)
        return Refusal{"update-base-missing",
                       fmt::format("this file is an update for {}, and '{}' holds no environment of Tinderbox's",
                                   format::describe_earlier(update), root),
                       whole};
    const format::EarlierInstaller* earlier = installer_of(update, *state);
    if (!earlier) {
        const auto there = read_installed(tree);
        const std::string name = there.ok() && *there ? (*there)->manifest.name : "another environment";
        return Refusal{"update-base-other",
                       fmt::format("this file is an update for {}, and '{}' holds {}", format::describe_earlier(update),
                                   root, format::describe_installer({name, state->manifest_sha256})),
                       whole};
    }
    if (const auto from = moved_from(*state, decision.layout.root))
        return refuse_moved(*from, decision.layout.root, earlier->name);
    if (state->stage < InstallStage::registered)
        return Refusal{
            "update-base-unfinished",
            fmt::format("the installation of {} in '{}' is not finished", format::describe_installer(*earlier), root),
            fmt::format("finish it first: sh {}.run -b -p {}", earlier->name, shell_quote(root))};
    return std::nullopt;
}

} // namespace

bool holds_earlier(const format::UpdateInfo& update, const fs::path& root, const Trust& trust) {
    const Approach there = approach(root, trust);
    if (refusal_of(there, root, trust, Access::write)) return false;
    const std::optional<State> state = state_at(there.tree, trust);
    return state && installer_of(update, *state);
}

void decide_update(const format::Manifest& manifest, const Directory& tree, Decision& decision) {
    const std::optional<State> state = state_at(tree, decision.trust);
    decision.refusal = refuse_update(*manifest.update, decision, state, tree ? tree.path() : decision.layout.root);
    if (decision.refusal) return;
    decision.earlier = state;
    decision.staging = StagingKind::replace;
}

} // namespace tinderbox::place
