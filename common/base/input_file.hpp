// Input files, and what is no file. Whatever is opened for reading must be a regular file: open_file() asks before it
// opens, so that a FIFO blocks nobody and a device is left alone; the error is of kind `usage` and says what was found.
// read_input() alone also takes streams, for the small texts that a person names: a SPEC, a lock, a key.
//
// Errors of this header are of kind `usage` and name the path. Functions are thread-safe.
#pragma once

#include "common/base/file.hpp"

#include <chrono>

namespace tinderbox {

// A FIFO's other end may just be starting, or never come.
constexpr std::chrono::milliseconds fifo_patience{5000};

// "a pipe", "a directory", …; "" = a regular file. `mode` is stat's st_mode.
std::string_view irregular_kind(mode_t mode);

Error larger_than(const fs::path& path, std::uint64_t limit);

// Whether the name stands for standard input ("-", /dev/stdin) or another open descriptor (/dev/fd/63, as bash writes
// <(…)): it lies in no directory that other paths could be relative to, and nobody can read it again later.
bool is_stream(const fs::path& path);

// All of a text of at most `limit` bytes. The size is asked before reading where there is one, and held to in any case.
// A stream and a FIFO are read once a process: the bytes are kept, and the next call for the same one gets them again.
// An open descriptor is waited for like in any filter; a FIFO that has a name, five seconds at most, because nobody
// may ever write into it. /dev/null is an empty text; other devices, sockets and directories are refused.
Result<std::string> read_input(const fs::path& path, std::uint64_t limit);

} // namespace tinderbox
