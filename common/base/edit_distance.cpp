#include "common/base/edit_distance.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <vector>

namespace tinderbox {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t up = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0u : 1u)});
            diagonal = up;
        }
    }
    return row[b.size()];
}

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known) {
    const std::string lower = to_lower(word);
    std::string_view best;
    std::size_t least = word.size() < 5 ? 2 : 3;
    for (std::string_view one : known) {
        if (one == word) return {};
        if (one.size() + least <= lower.size() || lower.size() + least <= one.size()) continue;
        const std::size_t distance = edit_distance(lower, to_lower(one));
        if (distance >= least) continue;
        least = distance;
        best = one;
    }
    return best;
}

} // namespace tinderbox
