#include "generator/commands/command.hpp"

#include "common/base/hash.hpp"
#include "common/base/terminal.hpp"
#include "generator/embed/embedded.hpp"
#include "versions.hpp"

#include <CLI/CLI.hpp>

#include <system_error>

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
        if (error.get_exit_code() == 0) return app.exit(error);
        Terminal::get().error(error.what());
        Terminal::get().line("see: tinderbox --help");
        return static_cast<int>(ErrorKind::usage);
    }
    Status status;
    try {
        if (invocation.run) status = invocation.run();
    } catch (const std::system_error& error) {
        // The reader may end first ("tinderbox inspect … | head"): that is a success.
        if (error.code() == std::errc::broken_pipe) return 0;
        status = make_error(ErrorKind::storage, "cannot write to standard output: {}", error.code().message());
    }
    Terminal::get().end_progress();
    if (status.ok()) return invocation.exit_code;
    Terminal::get().error(status.error().message);
    return static_cast<int>(status.error().kind);
}

} // namespace tinderbox::commands
