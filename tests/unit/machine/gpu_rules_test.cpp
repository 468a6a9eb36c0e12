// The table of rules in docs/inside/gpu.md must equal the one in the code.
#include "common/machine/gpu_rules.hpp"

#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "source_dir.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <set>

using namespace tinderbox;
using namespace tinderbox::machine;

namespace {

std::string cell(std::string_view text) { return text.empty() ? "–" : replace_all(text, "|", "\\|"); }

std::string printed_table() {
    std::string out = "| rule | severity | exit | sentence | advice |\n|---|---|---|---|---|\n";
    for (const GpuRuleRow& row : gpu_rules())
        out += fmt::format("| [{0}](#{0}) | {1} | {2} | {3} | {4} |\n", row.id, to_string(row.severity),
                           row.severity == Severity::error ? "3" : "–", cell(row.sentence), cell(row.advice));
    return out;
}

std::string page() { return read_text(fs::path(TINDERBOX_SOURCE_DIR) / "docs/inside/gpu.md").value(); }

} // namespace

TEST_CASE("the page about GPUs has the table of rules as the program has it", "[gpu]") {
    const std::string text = page();
    const std::string begin = "\n<!-- rules: begin -->\n", end = "<!-- rules: end -->\n";
    const auto first = text.find(begin);
    REQUIRE(first != std::string::npos);
    const auto last = text.find(end, first);
    REQUIRE(last != std::string::npos);
    const std::string table = text.substr(first + begin.size(), last - first - begin.size());
    const std::string wanted = printed_table();
    const auto lines = split_lines(table), wanted_lines = split_lines(wanted);
    for (std::size_t i = 0; i < std::min(lines.size(), wanted_lines.size()); ++i) CHECK(lines[i] == wanted_lines[i]);
    CHECK(lines.size() == wanted_lines.size());
}

TEST_CASE("every rule has a row, words, and a section where the report's link leads", "[gpu]") {
    const std::string text = page();
    std::set<GpuRule> seen;
    for (const GpuRuleRow& row : gpu_rules()) {
        INFO(row.id);
        CHECK(seen.insert(row.rule).second);
        CHECK(&row_of(row.rule) == &row);
        CHECK(!row.sentence.empty());
        if (row.severity == Severity::error) CHECK(!row.advice.empty());
        CHECK(text.find(fmt::format("\n### {}\n", row.id)) != std::string::npos);
        CHECK(docs_anchor(row.id) == fmt::format("docs/inside/gpu.md#{}", row.id));
    }
    CHECK(seen.size() == static_cast<std::size_t>(GpuRule::target) + 1);
    CHECK(fill_in("{a} and {b}{", {{"a", "1"}, {"c", "2"}}) == "1 and {b}{");
}
