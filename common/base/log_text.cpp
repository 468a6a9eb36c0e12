#include "common/base/log_text.hpp"

#include "common/base/file.hpp"

#include <string>

namespace tinderbox {
namespace {

std::string without_styles(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\x1b') {
            while (i < text.size() && text[i] != 'm') ++i;
            continue;
        }
        out += text[i];
    }
    return out;
}

} // namespace

bool append_to_log(int fd, std::string_view text) {
    return write_exact(fd, as_bytes(without_styles(text)), "the log").ok();
}

} // namespace tinderbox
