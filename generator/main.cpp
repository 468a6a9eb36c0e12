// tinderbox, the generator: runs where the internet is. The commands are in generator/commands.
#include "common/base/guarded.hpp"
#include "common/base/standard_output.hpp"
#include "common/base/terminal.hpp"
#include "generator/commands/command.hpp"

int main(int argc, char** argv) {
    using namespace tinderbox;
    reserve_standard_descriptors();
    return finish_output(run_program([&]() -> Result<int> { return commands::run_command_line(argc, argv); },
                                     [](const Error& error) {
                                         Terminal::get().end_progress();
                                         Terminal::get().error(error.message);
                                     }));
}
