#include "generator/report/columns.hpp"

#include "common/base/visible.hpp"
#include "common/base/wrap.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace tinderbox::report {
std::string columns(std::vector<std::vector<std::string>> rows, const TableStyle& style) {
    if (rows.empty()) return "";
    for (auto& row : rows)
        for (std::string& cell : row) cell = visible(cell); // a line end would forge a row
    std::vector<std::size_t> widths(rows.front().size(), 0);
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
    std::size_t before = display_width(style.indent);
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) before += widths[i] + 2;
    std::string out;
    for (std::size_t r = 0; r < rows.size(); ++r) {
        std::string line = style.indent;
        for (std::size_t i = 0; i < rows[r].size(); ++i) {
            bool last = i + 1 == rows[r].size();
            // Ten columns are too few to read anything, so the lines may wrap.
            std::string cell =
                last && style.width >= before + 10 ? cut_to_width(rows[r][i], style.width - before) : rows[r][i];
            std::string space(widths[i] - std::min(widths[i], display_width(cell)), ' ');
            bool right = std::ranges::find(style.right, i) != style.right.end();
            line += right ? space + cell : cell + space;
            if (!last) line += "  ";
        }
        while (line.ends_with(' ')) line.pop_back();
        out += r == 0 && style.header_bold ? "\033[1m" + line + "\033[0m\n" : line + "\n";
    }
    return out;
}

std::size_t output_width() {
    if (const char* columns = std::getenv("COLUMNS"); columns && ::isatty(STDOUT_FILENO))
        if (long width = std::strtol(columns, nullptr, 10); width > 0) return static_cast<std::size_t>(width);
    struct ::winsize size {};
    if (!::isatty(STDOUT_FILENO) || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_col;
}

bool output_colour() {
    const char* no_colour = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    return ::isatty(STDOUT_FILENO) && !(no_colour && *no_colour) && !(term && std::string_view(term) == "dumb");
}

} // namespace tinderbox::report
