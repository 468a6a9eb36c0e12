#include "generator/assemble/generated.hpp"

namespace tinderbox {

namespace {
// What stands in the hole until the target fills it: as long as the real thing where its length is known.
constexpr std::string_view prefix_stand_in = "/PREFIX";
} // namespace

HoledText& HoledText::prefix() {
    holes_.push_back({RelocKind::text, text_.size(), prefix_stand_in.size(), {}, {}});
    text_ += prefix_stand_in;
    return *this;
}

HoledText& HoledText::shebang(std::string_view line) {
    holes_.push_back({RelocKind::shebang, text_.size(), line.size(), std::string(line), {}});
    text_ += line;
    text_ += '\n';
    return *this;
}

HoledText& HoledText::digest(RelocKind kind, std::string target) {
    std::size_t length = kind == RelocKind::digest_hex ? 64 : 43;
    holes_.push_back({kind, text_.size(), length, {}, std::move(target)});
    text_.append(length, '0');
    return *this;
}

HoledText& HoledText::size(std::string target) {
    holes_.push_back({RelocKind::size_decimal, text_.size(), 1, {}, std::move(target)});
    text_ += '0';
    return *this;
}

HoledText& HoledText::marked(std::string_view text) {
    for (;;) {
        auto at = text.find('\x01');
        text_ += text.substr(0, at);
        if (at == std::string_view::npos) return *this;
        prefix();
        text.remove_prefix(at + 1);
    }
}

} // namespace tinderbox
