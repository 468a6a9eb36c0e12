// The two small languages inside a construct.yaml, as far as they are used there:
//
//   selectors  "- vc  # [win]", "specs: [linux and not aarch64]": Python expressions over the platform
//   jinja      {% set NAME = EXPRESSION %}, {% if %} {% elif %} {% else %} {% endif %}, {{ EXPRESSION }}, {# #}
//
// generator/spec/expression.hpp has the expressions. Any other construct is an error that names it: a half understood
// template would install something that its author did not write.
#pragma once

#include "common/base/budget.hpp"
#include "generator/pip/options.hpp"

#include <string>
#include <string_view>

namespace tinderbox::spec {

// What is rendered, with every text that expressions make; tags; {% if %} inside {% if %}. A construct.yaml has some
// kilobytes and a hundred tags.
inline constexpr Budget template_budget{.bytes = 16u << 20, .nodes = 100'000, .depth = 50};

// Renders `text` for a platform ("linux-64"): jinja first, then selectors, as constructor does. A line that falls away
// stays as an empty one, so that line numbers are those of the file. Errors (usage): "FILE:LINE: …"; over the budget.
Result<std::string> render_template(std::string_view text, const std::string& path, std::string_view platform,
                                    const Budget& budget = template_budget);

} // namespace tinderbox::spec
