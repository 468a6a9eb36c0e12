// Tables for a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::report {

struct TableStyle {
    bool header_bold = false;       // bold by escape sequences, for terminals only
    std::size_t width = 0;          // the last column is cut to fit ("…"); 0: not cut
    std::vector<std::size_t> right; // columns that are aligned to the right
    std::string indent;
};

// Rows of equal length, the first is the header; two spaces between columns, no spaces at the end of a line.
std::string columns(std::vector<std::vector<std::string>> rows, const TableStyle& style);

// Standard output: its width as a terminal (COLUMNS counts; 0 = a file or a pipe), and whether colour is wanted
// (NO_COLOR, TERM=dumb).
std::size_t output_width();
bool output_colour();

} // namespace tinderbox::report
