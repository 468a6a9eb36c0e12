// Standard output: a command's result, apart from what Terminal says about it. Both programs write it through here
// alone, so that a result that did not arrive is never exit code 0 (docs/using/exit-codes.md).
//
// What a terminal would obey is shown (visible.hpp). Texts are collected, and written when there are many, or at
// flush_output(). After the first failure nothing more is written; every flush_output() reports it. Thread-safe.
#pragma once

#include "common/base/result.hpp"

#include <string_view>

namespace tinderbox {

void write_output(std::string_view text);
// The log (Terminal::log) gets another form of the same: without the terminal's line breaks.
void write_output(std::string_view text, std::string_view logged);
template <class... Args> void print(fmt::format_string<Args...> format, Args&&... args) {
    write_output(fmt::format(format, std::forward<Args>(args)...));
}

// Kind storage, in one sentence. The message is empty where the reader of a pipe has ended ("… | head"): that is its
// right, and nothing to complain about.
Status flush_output();

// Ends a program: what standard output still lacks is written, and a failure is said. The exit code is `code`, or the
// failure's own where `code` is that of a success (0, and 1 of `diff --exit-code`).
int finish_output(int code);

// To be called first of all: descriptors 0 to 2 that the caller has closed are opened so that using them fails. Else
// the next file that is opened would be standard output.
void reserve_standard_descriptors();

} // namespace tinderbox
