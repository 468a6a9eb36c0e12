// The pieces that the report's page is made of. Texts are escaped here, unless a parameter says that it is HTML.
// Thread-safe.
#pragma once

#include "common/machine/probe_lines.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::ui {

// "good", "warn", "bad" or "quiet" for a row's word.
std::string css_class(std::string_view word);
std::string mark(std::string_view word); // the word in its colour
std::string passed(bool ok);             // "ok" or "failed"
std::string code(std::string_view words);
// A drawing for "good", "warn" or "bad": each has its own shape, for eyes and printers without colours.
std::string icon(std::string_view css);

// Both give "" for an empty body. `body` is HTML.
std::string section(std::string_view title, const std::string& body);
std::string fold(std::string_view title, const std::string& body); // closed until a reader opens it

std::string lines_html(const std::vector<machine::ReportLine>& lines);

// "TITLE  VALUE" rows; an empty value gives no row.
class Facts {
  public:
    void text(std::string_view title, std::string_view value);
    void code(std::string_view title, std::string_view value);
    void html(std::string_view title, const std::string& value);
    std::string finish() const; // "" without rows

  private:
    std::string rows_;
};

// A table that scrolls by itself on a narrow screen. Cells are HTML; a column whose header begins with '#' holds
// numbers.
class Table {
  public:
    explicit Table(std::vector<std::string> headers, std::string_view css = "");
    void row(const std::vector<std::string>& cells);
    void group(std::string_view title); // a line over the rows that follow
    std::string finish() const;         // "" without rows

  private:
    std::vector<std::string> headers_;
    std::string out_;
    int rows_ = 0;
};

struct Bar {
    std::string title;
    double share;      // 0 to 1
    std::string value; // "12.5 GB/s"
};
std::string bars_html(const std::vector<Bar>& bars);

} // namespace tinderbox::ui
