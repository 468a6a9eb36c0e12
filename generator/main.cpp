// tinderbox, the generator: runs where the internet is. The commands are in generator/commands.
#include "common/base/standard_output.hpp"
#include "generator/commands/command.hpp"

#include <csignal>

int main(int argc, char** argv) {
    tinderbox::reserve_standard_descriptors();
    std::signal(SIGPIPE, SIG_IGN); // a closed pipe is an error of write(), said once
    return tinderbox::commands::run_command_line(argc, argv);
}
