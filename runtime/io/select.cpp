#include "runtime/io/select.hpp"

#include "common/base/text.hpp"
#include "runtime/io/plan.hpp"

#include <algorithm>

namespace tinderbox::io {

std::string Selection::text() const { return base ? packages ? "env base packages" : "env base" : "env"; }

Selection Selection::from_text(std::string_view text, bool root_user) {
    Selection out;
    out.root_user = root_user;
    auto words = split(text, ' ');
    out.base = std::ranges::find(words, "base") != words.end();
    out.packages = std::ranges::find(words, "packages") != words.end();
    return out;
}

bool selected(const Destination& d, const Selection& selection) {
    if (is_of_base(d.root) && !selection.base) return false;
    if ((d.flags & destination_package_cache) != 0 && !selection.packages) return false;
    return (d.flags & destination_unless_root) == 0 || !selection.root_user;
}

Result<Table> select(Table table, const Selection& selection) {
    std::vector<bool> kept(table.destinations.size());
    for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = selected(table.destinations[i], selection);
    return keep(std::move(table), kept);
}

Result<Table> keep(Table table, const std::vector<bool>& wanted) {
    std::vector<std::uint32_t> moved(table.destinations.size(), none);
    std::vector<bool> used(table.contents.size());
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < table.destinations.size(); ++i) {
        Destination& d = table.destinations[i];
        if (!wanted[i]) continue;
        if (d.kind == EntryKind::file) used[d.content] = true;
        moved[i] = kept;
        if (kept != i) table.destinations[kept] = std::move(d);
        ++kept;
    }
    if (kept == table.destinations.size()) return table;
    table.destinations.resize(kept);
    for (std::size_t c = 0; c < table.contents.size(); ++c) {
        auto& relocs = table.contents[c].relocs;
        if (!used[c]) {
            relocs.clear(); // their targets may be gone
            continue;
        }
        for (Reloc& reloc : relocs) {
            if (reloc.kind < RelocKind::digest_hex) continue;
            reloc.target = moved[reloc.target];
            if (reloc.target == none)
                return make_error(ErrorKind::damaged, "the file table is damaged: a hash of a file in another part");
        }
    }
    return table;
}

} // namespace tinderbox::io
