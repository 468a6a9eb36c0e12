#include "generator/parcel/scan.hpp"

#include "common/base/text.hpp"

namespace tinderbox::parcel {

std::vector<format::Reloc> find_relocations(ByteView content, PrefixMode mode, std::string_view placeholder,
                                            std::string_view shebang) {
    std::vector<format::Reloc> out;
    const std::string_view text = as_text(content);
    const std::string_view first_line = text.substr(0, text.find('\n'));
    std::size_t at = 0;
    auto replace_first_line = [&](std::string line) {
        out.push_back({format::RelocKind::shebang, 0, first_line.size(), std::move(line), 0});
        at = first_line.size();
    };
    if (!shebang.empty() && !first_line.empty()) replace_first_line(std::string(shebang));
    if (mode == PrefixMode::none || placeholder.empty()) return out;
    // A line that holds the marker byte itself cannot be written with it.
    if (at == 0 && mode == PrefixMode::text && first_line.starts_with("#!") &&
        first_line.find(placeholder) != std::string_view::npos && first_line.find('\x01') == std::string_view::npos)
        replace_first_line(replace_all(first_line, placeholder, "\x01"));
    for (;;) {
        at = text.find(placeholder, at);
        if (at == std::string_view::npos) return out;
        if (mode == PrefixMode::text) {
            out.push_back({format::RelocKind::text, at, placeholder.size(), {}, 0});
            at += placeholder.size();
        } else {
            const std::size_t end = std::min(text.find('\0', at), text.size());
            out.push_back({format::RelocKind::cstring, at, end - at, std::string(placeholder), 0});
            at = end;
        }
    }
}

} // namespace tinderbox::parcel
