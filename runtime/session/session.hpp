// One run of a NAME.run, or of the program that an installed prefix keeps: what the options ask for, from the first
// look at the machine to the report. main() makes one and turns its result into an exit code.
//
//   session.cpp    which prefix is meant, preflight, the report
//   describe.cpp   --list, --info, --license, --verify-file: what the file says of itself
//   install.cpp    installing and --extract, and the questions on the way
//   upkeep.cpp     what is done to an installed prefix: --verify-only, --integrity, --repair, --uninstall
#pragma once

#include "common/base/terminal.hpp"
#include "common/format/run_file.hpp"
#include "runtime/install/installer.hpp"
#include "runtime/install/shell_init.hpp"
#include "runtime/preflight/preflight.hpp"
#include "runtime/ui/options.hpp"
#include "runtime/ui/report.hpp"
#include "runtime/verify/summary.hpp"

#include <unistd.h>

namespace tinderbox {

// Of the environment; "" when it is not set.
std::string variable(const char* name);
void write_stdout(std::string_view text);

class Session {
  public:
    // `interrupted` is set by a signal handler and outlives the session.
    Session(RunFile run, Manifest manifest, RunOptions options, const std::atomic<bool>& interrupted);
    // Started as PREFIX/.tinderbox/stub, without the .run: what an installed prefix can do by itself.
    Session(InstalledState installed, RunOptions options, const std::atomic<bool>& interrupted);

    Result<int> go(); // the exit code

  private:
    Terminal& terminal() const { return Terminal::get(); }
    const RunFile& run() const { return *run_; }
    std::string manifest_sha256() const;
    // Constructor's habit: with neither -b nor a terminal nobody can be asked, and that counts as -b.
    bool interactive() const { return !options_.batch && (options_.ask || ::isatty(0) == 1); }

    // session.cpp
    // Where an installation that was made for `asked` is: of the environment, and of its .tinderbox.
    struct Place {
        std::string prefix, root;
    };
    Result<std::string> prefix_from(std::string_view written) const;
    InstallOptions install_options(const std::string& prefix) const;
    Place place_of(const std::string& asked) const;
    Result<Place> find_installed() const;
    bool is_ours(const std::string& prefix) const;
    bool names_collide() const;
    std::string probe_name() const; // "" = this installer carries none
    Result<Bytes> probe_program() const;
    Preflight preflight(const std::string& prefix) const;
    Result<int> check();
    Verification verify(const std::string& prefix, const GpuVerdict& verdict) const;
    void show_problems(const std::vector<Finding>& findings) const;
    ReportFacts facts_for(const char* mode, const std::string& prefix, const Preflight* preflight,
                          const InstallFacts* installed = nullptr, const Verification* verification = nullptr) const;
    Result<int> report(const ReportFacts& in, const std::string& prefix, bool show = true) const;

    // describe.cpp
    Result<int> list() const;
    Result<int> info() const;
    Result<std::string> license_texts() const;
    Result<int> license() const;
    Result<int> verify_file() const;
    std::string package_summary() const;

    // install.cpp
    Result<std::string> choose_prefix() const;
    static InstallFacts facts_of(const InstallSummary& summary);
    Result<int> install_all();
    Result<std::vector<Shell>> shells_to_init() const;
    bool wants_conda_init(const std::string& conda, const std::vector<Shell>& shells, const ShellPlaces& places) const;
    std::vector<ShellChange> init_conda(const std::string& asked, const std::string& prefix, const std::string& root,
                                        const std::vector<Shell>& shells, InstallFacts& facts) const;
    static std::string without_conda(const std::string& prefix);
    void say_what_next(const std::string& prefix, const std::vector<ShellChange>& shells) const;
    static std::string name_for_conda(const std::string& prefix);
    Result<int> extract();

    // upkeep.cpp
    Result<int> verify_only();
    Result<int> integrity() const;
    Result<int> repair() const;
    Result<int> remove();
    std::vector<ShellChange> undo_conda_init(const std::string& root) const;

    std::optional<RunFile> run_; // nothing exactly when installed_ is there
    Manifest manifest_;
    RunOptions options_;
    std::optional<InstalledState> installed_;
    const std::atomic<bool>& interrupted_;
};

} // namespace tinderbox
