#include "generator/commands/command.hpp"

#include "common/base/hash.hpp"
#include "common/base/standard_output.hpp"
#include "common/base/terminal.hpp"
#include "generator/embed/embedded.hpp"
#include "versions.hpp"

#include <CLI/CLI.hpp>

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
        Terminal::get().error(error.what());
        Terminal::get().line("see: tinderbox --help");
        return static_cast<int>(ErrorKind::usage);
    }
    Status status;
    if (invocation.run) status = invocation.run();
    Terminal::get().end_progress();
    if (status.ok()) return finish_output(invocation.exit_code);
    (void)flush_output(); // what was found, then why that is an error
    Terminal::get().error(status.error().message);
    return finish_output(static_cast<int>(status.error().kind));
}

} // namespace tinderbox::commands
