// Licences by name: SPDX identifiers and expressions (SPDX specification 2.3, annex D).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::report {

// "MIT" for "mit"; "" for an unknown identifier. The common ones of Python and conda packages are known.
std::string spdx_identifier(std::string_view text);

// The expression in SPDX's spelling, when every identifier in it is known ("MIT AND BSD-3-Clause"). A classifier
// ("License :: OSI Approved :: MIT License") or a common name ("BSD 3-Clause License", "Apache 2.0") becomes its
// identifier when only one is possible. "": no SPDX licence was recognised.
std::string spdx_expression(std::string_view text);

// Whether the expression (as spdx_expression gives it) is of free and open-source licences only.
bool is_free_license(std::string_view expression);

} // namespace tinderbox::report
