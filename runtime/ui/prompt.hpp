// Questions on a terminal, as users of constructor's installers know them.
#pragma once

#include "common/base/result.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::ui {

// Where questions go and answers come from; a test replaces both.
struct Console {
    std::function<void(std::string_view)> write;
    // A line without its newline; nullopt at the end of input.
    std::function<std::optional<std::string>()> read;
    // Answers come from a person who reads a screen at a time; false for a pipe, whose lines are answers to questions.
    bool pages = true;
    static Console terminal(); // stderr and stdin
};

// The contents of the first screen.
struct Welcome {
    std::string name, summary; // "torch 2.7.0 and 29 more packages"
    std::string size;          // "5.6 GB"
    std::string licenses;      // the texts, shown a screen at a time; "" = none to accept
    std::string default_prefix;
};

struct Answers {
    std::string prefix; // as written
};

// Licence (Enter, then yes/no), place. Declined or end of input: an error of kind `interrupted`.
Result<Answers> ask(const Console& console, const Welcome& welcome, bool ask_prefix);

// Asks until the answer is yes or no; Enter takes `otherwise`. nullopt at the end of input.
std::optional<bool> ask_yes_no(const Console& console, std::string_view question, std::optional<bool> otherwise);

// Where the volume `name` is: a file or a directory; empty for the same place again, nullopt (the answer "q", or the
// end of input) to give up. `problem` is what is wrong with what was found.
std::optional<std::filesystem::path> ask_volume(const Console& console, std::string_view name,
                                                std::string_view problem);

// Whether the start-up files of the user's shells shall be changed. End of input: no.
bool ask_conda_init(const Console& console, std::string_view conda_prefix);

// Whether what the user has added to `prefix`, or changed in it, goes with the rest. End of input: no.
bool ask_purge(const Console& console, std::string_view prefix, const std::vector<std::string>& kept);

} // namespace tinderbox::ui
