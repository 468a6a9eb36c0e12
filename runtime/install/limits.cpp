#include "runtime/install/limits.hpp"

namespace tinderbox::install {
namespace {

// The files' room for the prefix that they go to.
place::PrefixLimit limit_of(const format::Table& table, format::Root root, const std::string& prefix) {
    place::PrefixLimit out{prefix, 0, ""};
    for (const format::Destination& d : table.destinations) {
        if (d.root != root || d.kind != format::EntryKind::file) continue;
        for (const format::Reloc& reloc : table.contents[d.content].relocs)
            if (reloc.kind == format::RelocKind::cstring && (out.longest == 0 || reloc.text.size() < out.longest))
                out = {prefix, reloc.text.size(), d.path};
    }
    return out;
}

} // namespace

Status check_limits(const format::Table& table, const place::Layout& layout) {
    for (format::Root root : layout.roots()) {
        const auto limit = limit_of(table, root, layout.prefix(root).string());
        if (auto refusal = place::refuse_length(limit, layout.root.string())) return refusal->error();
    }
    return {};
}

} // namespace tinderbox::install
