// tinderbox, the generator: runs where the internet is. The commands are in generator/commands.
#include "generator/commands/command.hpp"

#include <csignal>

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN); // a closed pipe is an error of write(), said once
    return tinderbox::commands::run_command_line(argc, argv);
}
