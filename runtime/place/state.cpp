#include "runtime/place/state.hpp"

#include "common/base/json_cost.hpp"
#include "common/base/text.hpp"
#include "runtime/place/control_files.hpp"
#include "runtime/place/trust.hpp"

#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <array>

namespace tinderbox::place {
namespace {

constexpr std::string_view state_magic_1 = "tinderbox-state 1", state_magic_2 = "tinderbox-state 2";
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
    std::string out =
        fmt::format("{}\nmanifest {}\n", state.prefix.empty() ? state_magic_1 : state_magic_2, state.manifest_sha256);
    if (!state.prefix.empty()) out += fmt::format("prefix {}\n", state.prefix.string());
    out += fmt::format("stage {}\n", to_string(state.stage));
    if (state.parts != InstalledParts::env) out += fmt::format("parts {}\n", to_string(state.parts));
    return out;
}

std::optional<State> parse_state(std::string_view text) {
    auto lines = split(text, '\n');
    if (lines.size() < 2 || !lines.back().empty() || (lines[0] != state_magic_1 && lines[0] != state_magic_2))
        return std::nullopt;
    const bool has_prefix = lines[0] == state_magic_2;
    lines.pop_back(); // the empty rest behind the last "\n"
    std::size_t next = 1;
    auto value = [&](std::string_view name) {
        const auto out = next < lines.size() ? value_of(lines[next], name) : std::nullopt;
        if (out) ++next;
        return out;
    };
    const auto manifest = value("manifest"), prefix = has_prefix ? value("prefix") : "", stage = value("stage"),
               words = value("parts");
    if (!manifest || !prefix || !stage || next != lines.size()) return std::nullopt;
    State out;
    out.manifest_sha256 = *manifest;
    out.prefix = *prefix;
    if (has_prefix && !out.prefix.is_absolute()) return std::nullopt;
    const auto parts = words ? installed_parts(*words) : InstalledParts::env;
    if (!parts) return std::nullopt;
    out.parts = *parts;
    const auto found = std::ranges::find(stage_names, *stage);
    if (found == stage_names.end()) return std::nullopt;
    out.stage = static_cast<InstallStage>(found - stage_names.begin());
    return out;
}

std::optional<fs::path> moved_from(const State& state, const fs::path& root) {
    if (state.prefix.empty() || state.prefix == root) return std::nullopt;
    struct stat recorded, here;
    if (::stat(state.prefix.c_str(), &recorded) == 0 && ::stat(root.c_str(), &here) == 0 && same_file(recorded, here))
        return std::nullopt;
    return state.prefix;
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
