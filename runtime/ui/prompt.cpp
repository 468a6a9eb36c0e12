#include "runtime/ui/prompt.hpp"

#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/base/visible.hpp"
#include "common/base/wrap.hpp"
#include "runtime/ui/report.hpp"

#include <unistd.h>

namespace tinderbox::ui {
namespace {

constexpr std::size_t screen_lines = 22;

std::optional<std::string> read_line() {
    // One byte at a time: the bytes after the line may be meant for a program that we start.
    std::string line;
    for (;;) {
        char c = 0;
        ssize_t n = ::read(0, &c, 1);
        if (n < 0) return std::nullopt; // EINTR means Ctrl-C; it counts as no answer
        if (n == 0) return line.empty() ? std::nullopt : std::optional(line);
        if (c == '\n') return line;
        line += c;
    }
}

Error declined(std::string_view what) { return make_error(ErrorKind::interrupted, "{}; nothing was installed", what); }

// The sentences are those of constructor's installers: people know them, and scripts wait for them.
Status show_licenses(const Console& console, const std::string& text) {
    console.write("\nIn order to continue the installation process, please review the license\nagreement.\n"
                  "Please, press ENTER to continue\n>>> ");
    if (!console.read()) return declined("the license terms were not accepted");
    std::size_t shown = 0;
    for (std::string_view line : split_lines(text)) {
        console.write(fmt::format("{}\n", line));
        if (!console.pages || ++shown % screen_lines != 0) continue;
        console.write("--More-- (ENTER goes on, q skips to the question)");
        auto answer = console.read();
        if (!answer) return declined("the license terms were not accepted");
        if (trim(*answer) == "q") break;
    }
    return {};
}

Status accept_licenses(const Console& console) {
    console.write("\nDo you accept the license terms? [yes|no]\n>>> ");
    for (;;) {
        auto line = console.read();
        const std::string answer = to_lower(trim(line.value_or("no")));
        if (answer == "yes" || answer == "y") return {};
        if (answer == "no" || answer == "n") return declined("the license terms were not accepted");
        console.write("Please answer 'yes' or 'no':\n>>> ");
    }
}

} // namespace

Console Console::terminal() {
    Console console;
    console.write = [](std::string_view written) {
        const std::string shown = visible_lines(written);
        Terminal::get().log(shown);
        std::string_view text = shown;
        while (!text.empty()) {
            ssize_t n = ::write(2, text.data(), text.size());
            if (n <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(n));
        }
    };
    console.read = [] {
        auto line = read_line();
        Terminal::get().log(visible(line.value_or("")) + "\n");
        return line;
    };
    console.pages = ::isatty(0) == 1;
    console.width = terminal_width(2);
    return console;
}

std::optional<bool> ask_yes_no(const Console& console, std::string_view question, std::optional<bool> otherwise) {
    const char* shown = !otherwise ? "[yes|no]" : *otherwise ? "[yes]" : "[no]";
    for (;;) {
        console.write(fmt::format("{} {} ", question, shown));
        auto line = console.read();
        if (!line) return std::nullopt;
        std::string answer = to_lower(trim(*line));
        if (answer.empty() && otherwise) return otherwise;
        if (answer == "yes" || answer == "y") return true;
        if (answer == "no" || answer == "n") return false;
        console.write("Please answer 'yes' or 'no'.\n");
    }
}

Result<Answers> ask(const Console& console, const Welcome& welcome, bool ask_prefix) {
    console.write(fmt::format("\nWelcome to {}\n\n  {}\n  {} on disk\n", welcome.name,
                              wrapped(welcome.summary, 2, console.width), welcome.size));
    if (!welcome.licenses.empty()) {
        TRY(show_licenses(console, welcome.licenses));
        TRY(accept_licenses(console));
    }
    Answers answers{welcome.default_prefix};
    if (!ask_prefix) return answers;
    console.write(fmt::format("\n{} will now be installed into this location:\n{}\n\n"
                              "  - Press ENTER to confirm the location\n"
                              "  - Press CTRL-C to abort the installation\n"
                              "  - Or specify a different location below\n\n[{}] >>> ",
                              welcome.name, welcome.default_prefix, welcome.default_prefix));
    auto line = console.read();
    if (!line) return declined("no location was confirmed");
    if (auto answer = trim(*line); !answer.empty()) answers.prefix = answer;
    return answers;
}

bool ask_conda_init(const Console& console, std::string_view conda_prefix) {
    console.write(fmt::format("\nDo you wish to update your shell profile to automatically initialize conda?\n"
                              "This will activate conda on startup and change the command prompt when activated.\n"
                              "If you'd prefer that conda's base environment not be activated on startup,\n"
                              "   run the following command when conda is activated:\n\n"
                              "conda config --set auto_activate_base false\n\n"
                              "Note: You can undo this later by running `conda init --reverse $SHELL`\n\n"
                              "Proceed with initialization? [yes|no]\n[no] >>> "));
    const std::string answer = to_lower(trim(console.read().value_or("no")));
    if (answer == "yes" || answer == "y") return true;
    console.write(fmt::format("\nYou have chosen to not have conda modify your shell scripts at all.\n"
                              "To activate conda's base environment in your current shell session:\n\n"
                              "eval \"$({}/bin/conda shell.YOUR_SHELL_NAME hook)\"\n\n"
                              "To install conda's shell functions for easier access, first activate, then:\n\n"
                              "conda init\n\n",
                              conda_prefix));
    return false;
}

std::optional<std::filesystem::path> ask_volume(const Console& console, std::string_view name,
                                                std::string_view problem) {
    console.write(
        fmt::format("\n{}\n"
                    "Where is '{}'? Its file or directory; ENTER looks again at the same place; q gives up\n>>> ",
                    problem, name));
    auto line = console.read();
    if (!line || trim(*line) == "q") return std::nullopt;
    return std::filesystem::path(trim(*line));
}

bool ask_purge(const Console& console, std::string_view prefix, const std::vector<std::string>& kept) {
    constexpr std::size_t shown = 10;
    console.write(fmt::format("\nThis was added to '{}', or changed in it, since it was installed:\n", prefix));
    for (std::size_t i = 0; i < kept.size() && i < shown; ++i) console.write(fmt::format("  {}\n", kept[i]));
    if (kept.size() > shown) console.write(fmt::format("  and {} more\n", kept.size() - shown));
    return ask_yes_no(console, "Remove that, too?", false).value_or(false);
}

} // namespace tinderbox::ui
