#include "common/base/result.hpp"

#include <cstring>

namespace tinderbox {

Error errno_error(std::string_view what, int error_number, ErrorKind kind) {
    // strerrordesc_np is thread-safe and never reads locale data: this code also runs in a static binary.
    const char* text = strerrordesc_np(error_number);
    return Error{kind, fmt::format("{}: {}", what, text ? text : "unknown error")};
}

} // namespace tinderbox
