#include "common/base/terminal.hpp"
#include "generator/commands/command.hpp"

namespace tinderbox::commands {

Status take_file_of_directory(std::string& argument, spec::OwnLocks locks) {
    TRY_ASSIGN(std::string file, spec::file_of_directory(argument, locks));
    if (file == argument) return {};
    Terminal::get().note("request", fmt::format("{}, of the directory '{}'", file, argument));
    argument = std::move(file);
    return {};
}

} // namespace tinderbox::commands
