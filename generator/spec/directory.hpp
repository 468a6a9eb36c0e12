// A directory as SPEC: the one file in it that a request is read from (docs/building/specs.md has the order).
#pragma once

#include "common/base/result.hpp"

#include <string>

namespace tinderbox::spec {

// A lock of Tinderbox in the directory is what `build` installs, and what `lock` is about to write again.
enum class OwnLocks { taken, left };

// "DIR" and "DIR[NAME]" become "DIR/FILE" and "DIR/FILE[NAME]"; any other argument stays. Reads the beginnings of
// files, which may change until the SPEC itself is read. Errors (usage): no file that can be a SPEC; several that
// contradict one another, all of them named; a conda environment or a venv, with the option that captures it.
Result<std::string> file_of_directory(const std::string& argument, OwnLocks locks);

} // namespace tinderbox::spec
