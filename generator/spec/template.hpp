// The two small languages inside a construct.yaml, as far as they are used there:
//
//   selectors  "- vc  # [win]", "specs: [linux and not aarch64]": Python expressions over the platform
//   jinja      {% set NAME = EXPRESSION %}, {% if %} {% elif %} {% else %} {% endif %}, {{ EXPRESSION }}, {# #}
//
// generator/spec/expression.hpp has the expressions. Any other construct is an error that names it: a half understood
// template would install something that its author did not write.
#pragma once

#include "common/base/result.hpp"
#include "generator/pip/options.hpp"

#include <string>
#include <string_view>

namespace tinderbox::spec {

// Renders `text` for a platform ("linux-64"): jinja first, then selectors, as constructor does. A removed line becomes
// an empty line, so that line numbers are those of the file. Errors (usage): "FILE:LINE: …".
Result<std::string> render_template(std::string_view text, const std::string& path, std::string_view platform);

} // namespace tinderbox::spec
