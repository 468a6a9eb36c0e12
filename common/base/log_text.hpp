// The --log file: what Terminal and standard output say, without styles.
#pragma once

#include <string_view>

namespace tinderbox {

// The warning when append_to_log() has failed.
inline constexpr std::string_view log_is_incomplete = "the log file cannot be written, and is not complete";

// False: the file cannot take all of it (a full disk); then the log is not complete.
bool append_to_log(int fd, std::string_view text);

// What write_output() gets from now on goes to this descriptor, too. -1: to none. It is not owned. Thread-safe.
void set_output_log(int fd);

} // namespace tinderbox
