// The program inside every NAME.run. The shell header starts it as
//
//     STUB --tinderbox-run /absolute/path/of/NAME.run -- OPTIONS…
//
// with the user's working directory. It is the loader: look at the machine, put the files in place, test,
// report.
#include "common/base/guarded.hpp"
#include "common/base/interruption.hpp"
#include "common/base/output_file.hpp"
#include "common/base/process.hpp"
#include "common/sign/run_signature.hpp"
#include "runtime/place/control_files.hpp"
#include "runtime/session/session.hpp"
#include "runtime/ui/prompt.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace tinderbox {
namespace {

// The header copied this program into a directory made for it alone; nothing else may be removed.
void remove_own_copy(const char* self) {
    const fs::path directory = environment_variable("TINDERBOX_STUB_DIR");
    ::unsetenv("TINDERBOX_STUB_DIR");
    if (directory.empty() || !directory.filename().string().starts_with("tinderbox.")) return;
    if (fs::path(self) != directory / "installer") return;
    ::unlink(self);
    ::rmdir(directory.c_str());
}

// Volumes that are not beside the first one are asked for where somebody can answer.
format::VolumeFinder volume_finder(const ui::RunOptions& options) {
    const bool can_ask = options.mode != ui::Mode::help && !options.batch && (options.ask || ::isatty(0) == 1);
    if (!can_ask) return {};
    return [](const std::string& name, const std::string& problem) {
        return ui::ask_volume(ui::Console::terminal(), name, problem);
    };
}

Status check_signature_of(const format::RunFile& run, const ui::RunOptions& options) {
    TRY_ASSIGN(sign::VerifyingKey key, sign::VerifyingKey::read(options.key_file));
    Terminal& terminal = Terminal::get();
    auto progress = [&](std::uint64_t done) { terminal.progress("checking the signature", done, run.total_size()); };
    TRY(sign::check_signature(run, key, options.jobs, progress));
    terminal.end_progress();
    terminal.note("signed", fmt::format("by the key '{}'", options.key_file));
    return {};
}

Result<int> run_with(const fs::path& file, const ui::RunOptions& options, const std::atomic<bool>& interrupted) {
    auto run = format::RunFile::open(file, volume_finder(options));
    if (options.mode == ui::Mode::help) {
        // Help is given even by a damaged file.
        std::string name = run.ok() ? run->manifest().value("env_name", "") : "";
        std::string version = run.ok() ? run->manifest().value("tinderbox_version", "") : "";
        write_output(ui::help_text(file.filename().string(), name.empty() ? file.stem().string() : name, version));
        return 0;
    }
    if (!run.ok()) return std::move(run).error();
    auto manifest = format::manifest_from_json(run->manifest());
    if (!manifest.ok()) return std::move(manifest).error().in(file.string());
    if (options.mode == ui::Mode::version) {
        write_output(fmt::format("{} made by Tinderbox {}\n", file.filename().string(), manifest->tinderbox_version));
        return 0;
    }
    if (!options.key_file.empty()) TRY(check_signature_of(*run, options));
    return session::Session(*std::move(run), *std::move(manifest), options, interrupted).go();
}

// PREFIX from /proc/self/exe when that is PREFIX/.tinderbox/stub; else "".
std::string own_prefix() {
    std::error_code error;
    fs::path self = fs::read_symlink("/proc/self/exe", error);
    bool inside =
        !error && self.filename() == place::control::stub && self.parent_path().filename() == place::control_directory;
    return inside ? self.parent_path().parent_path().string() : std::string();
}

Result<int> run_installed(const std::string& prefix, ui::RunOptions options, const std::atomic<bool>& interrupted) {
    constexpr ui::Mode known[] = {ui::Mode::verify_only, ui::Mode::integrity, ui::Mode::uninstall,
                                  ui::Mode::generations, ui::Mode::rollback,  ui::Mode::list,
                                  ui::Mode::describe};
    if (std::ranges::find(known, options.mode) == std::end(known))
        return make_error(ErrorKind::usage, "an installed environment knows --verify-only, --integrity, --uninstall, "
                                            "--generations, --rollback, --list and --describe; "
                                            "everything else needs its .run");
    options.prefix = prefix;
    TRY_ASSIGN(auto state, place::read_installed(prefix));
    if (!state) return make_error(ErrorKind::storage, "'{}' holds no environment of Tinderbox", prefix);
    return session::Session(*std::move(state), std::move(options), interrupted).go();
}

int fail(const Error& error, bool as_json) {
    Terminal::get().end_progress();
    (void)flush_output();
    Terminal::get().error(error.message);
    if (as_json)
        write_output(format::canonical_json({{"error", error.message}, {"exit_code", static_cast<int>(error.kind)}}));
    return static_cast<int>(error.kind);
}

int run_main(int argc, char** argv) {
    const std::vector<std::string> words(argv, argv + argc);
    // The header asks whether programs start at all from where it has put us.
    if (words.size() == 2 && words[1] == "--tinderbox-ping") return 0;
    const bool from_run = words.size() >= 4 && words[1] == "--tinderbox-run" && words[3] == "--";
    const std::string installed = from_run ? "" : own_prefix();
    if (!from_run && installed.empty())
        return fail(make_error(ErrorKind::usage, "this program is a part of a NAME.run; start that one"), false);
    // The header ignores these before it starts us, so that nothing ends us before our copy is removed.
    const std::atomic<bool>& interrupted = catch_interruptions();
    if (from_run) remove_own_copy(argv[0]);
    const auto first = words.begin() + (from_run ? 4 : 1);
    const bool wants_json = std::find(first, words.end(), "--json") != words.end();
    auto options = ui::parse_options({first, words.end()});
    if (!options.ok()) return fail(options.error(), wants_json);
    Terminal::get().set_quiet(options->quiet);
    static Fd log; // messages may come until the very end
    if (!options->log_file.empty()) {
        auto opened = open_for_appending(options->log_file);
        if (!opened.ok()) return fail(opened.error(), wants_json);
        log = *std::move(opened);
        Terminal::get().set_log(log.get());
    }
    auto code = from_run ? run_with(words[2], *options, interrupted) : run_installed(installed, *options, interrupted);
    return code.ok() ? *code : fail(code.error(), wants_json);
}

} // namespace
} // namespace tinderbox

int main(int argc, char** argv) {
    using namespace tinderbox;
    reserve_standard_descriptors();
    return finish_output(run_program([&]() -> Result<int> { return run_main(argc, argv); },
                                     [](const Error& error) { (void)fail(error, false); }));
}
