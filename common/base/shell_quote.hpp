// Words of commands that people copy into a shell.
#pragma once

#include <string>
#include <string_view>

namespace tinderbox {

// One word for a POSIX shell: in single quotes when it has a character that the shell would interpret. Thread-safe.
std::string shell_quote(std::string_view text);

} // namespace tinderbox
