#include "runtime/ui/prompt.hpp"

#include "common/base/text.hpp"

#include <unistd.h>

namespace tinderbox {
namespace {

constexpr std::size_t screen_lines = 22;

std::optional<std::string> read_line() {
    // One byte at a time: what follows the line may be meant for a program that we start.
    std::string line;
    for (;;) {
        char c = 0;
        ssize_t n = ::read(0, &c, 1);
        if (n < 0) return std::nullopt; // EINTR is Ctrl-C, which means no
        if (n == 0) return line.empty() ? std::nullopt : std::optional(line);
        if (c == '\n') return line;
        line += c;
    }
}

Error declined(std::string_view what) {
    return make_error(ErrorKind::interrupted, "{}; nothing was installed", what);
}

Status show_licenses(const Console& console, const std::string& text) {
    console.write(
        "\nPlease read the licences of the packages. Press Enter to go on, q to skip to the question.\n");
    if (!console.read()) return declined("the licence was not accepted");
    std::size_t shown = 0;
    for (std::string_view line : split_lines(text)) {
        console.write(fmt::format("{}\n", line));
        if (++shown % screen_lines != 0) continue;
        console.write("--More--");
        auto answer = console.read();
        if (!answer) return declined("the licence was not accepted");
        if (trim(*answer) == "q") break;
    }
    return {};
}

} // namespace

Console Console::terminal() {
    Console console;
    console.write = [](std::string_view text) {
        while (!text.empty()) {
            ssize_t n = ::write(2, text.data(), text.size());
            if (n <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(n));
        }
    };
    console.read = read_line;
    return console;
}

std::optional<bool> ask_yes_no(const Console& console, std::string_view question,
                               std::optional<bool> otherwise) {
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
    console.write(
        fmt::format("\nWelcome to {}\n\n  {}\n  {} on disk\n", welcome.name, welcome.summary, welcome.size));
    if (!welcome.licenses.empty()) {
        TRY(show_licenses(console, welcome.licenses));
        auto accepted = ask_yes_no(console, "\nDo you accept the licence terms?", std::nullopt);
        if (!accepted || !*accepted) return declined("the licence was not accepted");
    }
    Answers answers{welcome.default_prefix};
    if (!ask_prefix) return answers;
    console.write(fmt::format("\n{} will now be installed into this location:\n{}\n\n"
                              "  - Press Enter to confirm the location\n"
                              "  - Press Ctrl-C to abort the installation\n"
                              "  - Or specify a different location below\n\n[{}] >>> ",
                              welcome.name, welcome.default_prefix, welcome.default_prefix));
    auto line = console.read();
    if (!line) return declined("no location was confirmed");
    if (auto answer = trim(*line); !answer.empty()) answers.prefix = answer;
    return answers;
}

} // namespace tinderbox
