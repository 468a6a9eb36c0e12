// The part of HTML that index pages need: start tags and their attributes, also of sloppy pages.
#pragma once

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

// Every start tag of the page in order. Skips comments, end tags and text; no input is an error.
std::vector<HtmlTag> html_tags(std::string_view page);

} // namespace tinderbox::pip
