// The text that `conda init SHELL` makes of a start-up file's text. Pure functions; any thread may call them.
//
// Spec: conda's core/initialize.py (August 2026), which this follows byte for byte on every input that the comparison
// in tests/unit/install/conda_init_test.cpp makes up; docs/inside/install.md lists the deliberate differences.
#pragma once

#include "common/base/result.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::install {

enum class Shell { bash, zsh, fish, tcsh, xonsh, powershell };
inline constexpr std::array all_shells = {Shell::bash, Shell::zsh,   Shell::fish,
                                          Shell::tcsh, Shell::xonsh, Shell::powershell};
std::string_view to_string(Shell shell);
// "bash", also as the last part of a path ($SHELL): sh and dash count as bash, csh as tcsh, pwsh as powershell.
std::optional<Shell> shell_named(std::string_view name_or_path);

// The lines between and with the markers, "\n" at the end.
std::string conda_init_block(Shell shell, std::string_view conda_prefix);

// One change, as the undo needs it: `after` stands where `before` stood.
struct TextEdit {
    bool line = false; // both are whole lines, without "\n"; otherwise any piece of text
    std::string before, after;
    std::size_t copies = 0; // how often `after` stands in front of it as well
};

struct InitText {
    std::string text;
    std::vector<TextEdit> edits; // in the order they were made; empty = nothing changed
    bool broken_block = false;   // an opening marker without its end: conda leaves such a file as it is, and so do we
};
InitText conda_init_text(Shell shell, std::string_view conda_prefix, std::string_view text);

// Reverts the edits, the last one first, wherever `after` still exists. Exact for an unchanged file; in a changed one
// the user's lines stay. An edited block is removed, too, if it names this conda. A block that names another conda
// stays.
std::string undo_init_text(std::string_view conda_prefix, std::string_view text, const std::vector<TextEdit>& edits);

// A prefix that the shells would not take literally inside these blocks: a sentence. Kind usage.
Status check_init_prefix(Shell shell, std::string_view conda_prefix);

} // namespace tinderbox::install
