// The options that `build` and `lock` share, on the command line.
#pragma once

#include "generator/build/options.hpp"

namespace CLI {
class App;
}

namespace tinderbox::commands {

// `plan` and `as_json` are --plan and --json. A value that its option does not know is CLI11's error.
void add_options(CLI::App& command, build::Options& options, bool& plan, bool& as_json);

} // namespace tinderbox::commands
