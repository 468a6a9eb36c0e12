// For "did you mean": the names of packages that a word may have meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::conda {

// Whether the word is a slip of the name: one of the two begins or ends with the other, or two letters differ.
bool resembles(std::string_view name, std::string_view word);

// Keeps the three names whose length is nearest to the word's, by name among equals.
void keep_nearest(std::vector<std::string>& names, std::string_view word);

} // namespace tinderbox::conda
