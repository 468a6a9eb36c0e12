// For "did you mean": names of packages that resemble a word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::conda {

// Whether the word may mean the name: the name begins or ends with it, or at most two letters differ.
bool resembles(std::string_view name, std::string_view word);

// Keeps the three names whose length is nearest to the word's, by name among equals.
void keep_nearest(std::vector<std::string>& names, std::string_view word);

} // namespace tinderbox::conda
