// The part of HTML that index pages need: start tags and their attributes, also of sloppy pages.
#pragma once

#include "common/base/budget.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::pip {

struct HtmlTag {
    std::string name;                                            // lower case
    std::vector<std::pair<std::string, std::string>> attributes; // names in lower case, values with entities decoded

    // The first attribute of that name; an attribute without value is "".
    const std::string* find(std::string_view attribute) const;
};

// Tags and attributes of a page. The longest real one has 50,000 files with four attributes each.
inline constexpr Budget page_budget{.nodes = 1'000'000};

// Every start tag of the page in order. Comments, end tags and text are passed over; no mistake is an error. Errors
// (network): more than the budget; `input` names the page.
Result<std::vector<HtmlTag>> html_tags(std::string_view page, std::string_view input = "the page",
                                       const Budget& budget = page_budget);

} // namespace tinderbox::pip
