// Commands: one file each, one table (commands.cpp). A command registers its options and help with CLI11, and sets the
// function to run; only main() turns its Status into an exit code.
#pragma once

#include "common/base/result.hpp"
#include "generator/spec/directory.hpp"

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace tinderbox::commands {

struct Invocation {
    std::function<Status()> run;
    int exit_code = 0;       // after a successful run(); `diff --exit-code` sets 1 for differences
    bool uses_cache = false; // after Ctrl-C the same command goes on with what it has fetched and packed
};

void add_build(CLI::App& app, Invocation& invocation);
void add_lock(CLI::App& app, Invocation& invocation);
void add_inspect(CLI::App& app, Invocation& invocation);
void add_verify(CLI::App& app, Invocation& invocation);
void add_keygen(CLI::App& app, Invocation& invocation);
void add_sign(CLI::App& app, Invocation& invocation);
void add_doctor(CLI::App& app, Invocation& invocation);
void add_cache(CLI::App& app, Invocation& invocation);
void add_diff(CLI::App& app, Invocation& invocation);
void add_sbom(CLI::App& app, Invocation& invocation);
void add_new(CLI::App& app, Invocation& invocation);

// Replaces a SPEC that is a directory by the file in it, and says which one (file_of_directory).
Status take_file_of_directory(std::string& argument, spec::OwnLocks locks);

// Parses the command line, runs the command, prints its error: the exit code.
int run_command_line(int argc, char** argv);

} // namespace tinderbox::commands
