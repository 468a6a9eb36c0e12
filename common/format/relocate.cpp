#include "common/format/relocate.hpp"

#include "common/base/base64url.hpp"
#include "common/base/text.hpp"
#include "common/format/script_header.hpp"

#include <algorithm>

namespace tinderbox::format {
namespace {

void append(Bytes& out, std::string_view text) {
    auto bytes = as_bytes(text);
    out.insert(out.end(), bytes.begin(), bytes.end());
}

Status append_cstring(Bytes& out, std::string_view field, const Reloc& reloc, std::string_view prefix) {
    if (prefix.size() > reloc.text.size())
        return make_error(ErrorKind::usage, "the prefix has {} bytes, this file has room for {}; choose a shorter one",
                          prefix.size(), reloc.text.size());
    std::string replaced = replace_all(field, reloc.text, prefix);
    replaced.resize(field.size(), '\0');
    append(out, replaced);
    return {};
}

Status append_of_target(Bytes& out, const Reloc& reloc, const InstalledLookup& lookup) {
    if (!lookup) return make_error(ErrorKind::bug, "a digest relocation without a way to look its target up");
    TRY_ASSIGN(InstalledFile file, lookup(reloc.target));
    if (reloc.kind == RelocKind::digest_hex) append(out, to_hex(file.sha256));
    else if (reloc.kind == RelocKind::digest_b64url) append(out, to_base64url(file.sha256));
    else append(out, std::to_string(file.size));
    return {};
}

} // namespace

Result<Bytes> apply_relocations(ByteView original, const std::vector<Reloc>& relocs, std::string_view prefix,
                                const InstalledLookup& lookup) {
    Bytes out;
    out.reserve(original.size() + relocs.size() * prefix.size());
    std::size_t done = 0;
    const auto header = replaced_header(as_text(original), relocs, prefix);
    if (header) {
        append(out, header->text);
        done = header->end;
    }
    for (const Reloc& reloc : relocs) {
        if (header && reloc.offset < header->end) continue;
        if (reloc.offset < done || reloc.offset > original.size() || reloc.length > original.size() - reloc.offset)
            return make_error(ErrorKind::damaged, "a relocation lies outside its file");
        out.insert(out.end(), original.begin() + static_cast<std::ptrdiff_t>(done),
                   original.begin() + static_cast<std::ptrdiff_t>(reloc.offset));
        done = reloc.offset + reloc.length;
        switch (reloc.kind) {
        case RelocKind::text:
            append(out, prefix);
            break;
        case RelocKind::shebang:
            append(out, script_header(reloc.text, prefix, as_text(original).substr(done)));
            break;
        case RelocKind::cstring:
            TRY(append_cstring(out, as_text(original.subspan(reloc.offset, reloc.length)), reloc, prefix));
            break;
        default:
            TRY(append_of_target(out, reloc, lookup));
        }
    }
    out.insert(out.end(), original.begin() + static_cast<std::ptrdiff_t>(done), original.end());
    return out;
}

std::optional<std::size_t> longest_prefix(const Content& content) {
    std::optional<std::size_t> longest;
    for (const Reloc& reloc : content.relocs)
        if (reloc.kind == RelocKind::cstring) longest = std::min(longest.value_or(SIZE_MAX), reloc.text.size());
    return longest;
}

} // namespace tinderbox::format
