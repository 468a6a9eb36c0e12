// The order of dotted version numbers: of glibc, drivers and CUDA releases. pip's and conda's versions have orders of
// their own.
#pragma once

#include <string_view>

namespace tinderbox {

// -1, 0 or 1 by the numbers between the dots: 525.60.13 < 525.105. A missing number counts as 0, and so does text that
// is no number.
int compare_versions(std::string_view a, std::string_view b);

// Whether a text is such a version: numbers with a dot between them, 32 bytes at most.
bool is_dotted_number(std::string_view text);

} // namespace tinderbox
