#include "runtime/place/state.hpp"

#include "common/base/json_cost.hpp"
#include "common/base/text.hpp"
#include "runtime/place/control_files.hpp"
#include "runtime/place/trust.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace tinderbox::place {
namespace {

constexpr std::string_view state_magic = "tinderbox-state 1";
constexpr std::uint64_t state_limit = 1u << 20, manifest_limit = 256u << 20;
constexpr std::array stage_names = {"none", "files", "bytecode", "scripts", "registered", "verified"};

// "NAME VALUE" → VALUE.
std::optional<std::string_view> value_of(std::string_view line, std::string_view name) {
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ') return std::nullopt;
    return line.substr(name.size() + 1);
}

} // namespace

std::string_view to_string(InstallStage stage) { return stage_names[static_cast<std::size_t>(stage)]; }

std::string state_text(const State& state) {
    return fmt::format("{}\nmanifest {}\nstage {}\n{}", state_magic, state.manifest_sha256, to_string(state.stage),
                       state.parts == InstalledParts::env ? "" : fmt::format("parts {}\n", to_string(state.parts)));
}

std::optional<State> parse_state(std::string_view text) {
    const auto lines = split(text, '\n'); // the last one is the empty rest behind the last "\n"
    if ((lines.size() != 4 && lines.size() != 5) || lines[0] != state_magic) return std::nullopt;
    const auto manifest = value_of(lines[1], "manifest"), stage = value_of(lines[2], "stage");
    if (!manifest || !stage) return std::nullopt;
    State out;
    out.manifest_sha256 = *manifest;
    if (lines.size() == 5) {
        const auto words = value_of(lines[3], "parts");
        const auto parts = words ? installed_parts(*words) : std::nullopt;
        if (!parts) return std::nullopt;
        out.parts = *parts;
    }
    const auto found = std::ranges::find(stage_names, *stage);
    if (found == stage_names.end()) return std::nullopt;
    out.stage = static_cast<InstallStage>(found - stage_names.begin());
    return out;
}

Result<std::optional<State>> read_state(const Directory& control) {
    if (!control.exists(control::state)) return std::optional<State>();
    TRY_ASSIGN(std::string text, control.read_text(control::state, state_limit));
    auto state = parse_state(text);
    if (!state)
        return make_error(ErrorKind::storage, "'{}' is damaged; install again into another prefix",
                          control.shown(control::state));
    return state;
}

Result<std::optional<State>> read_state(const fs::path& root) {
    TRY_ASSIGN(auto control, open_control(root));
    if (!control) return std::optional<State>();
    return read_state(*control);
}

Result<std::optional<InstalledEnvironment>> read_installed(const fs::path& root) {
    TRY_ASSIGN(auto control, open_control(root));
    if (!control) return std::optional<InstalledEnvironment>();
    TRY_ASSIGN(auto state, read_state(*control));
    if (!state) return std::optional<InstalledEnvironment>();
    TRY_ASSIGN(std::string text, control->read_text(control::manifest, manifest_limit));
    TRY(check_json_cost(text, control->shown(control::manifest), json_budget, ErrorKind::storage));
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded())
        return make_error(ErrorKind::storage, "'{}' is damaged; install again", control->shown(control::manifest));
    TRY_ASSIGN(format::Manifest manifest, format::manifest_from_json(json));
    return std::optional(InstalledEnvironment{*std::move(state), std::move(manifest)});
}

Status record_stage(const fs::path& root, InstallStage stage) {
    TRY_ASSIGN(auto control, open_control(root, Access::write));
    std::optional<State> state;
    if (control) {
        TRY_ASSIGN(state, read_state(*control));
    }
    if (!state) return make_error(ErrorKind::bug, "'{}' has no state to record in", root.string());
    if (state->stage >= stage) return {};
    state->stage = stage;
    return control->write_atomically(control::state, state_text(*state));
}

} // namespace tinderbox::place
