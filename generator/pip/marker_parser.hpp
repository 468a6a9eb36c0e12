// The cursor that requirement.cpp and marker.cpp share. Not for use outside generator/pip.
#pragma once

#include <string_view>

namespace tinderbox::pip {

struct Cursor {
    std::string_view text;
    std::size_t at = 0;

    bool end() const { return at >= text.size(); }
    char peek() const { return end() ? '\0' : text[at]; }
    std::string_view rest() const { return text.substr(at < text.size() ? at : text.size()); }
    void skip_space() {
        while (peek() == ' ' || peek() == '\t') ++at;
    }
    bool accept(std::string_view word) {
        if (!rest().starts_with(word)) return false;
        at += word.size();
        return true;
    }
};

} // namespace tinderbox::pip
