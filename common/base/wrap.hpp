// Text that fits into the columns of a terminal. Each character counts as one column. Thread-safe, without errors.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tinderbox {

// Columns of the terminal behind a descriptor, at least 40. 0: the descriptor is no terminal.
std::size_t terminal_width(int descriptor);

// Characters of a UTF-8 text.
std::size_t display_width(std::string_view text);

// The text, or its beginning with "…" as the last of `width` characters. A width of 0 counts as 1.
std::string cut_to_width(std::string_view text, std::size_t width);

// Breaks at blanks, never in a word, so that lines stay within `width`. The text begins at column `indent`, and what is
// broken goes on there. Further lines of the text keep their own indentation in the same way. Width 0, or no room for
// words: no breaks.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width);

} // namespace tinderbox
