// The first lines of a script, which name its interpreter, as they are written for one prefix.
//
// Linux reads at most 127 bytes of a "#!" line, ends the interpreter's path at the first blank, and hands over all that
// follows as one argument. Where that does not do, sh starts the interpreter, and a second line that only sh obeys
// names it:
//
//   python   \f#coding:CODING/ 2>/dev/null || exec PYTHON ARGS "$0" "$@"
//            Python skips a form feed and reads a comment; sh reads the name of a command that cannot exist, because it
//            ends with '/'. A comment leaves docstring and `from __future__` in their places. It repeats the script's
//            own coding (PEP 263), which is now too far down; UTF-8 is Python's default.
//   sh       test "$_tinderbox_script" = $$ || _tinderbox_script=$$ exec SHELL ARGS "$0" "$@"
//            The shell that is started comes by, too. exec keeps the process's number.
//   perl     exec PERL ARGS -x "$0" "$@", and a third line, "#!perl", where -x begins to read
//   node     ":" //; exec NODE ARGS "$0" "$@"
//   others   none: `#!/usr/bin/env NAME`, or `env -S NAME ARGS`, which is right in an activated environment
//
// All lines are ASCII: another byte of a prefix is written for printf, because the script may have any coding.
// Thread-safe.
#pragma once

#include "common/format/table.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::format {

// The lines for `line`, without the last line end. `line` begins with "#!" and has the byte 1 in place of the prefix.
// `rest` follows it in the script.
std::string script_header(std::string_view line, std::string_view prefix, std::string_view rest = {});

// A header that starts an interpreter through sh: ours for Python, or the three lines of pip, uv and conda
// ("'''exec' PYTHON ARGS …").
struct ShHeader {
    std::string interpreter, arguments; // as the "#!" line would have them
    std::size_t end = 0;                // of the header in bytes, without its last line end
};
std::optional<ShHeader> read_sh_header(std::string_view script);

// A package's own three lines whose `text` relocations put a prefix there that sh would split. Replaces [0, end) of the
// content, and the relocations in it. nullopt: the relocations alone do.
struct ReplacedHeader {
    std::string text;
    std::size_t end = 0;
};
std::optional<ReplacedHeader> replaced_header(std::string_view content, const std::vector<Reloc>& relocs,
                                              std::string_view prefix);

} // namespace tinderbox::format
