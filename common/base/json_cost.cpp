#include "common/base/json_cost.hpp"

namespace tinderbox {

Status check_json_cost(std::string_view text, std::string_view input, const Budget& budget, ErrorKind kind) {
    Spending spending(budget, std::string(input), kind);
    std::uint64_t depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        switch (text[i]) {
        case '"':
            for (++i; i < text.size() && text[i] != '"'; ++i)
                if (text[i] == '\\') ++i;
            break;
        case '[':
        case '{':
            TRY(spending.depth(++depth));
            TRY(spending.nodes());
            break;
        case ']':
        case '}':
            if (depth > 0) --depth;
            break;
        case ',':
            TRY(spending.nodes());
            break;
        default:
            break;
        }
    }
    return {};
}

} // namespace tinderbox
