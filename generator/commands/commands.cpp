#include "generator/commands/command.hpp"

#include "common/base/edit_distance.hpp"
#include "common/base/file.hpp"
#include "common/base/hash.hpp"
#include "common/base/interruption.hpp"
#include "common/base/standard_output.hpp"
#include "common/base/terminal.hpp"
#include "generator/embed/embedded.hpp"
#include "versions.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <sstream>

namespace tinderbox::commands {
namespace {

constexpr void (*commands[])(CLI::App&, Invocation&) = {
    add_build, add_lock, add_inspect, add_verify, add_keygen, add_sign,
    add_new,   add_diff, add_sbom,    add_doctor, add_cache,
};

std::string version_text() {
    std::string out = fmt::format("tinderbox {}\n", tinderbox_version);
    for (const auto& [name, version, licence] : linked_libraries)
        out += fmt::format("  {:<14} {} ({})\n", name, version, licence);
    for (std::string_view name : embed::embedded_names())
        if (name == "stub" || name.starts_with("probe/"))
            out += fmt::format("  {:<14} {} bytes, SHA-256 {}\n", name, embed::embedded(name).size(),
                               to_hex(sha256(embed::embedded(name))).substr(0, 16));
    return out;
}

// "Did you mean", and the page that has the right words.
void report_usage(CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
    const std::vector<std::string_view> words(argv + std::min(argc, 1), argv + argc);
    const CLI::App* command = nullptr;
    std::vector<std::string> names;
    for (const CLI::App* one : app.get_subcommands([](CLI::App*) { return true; })) {
        names.push_back(one->get_name());
        if (!words.empty() && words.front() == names.back()) command = one;
    }
    std::string message = error.what(), meant;
    // CLI11 converts to numbers alone here: "Could not convert: --jobs = x".
    constexpr std::string_view unconverted = "Could not convert: ";
    if (const auto equal = message.find(" = "); message.starts_with(unconverted) && equal != std::string::npos)
        message = fmt::format("{}: '{}' is not a number that fits",
                              std::string_view(message).substr(unconverted.size(), equal - unconverted.size()),
                              std::string_view(message).substr(equal + 3));
    if (!command && !words.empty() && !words.front().starts_with('-')) {
        const std::vector<std::string_view> known(names.begin(), names.end());
        meant = nearest_word(words.front(), known);
        message = fmt::format("there is no command '{}'", words.front());
    } else if (command) {
        names.clear();
        for (const CLI::Option* option : command->get_options())
            for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
        const std::vector<std::string_view> known(names.begin(), names.end());
        for (std::string_view word : words) {
            word = word.substr(0, word.find('='));
            if (!word.starts_with("--") || std::ranges::find(known, word) != known.end()) continue;
            meant = nearest_word(word, known);
            message = fmt::format("there is no option '{}' of '{}'", word, command->get_name());
            break;
        }
    }
    Terminal::get().error(message + (meant.empty() ? "" : fmt::format("; is '{}' meant?", meant)));
    Terminal::get().line(command ? fmt::format("see: tinderbox {} --help", command->get_name())
                                 : "see: tinderbox --help");
}

// Destructors have removed by now what was half-written.
Error interruption(const CLI::App& app, const Invocation& invocation) {
    const std::string phase = Terminal::get().phase();
    return make_error(ErrorKind::interrupted, "{} was interrupted{}; nothing half-written is left, and {}",
                      app.get_subcommands().front()->get_name(), phase.empty() ? "" : " while " + phase,
                      invocation.uses_cache ? fmt::format("the same command goes on with what is in the cache ('{}')",
                                                          cache_directory().string())
                                            : "the same command begins again");
}

} // namespace

int run_command_line(int argc, char** argv) {
    CLI::App app(
        "Tinderbox puts a GPU environment on a machine without internet: one file that checks, installs, proves.",
        "tinderbox");
    app.set_version_flag("--version", version_text);
    app.require_subcommand(1);
    app.get_formatter()->column_width(34);
    Invocation invocation;
    for (auto add : commands) add(app, invocation);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) { // --help and --version
            std::ostringstream text;
            app.exit(error, text, text);
            write_output(text.str());
            return finish_output(0);
        }
        report_usage(app, error, argc, argv);
        return static_cast<int>(ErrorKind::usage);
    }
    const std::atomic<bool>& interrupted = catch_interruptions();
    end_work_when_interrupted();
    Status status;
    if (invocation.run) status = invocation.run();
    Terminal::get().end_progress();
    if (status.ok()) return finish_output(invocation.exit_code);
    // Whatever failed because the work ended: the person ended it.
    if (interrupted) status = interruption(app, invocation);
    (void)flush_output(); // what was found, then why that is an error
    Terminal::get().error(status.error().message);
    return finish_output(static_cast<int>(status.error().kind));
}

} // namespace tinderbox::commands
