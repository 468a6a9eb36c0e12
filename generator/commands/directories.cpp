#include "common/base/terminal.hpp"
#include "generator/commands/command.hpp"

namespace tinderbox::commands {

Status take_files_of_directories(std::vector<std::string>& specs, spec::OwnLocks locks) {
    for (std::string& one : specs) {
        TRY_ASSIGN(std::string file, spec::file_of_directory(one, locks));
        if (file == one) continue;
        Terminal::get().note("request", fmt::format("{}, of the directory '{}'", file, one));
        one = std::move(file);
    }
    return {};
}

} // namespace tinderbox::commands
