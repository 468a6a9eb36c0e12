#include "common/base/budget.hpp"

#include "common/base/units.hpp"

#include <algorithm>

namespace tinderbox {

Budget for_packed(Budget budget, std::uint64_t packed) {
    constexpr std::uint64_t always = 192u << 20, ratio = 256;
    if (packed < budget.bytes / ratio) budget.bytes = std::min(budget.bytes, always + ratio * packed);
    return budget;
}

Error over_budget(ErrorKind kind, std::string_view input, Resource resource, std::uint64_t limit) {
    std::string amount;
    std::string_view name;
    switch (resource) {
    case Resource::bytes:
        amount = format_bytes(limit);
        name = "size";
        break;
    case Resource::nodes:
        amount = fmt::format("{} entries", limit);
        name = "entries";
        break;
    case Resource::depth:
        amount = fmt::format("{} levels of nesting", limit);
        name = "depth";
        break;
    case Resource::files:
        amount = fmt::format("{} included files", limit);
        name = "included files";
        break;
    case Resource::seconds:
        amount = fmt::format("{} seconds", limit);
        name = "waiting";
        break;
    }
    return make_error(kind,
                      "{}: it takes more than {}, which is its budget ({}); split it, or look where it comes from",
                      input, amount, name);
}

} // namespace tinderbox
