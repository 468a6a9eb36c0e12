// One run of a NAME.run, or of the stub in an installed prefix: carries out the options, from the first check of the
// machine to the report. main() makes one and turns its result into an exit code.
//
//   session.cpp      which prefix is meant, preflight
//   report.cpp       the report: shown, kept, written where --report says
//   contents.cpp     --list, --info, --license, --verify-file: the contents of the file
//   describe.cpp     --describe: the machine, and the contents of a prefix
//   install.cpp      installing and --extract, and the questions on the way
//   generations.cpp  --generations, --rollback: environments that were there before
//   upkeep.cpp       --verify-only, --integrity, --repair, --uninstall: an installed prefix
#pragma once

#include "common/base/standard_output.hpp"
#include "common/base/terminal.hpp"
#include "common/format/run_file.hpp"
#include "runtime/install/install.hpp"
#include "runtime/install/shell_init.hpp"
#include "runtime/preflight/preflight.hpp"
#include "runtime/ui/options.hpp"
#include "runtime/ui/report.hpp"
#include "runtime/verify/summary.hpp"

#include <unistd.h>

namespace tinderbox::session {

class Session {
  public:
    // `interrupted` is set by a signal handler and outlives the session.
    Session(format::RunFile run, format::Manifest manifest, ui::RunOptions options,
            const std::atomic<bool>& interrupted);
    // Started as PREFIX/.tinderbox/stub, without the .run: only the commands that need no .run.
    Session(place::InstalledEnvironment installed, ui::RunOptions options, const std::atomic<bool>& interrupted);

    Result<int> go(); // the exit code

  private:
    Terminal& terminal() const { return Terminal::get(); }
    const format::RunFile& run() const { return *run_; }
    std::string manifest_sha256() const;
    // As in constructor's installers, without -b and without a terminal nobody can answer, which counts as -b.
    bool interactive() const { return !options_.batch && (options_.ask || ::isatty(0) == 1); }

    // session.cpp
    Result<std::string> prefix_from(std::string_view written) const;
    install::TreeWork tree_work() const; // the threads, and a progress line
    install::InstallOptions install_options() const;
    Error ended(Error error) const;
    // Decides by the options for this prefix. Each command decides once, and passes the decision on.
    place::Decision decide(const std::string& prefix, bool extract_only = false) const;
    place::Trust trust() const { return place::Trust::now(options_.allow_shared); }
    Result<place::Installed> find_installed(place::Access access) const;
    Status become_owner() const;
    bool names_collide() const;
    std::string probe_name() const; // "" = this installer carries none
    Result<Bytes> probe_program() const;
    preflight::Preflight preflight(const place::Decision& decision, bool installed = false) const;
    Result<int> check();
    verify::Verification verify(const std::string& prefix, const machine::GpuVerdict& verdict) const;
    void show_problems(const std::vector<machine::Finding>& findings) const;

    // report.cpp
    Status check_report_place() const;
    machine::HostFacts host_facts() const;
    void say(std::string_view sentence) const;
    void say_failures(const verify::ReportFacts& in) const;
    void keep_report(const verify::ReportFacts& in, const std::string& prefix, const std::string& page,
                     const nlohmann::json& value) const;
    Status write_report(const verify::ReportFacts& in, const std::string& page, const nlohmann::json& value) const;
    verify::ReportFacts facts_for(verify::ReportMode mode, const std::string& prefix,
                                  const preflight::Preflight* preflight,
                                  const verify::InstallFacts* installed = nullptr,
                                  const verify::Verification* verification = nullptr) const;
    Result<int> report(const verify::ReportFacts& in, const std::string& prefix, bool show = true) const;

    // contents.cpp
    Result<int> list() const;
    Result<int> info() const;
    Result<std::string> license_texts() const;
    Result<int> license() const;
    Result<int> verify_file() const;
    std::string package_summary() const;

    // describe.cpp
    Result<int> describe() const;

    // install.cpp
    Result<std::string> choose_prefix() const;
    static verify::InstallFacts facts_of(const install::InstallSummary& summary);
    Result<int> install_all();
    Result<std::vector<install::Shell>> shells_to_init() const;
    bool wants_conda_init(const std::string& conda, const std::vector<install::Shell>& shells,
                          const install::ShellPlaces& places) const;
    std::vector<install::ShellChange> init_conda(const std::string& asked, const place::Layout& layout,
                                                 const std::vector<install::Shell>& shells,
                                                 verify::InstallFacts& facts) const;
    static std::string without_conda(const std::string& prefix);
    std::vector<std::string> included_paths(const place::Layout& layout) const;
    static std::string name_for_conda(const std::string& prefix);
    Result<int> extract();

    // upkeep.cpp
    Result<int> verify_only();
    Result<int> integrity() const;
    Result<int> repair() const;
    Result<int> remove();
    std::vector<install::ShellChange> undo_conda_init(const std::string& root) const;

    // generations.cpp
    Result<fs::path> installed_root() const;
    Result<int> generations() const;
    Result<int> rollback() const;

    std::optional<format::RunFile> run_; // nothing exactly when installed_ is there
    format::Manifest manifest_;
    ui::RunOptions options_;
    std::optional<place::InstalledEnvironment> installed_;
    const std::atomic<bool>& interrupted_;
};

} // namespace tinderbox::session
