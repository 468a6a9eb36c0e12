// The stages of an installation, top to bottom:
//
//   1. where        a new prefix, an existing directory, a conda that gets envs/NAME, or one to go on with
//                   (decided by runtime/place)
//   2. extract      into the staging directory, relocated for the final prefix            (runtime/io)
//   3. commit       everything durable, then renamed; now the prefix exists and is whole  (staging)
//   4. bytecode     of sources that could not be compiled at build time
//   5. scripts      the packages' own
//   6. registered   conda's list of environments
//
// 2 and 3 happen at most once. 4 – 6 are repeated until the state file says they are done.
#include "runtime/install/install.hpp"

#include "common/base/guarded.hpp"
#include "common/base/stopwatch.hpp"
#include "runtime/install/bytecode.hpp"
#include "runtime/install/control_files.hpp"
#include "runtime/install/extract_options.hpp"
#include "runtime/install/limits.hpp"
#include "runtime/install/registry.hpp"
#include "runtime/install/replace.hpp"
#include "runtime/install/scripts.hpp"
#include "runtime/install/staging.hpp"
#include "runtime/install/sync_progress.hpp"
#include "runtime/install/umask.hpp"
#include "runtime/io/extract.hpp"
#include "runtime/place/control_files.hpp"
#include "runtime/place/trust.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

namespace tinderbox::install {
namespace {

using place::InstallStage;

class Installation {
  public:
    Installation(const format::RunFile& run, const format::Manifest& manifest, const place::Decision& decision,
                 const InstallOptions& options)
        : run_(run), manifest_(manifest), decision_(decision), layout_(decision.layout), root_(layout_.root),
          options_(options), watch_(summary_.seconds), replacement_(decision),
          prefixes_(layout_.prefixes()), header_{decision.manifest_sha256, root_.string(), options.private_modes,
                                                 layout_.parts.installed()},
          mode_mask_(options.private_modes ? 0700 : 0777) {
        summary_.prefix = layout_.environment;
    }
    Result<InstallSummary> install();

  private:
    Status check_root() const;
    Status files();
    Status settle_replacement();
    Status extract_into(Staging& staging, const io::WritePlan& plan);
    Result<std::vector<format::InstalledFile>> files_of_earlier(const place::OpenTree& old,
                                                                const io::WritePlan& plan) const;
    Status check_conflicts(const Staging& staging, const io::WritePlan& plan) const;
    bool complete_up_to(const Staging& staging, const io::WritePlan& plan) const;
    Status finish_commit(Staging& staging);
    void tidy() const;
    Status bytecode();
    Status scripts();
    Status register_it();
    Status remaining_stages(InstallStage stage);
    void count(const io::WritePlan& plan);
    place::State committed() const { return {header_.manifest_sha256, InstallStage::files, header_.parts, root_}; }

    const format::RunFile& run_;
    const format::Manifest& manifest_;
    const place::Decision& decision_;
    const place::Layout& layout_;
    const fs::path& root_; // of the tree
    const InstallOptions& options_;
    InstallSummary summary_;
    Stopwatch watch_;
    Replacement replacement_;
    std::vector<std::string> prefixes_; // by prefix_index()
    place::JournalHeader header_;
    std::uint16_t mode_mask_;
    format::Table table_;
    place::OpenTree tree_; // open from the commit on
};

Result<InstallSummary> Installation::install() {
    TRY(check_root());
    TRY(replacement_.recover());
    if (decision_.refusal) return decision_.refusal->error();
    TRY_ASSIGN(format::Table whole, run_.table());
    TRY_ASSIGN(table_, place::select(std::move(whole), layout_.parts));
    InstallStage stage = InstallStage::files;
    if (decision_.reached) {
        stage = decision_.reached->stage;
        summary_.resumed = stage < InstallStage::registered;
        summary_.already_complete = !summary_.resumed;
    } else {
        TRY(files());
    }
    if (decision_.extract_only) return std::move(summary_);
    TRY(remaining_stages(stage));
    TRY(settle_replacement());
    return std::move(summary_);
}

// The environment that was there goes when the new one is complete, and comes back when a script failed.
Status Installation::settle_replacement() {
    if (!replacement_.pending()) return {};
    if (!summary_.script_failure) {
        TRY_ASSIGN(Directory root, place::open_root(root_, decision_.trust, place::Access::write));
        TRY_ASSIGN(Replacement::Finished finished,
                   replacement_.finish(root, decision_.purge, options_.keep, options_, options_.faults));
        summary_.carried_over = std::move(finished.carried_over);
        summary_.generation = finished.generation;
        watch_.lap("carried over");
        return {};
    }
    TRY(replacement_.undo(options_));
    return Error{ErrorKind::script, summary_.script_failure->message + "; the environment that was there is back"};
}

// The journal and the list of installed files hold the root as one line.
Status Installation::check_root() const {
    const bool resolved = root_.is_absolute() && root_ == root_.lexically_normal() && root_.has_filename();
    if (!resolved || std::ranges::any_of(root_.native(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
        return make_error(ErrorKind::bug, "the prefix '{}' is not an absolute, normal path", root_.string());
    return {};
}

Status Installation::files() {
    const Umask umask(exact_modes);
    TRY_ASSIGN(io::WritePlan plan, io::make_write_plan(table_, layout_.root_paths()));
    TRY(check_limits(table_, layout_));
    TRY_ASSIGN(const auto refusal, refuse_carry_over(decision_, table_, plan, options_));
    if (refusal) return refusal->error();
    if (decision_.staging == place::StagingKind::replace) watch_.lap("compare");
    TRY_ASSIGN(Staging staging, Staging::open(decision_, header_));
    Status status;
    if (!staging.merging()) {
        if (staging.inside()) status = check_conflicts(staging, plan);
        if (status.ok()) status = extract_into(staging, plan);
    }
    const bool replaces = decision_.staging == place::StagingKind::replace;
    const SyncProgress syncing(options_);
    if (status.ok()) status = staging.commit(options_.sync, options_.faults, replaces ? &replacement_ : nullptr);
    if (status.ok()) status = finish_commit(staging);
    if (!status.ok()) {
        // A staging tree is kept only for a run that can go on with it.
        bool resumable = status.error().kind == ErrorKind::interrupted && staging.recorded();
        if (!resumable) staging.discard();
        return status;
    }
    watch_.lap("commit");
    count(plan);
    return {};
}

Status Installation::check_conflicts(const Staging& staging, const io::WritePlan& plan) const {
    std::vector<std::string> files, directories;
    for (const format::Destination& d : table_.destinations)
        if (d.kind != format::EntryKind::directory) files.push_back(plan.path_of(d));
    for (const io::PlannedDirectory& directory : plan.directories) directories.push_back(directory.path);
    const std::string conflict = staging.first_conflict(files, directories);
    if (conflict.empty()) return {};
    return make_error(ErrorKind::storage,
                      "'{}' is there already and would be replaced; move it away, or choose another prefix with -p",
                      (root_ / conflict).string());
}

// An earlier run's files are believed when each has its size; otherwise everything is written again.
bool Installation::complete_up_to(const Staging& staging, const io::WritePlan& plan) const {
    std::uint64_t tasks = staging.found()->tasks;
    if (tasks > plan.tasks.size()) return false;
    std::vector<bool> done(table_.blocks.size()), linked(table_.destinations.size());
    for (const io::HardLink& link : plan.hard_links) linked[link.destination] = true;
    for (std::size_t i = 0; i < tasks; ++i)
        if (plan.tasks[i].block != io::none) done[plan.tasks[i].block] = true;
    for (std::size_t i = 0; i < table_.destinations.size(); ++i) {
        const format::Destination& d = table_.destinations[i];
        if (d.kind != format::EntryKind::file || linked[i]) continue;
        const format::Content& content = table_.contents[d.content];
        std::uint32_t count = format::block_count(table_, content);
        bool whole = count > 0 && content.relocs.empty();
        bool begun = whole && done[content.block];
        for (std::uint32_t b = content.block; whole && b < content.block + count; ++b) whole = done[b];
        if (!whole && !begun) continue;
        struct stat st;
        if (staging.tree().look(plan.path_of(d), st) != 0 || !S_ISREG(st.st_mode)) return false;
        if (whole && static_cast<std::uint64_t>(st.st_size) != content.size) return false;
    }
    return true;
}

// What an update takes over, as the list of the environment that is there has it.
Result<std::vector<format::InstalledFile>> Installation::files_of_earlier(const place::OpenTree& old,
                                                                          const io::WritePlan& plan) const {
    TRY_ASSIGN(const auto rows, read_installed_list(old.control));
    std::map<std::string_view, const InstalledRow*> by_path;
    for (const InstalledRow& row : rows)
        if (row.kind == 'f') by_path.emplace(row.path, &row);
    std::vector<format::InstalledFile> out(table_.destinations.size());
    for (std::uint32_t d : plan.inherited) {
        const std::string path = plan.path_of(table_.destinations[d]);
        const auto found = by_path.find(path);
        if (found == by_path.end())
            return make_error(ErrorKind::storage, "'{}' is not in the list of installed files",
                              (root_ / path).string());
        out[d] = {found->second->sha256, found->second->size};
    }
    return out;
}

Status Installation::extract_into(Staging& staging, const io::WritePlan& plan) {
    bool resume = staging.found().has_value();
    if (resume && !complete_up_to(staging, plan)) {
        TRY(staging.start_over());
        resume = false;
    }
    summary_.resumed = resume;
    TRY_ASSIGN(Fd root, staging.tree().duplicate());
    TRY_ASSIGN(auto directories, io::Directories::make(std::move(root), staging.tree().path().string(),
                                                       plan.directories, resume, options_.faults));
    io::ExtractOptions extract = extract_options(options_, prefixes_, mode_mask_);
    extract.resume = resume;
    extract.done_tasks = resume ? staging.found()->tasks : 0;
    extract.epoch_seconds = options_.epoch_seconds;
    extract.epoch_bytes = options_.epoch_bytes;
    extract.journal_after = options_.journal_after;
    std::vector<format::InstalledFile> earlier;
    std::optional<place::OpenTree> old;
    std::optional<io::Inheritance> inheritance;
    if (decision_.earlier) {
        TRY_ASSIGN(old, place::open_tree(root_, decision_.trust, place::Access::write));
        TRY_ASSIGN(earlier, files_of_earlier(*old, plan));
        extract.inheritance = &inheritance.emplace(io::Inheritance{old->root, earlier});
    }
    extract.record = [&](std::uint64_t tasks) { return staging.record_tasks(tasks, options_.faults); };
    TRY_ASSIGN(io::Extracted extracted, io::extract(run_, table_, plan, directories, extract));
    summary_.io = extracted.description;
    watch_.lap("extract");
    if (decision_.extract_only) return {};
    TRY(write_control_files(staging.control(), run_,
                            installed_rows(table_, plan, extracted.installed, prefixes_, mode_mask_)));
    // Beside the prefix, the rename commits state and files at once.
    if (staging.inside()) return {};
    return staging.control().write_atomically(place::control::state, place::state_text(committed()));
}

// The prefix is whole. Only tidying is left; after a crash here the next run does it.
Status Installation::finish_commit(Staging& staging) {
    if (decision_.extract_only) {
        if (staging.inside()) return remove_control(staging.root());
        (void)::fchmod(staging.tree().fd(), 0755 & mode_mask_);
        return staging.tree().remove_tree(place::control_directory);
    }
    if (staging.inside())
        TRY(staging.control().write_atomically(place::control::state, place::state_text(committed())));
    return {};
}

void Installation::count(const io::WritePlan& plan) {
    for (const format::Destination& d : table_.destinations) {
        if (d.kind == format::EntryKind::symlink) ++summary_.symlinks;
        if (d.kind != format::EntryKind::file) continue;
        ++summary_.files;
        summary_.bytes += table_.contents[d.content].size;
    }
    for (const io::HardLink& link : plan.hard_links)
        summary_.bytes -= table_.contents[table_.destinations[link.destination].content].size;
    summary_.directories = plan.directories.size() - 1;
    summary_.inherited = plan.inherited.size();
}

Status Installation::remaining_stages(InstallStage stage) {
    if (stage >= InstallStage::registered) return {};
    TRY_ASSIGN(tree_, place::open_tree(root_, decision_.trust, place::Access::write));
    std::optional<Umask> umask(umask_of_programs(options_.private_modes));
    if (stage == InstallStage::files) tidy();
    if (stage < InstallStage::bytecode) TRY(bytecode());
    if (stage < InstallStage::scripts) {
        TRY(scripts());
        if (summary_.script_failure) return {};
    }
    umask.reset(); // what is registered lies in the user's home
    return register_it();
}

// What the commit left to do.
void Installation::tidy() const {
    const Directory& control = tree_.control;
    // A staging directory was 0700; with an existing directory the mode is its owner's business.
    if (control.exists(place::control::journal) && !control.exists(place::control::stage))
        (void)::fchmod(tree_.root.fd(), 0755 & mode_mask_);
    (void)::fchmod(control.fd(), 0755 & mode_mask_);
    (void)control.remove_tree(place::control::stage);
    (void)control.unlink(place::control::journal);
}

Status Installation::bytecode() {
    if (!options_.compile_bytecode) return {};
    std::vector<std::string> made; // below root_
    bool any = false;
    for (format::Root root : layout_.roots()) {
        auto sources = sources_to_compile(manifest_, table_, root);
        if (sources.empty()) continue;
        any = true;
        const fs::path& prefix = layout_.prefix(root);
        Compiled compiled = compile_sources(prefix, *python_of(manifest_, root), sources, options_);
        if (!compiled.problem.empty())
            summary_.warnings.push_back(
                fmt::format("bytecode was not compiled: {}; Python will do it at the first import", compiled.problem));
        for (const std::string& file : compiled.files)
            made.push_back((prefix / file).lexically_relative(root_).string());
    }
    if (!any) return {};
    summary_.bytecode_files = made.size();
    TRY(record_bytecode(tree_.root, made));
    TRY(place::record_stage(root_, InstallStage::bytecode));
    watch_.lap("bytecode");
    return {};
}

Status Installation::scripts() {
    const std::vector<Script> scripts =
        scripts_of(manifest_, layout_, {fs::absolute(run_.path()).string(), options_.unattended});
    if (scripts.empty()) return {};
    if (options_.skip_scripts) {
        summary_.warnings.push_back(fmt::format("{} scripts were skipped (-s)", scripts.size()));
    } else {
        Status status = run_scripts(scripts, tree_.control, options_);
        for (std::string& message : collect_messages(layout_)) summary_.warnings.push_back(std::move(message));
        watch_.lap("scripts");
        if (!status.ok() && status.error().kind == ErrorKind::script) {
            summary_.script_failure = status.error();
            return {};
        }
        TRY(std::move(status));
    }
    return place::record_stage(root_, InstallStage::scripts);
}

Status Installation::register_it() {
    for (const fs::path& prefix : prefixes_to_register(manifest_, layout_)) {
        if (!options_.register_environment) break;
        auto registered = register_environment(prefix);
        if (!registered.ok())
            summary_.warnings.push_back(
                fmt::format("conda will not list this environment: {}", registered.error().message));
    }
    TRY(place::record_stage(root_, InstallStage::registered));
    watch_.lap("registered");
    return {};
}

} // namespace

Result<InstallSummary> install(const format::RunFile& run, const format::Manifest& manifest,
                               const place::Decision& decision, const InstallOptions& options) {
    return guarded(
        [&]() -> Result<InstallSummary> { return Installation(run, manifest, decision, options).install(); });
}

} // namespace tinderbox::install
