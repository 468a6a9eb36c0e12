#include "common/base/log_text.hpp"

#include <unistd.h>

#include <cerrno>
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
    const std::string plain = without_styles(text);
    std::string_view rest = plain;
    while (!rest.empty()) {
        const ssize_t n = ::write(fd, rest.data(), rest.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        rest.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

} // namespace tinderbox
