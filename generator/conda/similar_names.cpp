#include "generator/conda/similar_names.hpp"

#include "common/base/edit_distance.hpp"

#include <algorithm>

namespace tinderbox::conda {

bool resembles(std::string_view name, std::string_view word) {
    if (word.size() >= 4 && (name.starts_with(word) || name.ends_with(word))) return true;
    if (name.size() + 2 < word.size() || word.size() + 2 < name.size() || word.size() < 3) return false;
    return edit_distance(name, word) <= (word.size() < 5 ? 1u : 2u);
}

void keep_nearest(std::vector<std::string>& names, std::string_view word) {
    std::ranges::sort(names, {}, [&](const std::string& name) {
        return std::pair(name.size() > word.size() ? name.size() - word.size() : word.size() - name.size(), name);
    });
    if (names.size() > 3) names.resize(3);
}

} // namespace tinderbox::conda
