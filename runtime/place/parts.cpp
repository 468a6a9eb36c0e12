#include "runtime/place/parts.hpp"

namespace tinderbox::place {

InstalledParts Parts::installed() const {
    if (!base) return InstalledParts::env;
    return packages ? InstalledParts::packages : InstalledParts::base;
}

Parts Parts::of(InstalledParts installed, bool root_user) {
    return {installed >= InstalledParts::base, installed >= InstalledParts::packages, root_user};
}

bool selected(const format::Destination& d, const Parts& parts) {
    if (format::is_of_base(d.root) && !parts.base) return false;
    if ((d.flags & format::destination_package_cache) != 0 && !parts.packages) return false;
    return (d.flags & format::destination_unless_root) == 0 || !parts.root_user;
}

Result<format::Table> select(format::Table table, const Parts& parts) {
    std::vector<bool> kept(table.destinations.size());
    for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = selected(table.destinations[i], parts);
    return keep(std::move(table), kept);
}

Result<format::Table> keep(format::Table table, const std::vector<bool>& wanted) {
    constexpr std::uint32_t gone = UINT32_MAX;
    std::vector<std::uint32_t> moved(table.destinations.size(), gone);
    std::vector<bool> used(table.contents.size());
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < table.destinations.size(); ++i) {
        format::Destination& d = table.destinations[i];
        if (!wanted[i]) continue;
        if (d.kind == format::EntryKind::file) used[d.content] = true;
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
        for (format::Reloc& reloc : relocs) {
            if (reloc.kind < format::RelocKind::digest_hex) continue;
            reloc.target = moved[reloc.target];
            if (reloc.target == gone)
                return make_error(ErrorKind::damaged, "the file table is damaged: a hash of a file in another part");
        }
    }
    return table;
}

} // namespace tinderbox::place
