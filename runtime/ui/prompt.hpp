// Questions on a terminal, in the form that constructor's installers use.
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
    // True: a person reads, and long texts stop after each screen. False: input is a pipe, and each line answers a
    // question.
    bool pages = true;
    std::size_t width = 0;     // columns, at which sentences are broken; 0 = unlimited
    static Console terminal(); // stderr and stdin; the log gets questions and answers, too
};

// The contents of the first screen.
struct Welcome {
    std::string name, summary; // "torch 2.7.0 and 29 more packages"
    std::string size;          // "5.6 GB"
    std::string licenses;      // the texts, shown a screen at a time; "" = no licence to accept
    std::string default_prefix;
};

struct Answers {
    std::string prefix; // as written
};

// Asks to accept the licences (Enter, then yes or no), then for the prefix. A refusal or the end of input is an error
// of kind `interrupted`.
Result<Answers> ask(const Console& console, const Welcome& welcome, bool ask_prefix);

// Asks until the answer is yes or no; Enter takes `otherwise`. nullopt at the end of input.
std::optional<bool> ask_yes_no(const Console& console, std::string_view question, std::optional<bool> otherwise);

// Asks for the volume `name`. Returns a file or a directory; an empty path means: look in the same place again. Returns
// nullopt for "q" and at the end of input: give up. `problem` says why the volume was not accepted so far.
std::optional<std::filesystem::path> ask_volume(const Console& console, std::string_view name,
                                                std::string_view problem);

// Asks whether to change the start-up files of the user's shells. End of input: no.
bool ask_conda_init(const Console& console, std::string_view conda_prefix);

// Asks whether to delete also the files in `kept`, which the user added to `prefix` or changed in it. End of input: no.
bool ask_purge(const Console& console, std::string_view prefix, const std::vector<std::string>& kept);

} // namespace tinderbox::ui
