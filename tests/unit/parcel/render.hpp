// A generated text as it is at a target with this prefix.
#pragma once

#include "common/base/text.hpp"
#include "generator/parcel/generated.hpp"

namespace tinderbox::test {

// `digest_of` returns digests by their targets; without it they are zeros. A shebang stays one line.
inline std::string render(const parcel::HoledText& text, std::string_view prefix,
                          const std::function<std::string(const std::string&)>& digest_of = {}) {
    std::string out;
    std::size_t done = 0;
    for (const parcel::HoledText::Hole& hole : text.holes()) {
        out += text.text().substr(done, hole.offset - done);
        done = hole.offset + hole.length;
        if (hole.kind == format::RelocKind::text) out += prefix;
        else if (hole.kind == format::RelocKind::shebang) out += replace_all(hole.text, "\x01", prefix);
        else if (digest_of) out += digest_of(hole.target);
        else out += text.text().substr(hole.offset, hole.length);
    }
    return out + text.text().substr(done);
}

} // namespace tinderbox::test
