#include "generator/parcel/generated.hpp"

namespace tinderbox::parcel {

HoledText& HoledText::operator<<(std::string_view text) {
    text_ += text;
    return *this;
}

HoledText& HoledText::operator<<(const HoledText& other) {
    for (Hole hole : other.holes_) {
        hole.offset += text_.size();
        holes_.push_back(std::move(hole));
    }
    text_ += other.text_;
    return *this;
}

HoledText& HoledText::hole(Hole hole, std::string_view stand_in) {
    hole.offset = text_.size();
    hole.length = stand_in.size();
    holes_.push_back(std::move(hole));
    text_ += stand_in;
    return *this;
}

HoledText& HoledText::prefix() { return hole({format::RelocKind::text, 0, 0, "", ""}, "/PREFIX"); }

HoledText& HoledText::shebang(std::string_view line) {
    return hole({format::RelocKind::shebang, 0, 0, std::string(line), ""}, line) << "\n";
}

HoledText& HoledText::digest(format::RelocKind kind, std::string target) {
    const std::size_t length = kind == format::RelocKind::digest_hex ? 64 : 43; // base64 of 32 bytes without padding
    return hole({kind, 0, 0, "", std::move(target)}, std::string(length, '0'));
}

HoledText& HoledText::size(std::string target) {
    return hole({format::RelocKind::size_decimal, 0, 0, "", std::move(target)}, "0");
}

HoledText& HoledText::marked(std::string_view with_markers) {
    for (;;) {
        const auto at = with_markers.find('\x01');
        *this << with_markers.substr(0, at);
        if (at == std::string_view::npos) return *this;
        prefix();
        with_markers.remove_prefix(at + 1);
    }
}

HoledText HoledText::mapped(const std::function<std::string(std::string_view)>& change) const {
    const std::string_view text = text_;
    HoledText out;
    std::size_t done = 0;
    for (const Hole& one : holes_) {
        out << change(text.substr(done, one.offset - done));
        out.hole(one, text.substr(one.offset, one.length));
        done = one.offset + one.length;
    }
    out << change(text.substr(done));
    return out;
}

} // namespace tinderbox::parcel
