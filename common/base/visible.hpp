// Text from outside, for a terminal: packages, servers, drivers, locks and file names may hold what a terminal obeys.
// Terminal and the writers of standard output ask here for everything they write, so that no caller can forget it.
// Thread-safe, without errors.
//
// What is not visible is written as an escape: "\x1b" for a control character below 0x20 and for a byte that is no
// UTF-8, "\u009b" for any other character, with two surrogates above U+FFFF. JSON as nlohmann::json writes it has none
// of the first kind, and the second kind is JSON's own: such text keeps its value.
#pragma once

#include <string>
#include <string_view>

namespace tinderbox {

// Whether a terminal only shows it: valid UTF-8 without control characters (C0, DEL, C1), without line separators
// (U+2028, U+2029), and without characters that reorder or hide text (bidirectional controls of UAX #9, zero-width and
// tag characters).
bool is_visible(std::string_view text);

// One line or one cell of a table: everything that is_visible() refuses is escaped. Visible text stays byte for byte.
std::string visible(std::string_view text);

// The same of text with several lines (licences, messages, JSON): line ends and tabs stay, "\r\n" becomes "\n".
std::string visible_lines(std::string_view text);

// The same of text that styled() or a table has coloured: their own sequences ("\x1b[1m", "\x1b[0m" and the like) stay
// where `colour` says that there may be some.
std::string visible_output(std::string_view text, bool colour);

} // namespace tinderbox
