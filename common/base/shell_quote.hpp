// Words of commands that people copy into a shell, and of scripts that shells read.
#pragma once

#include <string>
#include <string_view>

namespace tinderbox {

// One word for a shell: in single quotes when it has a character that the shell would interpret. A shell's quotes end
// where the others' go on: fish reads "\'" inside of them, and csh "!". Thread-safe.
std::string shell_quote(std::string_view text); // POSIX: sh, bash, zsh
std::string fish_quote(std::string_view text);
std::string csh_quote(std::string_view text); // and tcsh; `text` has no line end

} // namespace tinderbox
