// ROOT/.tinderbox/state: which installer's environment this is, and how far its installation came.
#pragma once

#include "common/base/directory.hpp"
#include "common/format/manifest.hpp"
#include "runtime/place/installed_parts.hpp"

namespace tinderbox::place {

// Each stage implies those before it.
enum class InstallStage { none, files, bytecode, scripts, registered, verified };
std::string_view to_string(InstallStage stage);

struct State {
    std::string manifest_sha256; // hex, of the installer
    InstallStage stage = InstallStage::none;
    InstalledParts parts = InstalledParts::env; // written only when there are more
    fs::path prefix; // the root that the files were written for; empty in a state of version 1, which did not record it
};
std::string state_text(const State& state);
std::optional<State> parse_state(std::string_view text); // nullopt: damaged
// The recorded prefix, when it is another directory than `root`: the tree was moved or copied, and its files name the
// old place. nullopt: the record leads here (also through a link), or there is none.
std::optional<fs::path> moved_from(const State& state, const fs::path& root);

// `control`: the .tinderbox directory. nullopt: no Tinderbox environment has this root. Kind storage: the file is
// damaged or cannot be read.
Result<std::optional<State>> read_state(const Directory& control);
// The same for a root. Also kind storage: .tinderbox belongs to neither root nor the effective user.
Result<std::optional<State>> read_state(const fs::path& root);
// Atomic; never steps back. Only one thread or process may record, the one that holds the lock.
Status record_stage(const fs::path& root, InstallStage stage);

// A state with the manifest that lies beside it.
struct InstalledEnvironment {
    State state;
    format::Manifest manifest;
};
// As read_state() of a root.
Result<std::optional<InstalledEnvironment>> read_installed(const fs::path& root);

} // namespace tinderbox::place
