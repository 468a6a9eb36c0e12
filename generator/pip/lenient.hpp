// Requirements and version specifiers as packages carry them in their metadata. Authors of old packages made a few
// mistakes again and again, and setuptools let them pass. uv repairs those (LenientRequirement of its crate
// uv-pypi-types), and so does this: a missing comma (">=1.10<2.0"), "!=~5.0", ">=1.9.*", "!=3.0*", a comma at the end,
// ">dev", ">=9.0.0a1.0", stray quotes. What a person writes into a request is read strictly (requirement.hpp).
#pragma once

#include "generator/pip/requirement.hpp"

#include <string>
#include <string_view>

namespace tinderbox::pip {

// A value of Requires-Dist. `text` of a repaired one is the repaired text. Errors: as Requirement::parse.
Result<Requirement> parse_requires_dist(std::string_view text);
// A value of Requires-Python, or of an index's data-requires-python. Errors: as SpecifierSet::parse.
Result<SpecifierSet> parse_requires_python(std::string_view text);

} // namespace tinderbox::pip
