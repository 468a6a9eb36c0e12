// How a child process failed, as one clause.
#pragma once

#include "common/base/process.hpp"

namespace tinderbox::install {

// "exit status 1: MemoryError": how it ended, and the last line of what it said.
inline std::string how_it_failed(const ProcessResult& result, std::string_view said) {
    const std::string_view last = last_line(said);
    return last.empty() ? result.describe() : fmt::format("{}: {}", result.describe(), last);
}

} // namespace tinderbox::install
