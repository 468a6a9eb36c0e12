// The stages of an installation, top to bottom:
//
//   1. where        a new prefix, an existing directory, a conda that gets envs/NAME, or one to go on with    (place)
//   2. extract      into the staging directory, relocated for the final prefix            (runtime/io)
//   3. commit       everything durable, then renamed; now the prefix exists and is whole  (staging)
//   4. bytecode     what could not be compiled at build time
//   5. scripts      the packages' own
//   6. registered   conda's list of environments
//
// 2 and 3 happen at most once. 4 – 6 are repeated until the state file says they are done.
#include "runtime/install/installer.hpp"

#include "common/base/parallel.hpp"
#include "common/base/text.hpp"
#include "runtime/install/finish.hpp"
#include "runtime/install/place.hpp"
#include "runtime/install/records.hpp"
#include "runtime/install/replace.hpp"
#include "runtime/install/staging.hpp"
#include "runtime/io/extract.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace tinderbox {
namespace {

class Stopwatch {
  public:
    explicit Stopwatch(InstallSummary& summary) : summary_(summary) {}
    void lap(std::string stage) {
        auto now = std::chrono::steady_clock::now();
        summary_.seconds.emplace_back(std::move(stage), std::chrono::duration<double>(now - last_).count());
        last_ = now;
    }

  private:
    InstallSummary& summary_;
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// Directories are made with exact modes. Only while files are written: the packages' scripts get the caller's umask.
class NoUmask {
  public:
    NoUmask() : before_(::umask(0)) {}
    ~NoUmask() { ::umask(before_); }
    NoUmask(const NoUmask&) = delete;

  private:
    mode_t before_;
};

bool is_environment(const fs::path& directory) {
    std::error_code ec;
    return fs::exists(directory / "conda-meta", ec) || fs::exists(directory / control_name / "state", ec);
}

// The files' room for the prefix they go to; nullopt: no limit.
struct PrefixLimit {
    std::size_t longest = SIZE_MAX;
    std::string because;
};
PrefixLimit limit_of(const Table& table, Root root) {
    PrefixLimit out;
    for (const Destination& d : table.destinations) {
        if (d.root != root || d.kind != EntryKind::file) continue;
        for (const Reloc& reloc : table.contents[d.content].relocs)
            if (reloc.kind == RelocKind::cstring && reloc.text.size() < out.longest) out = {reloc.text.size(), d.path};
    }
    return out;
}

class Installation {
  public:
    Installation(const RunFile& run, const Manifest& manifest, InstallOptions options)
        : run_(run), manifest_(manifest), options_(std::move(options)), watch_(summary_) {
        options_.manifest_sha256 = to_hex(run.manifest_sha256());
        place_ = install_place(manifest, options_);
        summary_.prefix = place_.environment;
        root_ = place_.root;
        prefixes_ = place_.prefixes();
        header_ = {options_.manifest_sha256, root_.string(), options_.private_modes, place_.selection.text()};
        mode_mask_ = options_.private_modes ? 0700 : 0777;
        replacement_.emplace(root_, Staging::stage_beside(root_, header_));
    }
    Result<InstallSummary> install();

  private:
    Status check_prefix() const;
    Result<bool> goes_inside() const;
    Result<bool> replaces() const;
    Error occupied() const;
    Status check_limits() const;
    Status files(bool replacing);
    Status extract_into(Staging& staging, const io::Plan& plan);
    Status check_conflicts(const io::Plan& plan) const;
    bool complete_up_to(const Staging& staging, const io::Plan& plan) const;
    Status finish_commit(Staging& staging);
    Status bytecode();
    Status record_bytecode(const std::vector<std::string>& files) const;
    Status scripts();
    Status register_it();
    Status remaining_stages(InstallStage stage);
    void count(const io::Plan& plan);

    const RunFile& run_;
    const Manifest& manifest_;
    InstallOptions options_;
    InstallSummary summary_;
    Stopwatch watch_;
    InstallPlace place_;
    fs::path root_; // of the tree
    std::optional<Replacement> replacement_;
    std::vector<std::string> prefixes_; // by prefix_index()
    JournalHeader header_;
    std::uint16_t mode_mask_;
    Table table_;
};

Result<InstallSummary> Installation::install() {
    TRY(check_prefix());
    TRY_ASSIGN(auto before, read_state(root_));
    TRY(replacement_->recover(before && before->manifest_sha256 == header_.manifest_sha256));
    TRY_ASSIGN(auto state, read_state(root_));
    TRY_ASSIGN(Table whole, run_.table());
    TRY_ASSIGN(table_, io::select(std::move(whole), place_.selection));
    InstallStage stage = InstallStage::files;
    if (state && state->manifest_sha256 == header_.manifest_sha256 && !options_.extract_only) {
        stage = state->stage;
        summary_.resumed = stage < InstallStage::registered;
        summary_.already_complete = !summary_.resumed;
    } else {
        TRY_ASSIGN(bool replacing, replaces());
        if (state && !replacing) {
            if (options_.extract_only)
                return make_error(ErrorKind::storage, "'{}' holds an environment; choose another directory",
                                  root_.string());
            if (!place_.conda.empty()) return occupied();
            return make_error(ErrorKind::storage,
                              "'{}' holds another environment ({}); choose another prefix with -p, or replace it with "
                              "--replace",
                              root_.string(), state->manifest.name);
        }
        TRY(files(replacing));
    }
    if (!options_.extract_only) {
        TRY(remaining_stages(stage));
        if (replacement_->pending()) {
            if (summary_.script_failure) {
                TRY(replacement_->undo());
                return Error{ErrorKind::script,
                             summary_.script_failure->message + "; the environment that was there is back"};
            }
            TRY(replacement_->finish());
        }
    }
    return std::move(summary_);
}

// --replace and something to replace. A conda is none: its other environments would go with it.
Result<bool> Installation::replaces() const {
    if (!options_.replace || options_.extract_only || !is_environment(root_)) return false;
    if (place_.selection.base || is_conda_root(root_))
        return make_error(ErrorKind::storage,
                          "--replace replaces an environment, and '{}' is a whole conda; add -u to put the environment "
                          "into it, or choose another prefix with -p",
                          root_.string());
    return true;
}

Error Installation::occupied() const {
    return make_error(ErrorKind::storage,
                      "'{}' is there already: the conda in '{}' has an environment '{}'; replace it with --replace, or "
                      "build this one with another --name",
                      root_.string(), place_.conda.string(), manifest_.env_name);
}

Status Installation::check_limits() const {
    for (Root root : place_.roots())
        if (PrefixLimit limit = limit_of(table_, root); prefixes_[prefix_index(root)].size() > limit.longest)
            return make_error(ErrorKind::usage,
                              "the prefix '{}' has {} bytes, the files of this environment have room for {} ('{}'); "
                              "choose a shorter one with -p",
                              prefixes_[prefix_index(root)], prefixes_[prefix_index(root)].size(), limit.longest,
                              limit.because);
    return {};
}

Status Installation::check_prefix() const {
    const std::string& prefix = prefixes_[0];
    if (!options_.prefix.is_absolute() || options_.prefix != options_.prefix.lexically_normal() ||
        !options_.prefix.has_filename())
        return make_error(ErrorKind::bug, "the prefix '{}' is not an absolute, normal path", options_.prefix.string());
    if (std::ranges::any_of(prefix, [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
        return make_error(ErrorKind::usage, "the prefix holds a control character; choose another one with -p");
    return {};
}

// Whether files go into a directory that exists. Kind storage: it may not be used.
Result<bool> Installation::goes_inside() const {
    struct stat st;
    if (::stat(root_.c_str(), &st) != 0) {
        if (errno == ENOENT && ::lstat(root_.c_str(), &st) != 0) return false;
        return errno_error(fmt::format("cannot use '{}'", root_.string()), errno);
    }
    if (!S_ISDIR(st.st_mode))
        return make_error(ErrorKind::storage, "'{}' exists and is not a directory; choose another prefix with -p",
                          root_.string());
    auto journal = Journal::read(root_ / control_name / "journal");
    if ((options_.allow_existing && place_.conda.empty()) || (journal && journal->header == header_)) return true;
    std::error_code ec;
    for (fs::directory_iterator it(root_, ec), end; !ec && it != end; it.increment(ec))
        if (it->path().filename() != control_name && it->path().filename() != "lost+found")
            return !place_.conda.empty() ? occupied()
                                         : make_error(ErrorKind::storage,
                                                      "'{}' exists and is not empty; choose another prefix with -p, or "
                                                      "add -u to install into it",
                                                      root_.string());
    if (ec) return errno_error(fmt::format("cannot read '{}'", root_.string()), ec.value());
    return true;
}

Status Installation::files(bool replacing) {
    NoUmask no_umask;
    TRY_ASSIGN(io::Plan plan, io::make_plan(table_, place_.root_paths()));
    TRY(check_limits());
    bool inside = false;
    if (!replacing) {
        TRY_ASSIGN(inside, goes_inside());
    }
    TRY_ASSIGN(Staging staging, Staging::open(root_, inside, header_));
    Status status;
    if (!staging.merging()) {
        if (inside) status = check_conflicts(plan);
        if (status.ok()) status = extract_into(staging, plan);
    }
    if (status.ok()) status = staging.commit(options_.sync, options_.faults, replacing ? &*replacement_ : nullptr);
    if (status.ok()) status = finish_commit(staging);
    if (!status.ok()) {
        // What cannot be gone on with is not left lying around.
        bool resumable = status.error().kind == ErrorKind::interrupted && staging.recorded();
        if (!resumable) staging.discard();
        return status;
    }
    watch_.lap("commit");
    count(plan);
    return {};
}

Status Installation::check_conflicts(const io::Plan& plan) const {
    std::vector<std::string> files, directories;
    for (const Destination& d : table_.destinations)
        if (d.kind != EntryKind::directory) files.push_back(plan.path_of(d));
    for (const io::PlannedDirectory& directory : plan.directories) directories.push_back(directory.path);
    std::string conflict = first_conflict(root_, files, directories);
    if (conflict.empty()) return {};
    return make_error(ErrorKind::storage,
                      "'{}' is there already and would be replaced; move it away, or choose another prefix with -p",
                      (root_ / conflict).string());
}

// An earlier run's files are believed when each has its size; otherwise everything is written again.
bool Installation::complete_up_to(const Staging& staging, const io::Plan& plan) const {
    std::uint64_t tasks = staging.found()->tasks;
    if (tasks > plan.tasks.size()) return false;
    std::vector<bool> done(table_.blocks.size()), linked(table_.destinations.size());
    for (const io::HardLink& link : plan.hard_links) linked[link.destination] = true;
    for (std::size_t i = 0; i < tasks; ++i)
        if (plan.tasks[i].block != io::none) done[plan.tasks[i].block] = true;
    for (std::size_t i = 0; i < table_.destinations.size(); ++i) {
        const Destination& d = table_.destinations[i];
        if (d.kind != EntryKind::file || linked[i]) continue;
        const Content& content = table_.contents[d.content];
        std::uint32_t count = block_count(table_, content);
        bool whole = count > 0 && content.relocs.empty();
        bool begun = whole && done[content.block];
        for (std::uint32_t b = content.block; whole && b < content.block + count; ++b) whole = done[b];
        if (!whole && !begun) continue;
        struct stat st;
        if (::lstat((staging.tree() / plan.path_of(d)).c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return false;
        if (whole && static_cast<std::uint64_t>(st.st_size) != content.size) return false;
    }
    return true;
}

Status Installation::extract_into(Staging& staging, const io::Plan& plan) {
    bool resume = staging.found().has_value();
    if (resume && !complete_up_to(staging, plan)) {
        TRY(staging.start_over());
        resume = false;
    }
    summary_.resumed = resume;
    TRY_ASSIGN(Fd root, open_file(staging.tree(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY_ASSIGN(auto directories, io::Directories::make(std::move(root), staging.tree().string(), plan.directories,
                                                       resume, options_.faults));
    io::ExtractOptions extract = extract_options(options_, prefixes_, mode_mask_);
    extract.resume = resume;
    extract.done_tasks = resume ? staging.found()->tasks : 0;
    extract.epoch_seconds = options_.epoch_seconds;
    extract.epoch_bytes = options_.epoch_bytes;
    extract.journal_after = options_.journal_after;
    extract.record = [&](std::uint64_t tasks) { return staging.record_tasks(tasks, options_.faults); };
    TRY_ASSIGN(io::Extracted extracted, io::extract(run_, table_, plan, directories, extract));
    summary_.io = extracted.description;
    watch_.lap("extract");
    if (options_.extract_only) return {};
    TRY(write_control_files(staging.control(), run_,
                            installed_rows(table_, plan, extracted.installed, prefixes_, mode_mask_)));
    // Beside the prefix, the rename commits state and files at once.
    if (staging.inside()) return {};
    return write_atomically(staging.control() / "state",
                            state_text({header_.manifest_sha256, InstallStage::files, header_.parts}));
}

// The prefix is whole. What is left is tidying: after a crash here the next run does it.
Status Installation::finish_commit(Staging& staging) {
    const fs::path control = root_ / control_name;
    if (options_.extract_only) {
        if (!staging.inside()) (void)::chmod(root_.c_str(), 0755 & mode_mask_);
        return remove_tree(control);
    }
    if (staging.inside())
        TRY(write_atomically(control / "state",
                             state_text({header_.manifest_sha256, InstallStage::files, header_.parts})));
    return {};
}

void Installation::count(const io::Plan& plan) {
    for (const Destination& d : table_.destinations) {
        if (d.kind == EntryKind::symlink) ++summary_.symlinks;
        if (d.kind != EntryKind::file) continue;
        ++summary_.files;
        summary_.bytes += table_.contents[d.content].size;
    }
    for (const io::HardLink& link : plan.hard_links)
        summary_.bytes -= table_.contents[table_.destinations[link.destination].content].size;
    summary_.directories = plan.directories.size() - 1;
}

Status Installation::remaining_stages(InstallStage stage) {
    const fs::path control = root_ / control_name;
    std::error_code ec;
    if (stage == InstallStage::files) {
        // A staging directory was 0700; with an existing directory the mode is its owner's business.
        if (fs::exists(control / "journal", ec) && !fs::exists(control / "stage", ec))
            (void)::chmod(root_.c_str(), 0755 & mode_mask_);
        (void)::chmod(control.c_str(), 0755 & mode_mask_);
        fs::remove_all(control / "stage", ec);
        ::unlink((control / "journal").c_str());
    }
    if (stage < InstallStage::bytecode) TRY(bytecode());
    if (stage < InstallStage::scripts) {
        TRY(scripts());
        if (summary_.script_failure) return {};
    }
    if (stage < InstallStage::registered) TRY(register_it());
    return {};
}

Status Installation::bytecode() {
    if (!options_.compile_bytecode) return {};
    std::vector<std::string> made; // below root_
    bool any = false;
    for (Root root : place_.roots()) {
        auto sources = sources_to_compile(manifest_, table_, root);
        if (sources.empty()) continue;
        any = true;
        auto progress = [&](std::uint64_t done) {
            if (options_.progress) options_.progress({"bytecode", done, sources.size()});
        };
        const fs::path& prefix = place_.prefix(root);
        Compiled compiled = compile_sources(prefix, *python_of(manifest_, root), sources, options_.jobs, progress);
        if (!compiled.problem.empty())
            summary_.warnings.push_back(
                fmt::format("bytecode was not compiled: {}; Python will do it at the first import", compiled.problem));
        for (const std::string& file : compiled.files)
            made.push_back((prefix / file).lexically_relative(root_).string());
    }
    if (!any) return {};
    summary_.bytecode_files = made.size();
    TRY(record_bytecode(made));
    TRY(record_stage(root_, InstallStage::bytecode));
    watch_.lap("bytecode");
    return {};
}

Status Installation::record_bytecode(const std::vector<std::string>& files) const {
    fs::path list = root_ / control_name / "installed";
    TRY_ASSIGN(std::string text, read_text(list));
    TRY_ASSIGN(auto rows, parse_installed(text));
    std::vector<InstalledRow> made;
    for (const std::string& file : files) {
        fs::path path = root_ / file;
        struct stat st;
        auto bytes = read_bytes(path);
        if (!bytes.ok() || ::stat(path.c_str(), &st) != 0) continue;
        InstalledRow row;
        row.kind = 'c';
        row.sha256 = sha256(*bytes);
        row.size = bytes->size();
        row.mode = st.st_mode & 07777;
        row.path = file;
        made.push_back(std::move(row));
    }
    // A run that was interrupted here may have left rows; the directories that hold bytecode may be new.
    std::ranges::sort(made, {}, &InstalledRow::path);
    std::erase_if(rows, [&](const InstalledRow& row) {
        return std::ranges::binary_search(made, row.path, {}, &InstalledRow::path);
    });
    std::vector<std::string> directories;
    for (const InstalledRow& row : rows)
        if (row.kind == 'd') directories.push_back(row.path);
    std::ranges::sort(directories);
    for (std::size_t i = 0, count = made.size(); i < count; ++i) {
        std::string directory = fs::path(made[i].path).parent_path().string();
        auto at = std::ranges::lower_bound(directories, directory);
        if (at != directories.end() && *at == directory) continue;
        directories.insert(at, directory);
        struct stat st;
        if (::stat((root_ / directory).c_str(), &st) != 0) continue;
        made.push_back({.kind = 'd', .mode = st.st_mode & 07777u, .path = directory, .link = {}});
    }
    rows.insert(rows.end(), made.begin(), made.end());
    return write_atomically(list, installed_text(rows));
}

Status Installation::scripts() {
    const std::vector<Script> scripts =
        scripts_of(manifest_, place_, {fs::absolute(run_.path()).string(), options_.unattended});
    if (scripts.empty()) return {};
    if (options_.skip_scripts) {
        summary_.warnings.push_back(fmt::format("{} scripts were skipped (-s)", scripts.size()));
    } else {
        Status status = run_scripts(scripts, root_ / control_name, options_.interrupted);
        for (std::string& message : take_messages(place_)) summary_.warnings.push_back(std::move(message));
        watch_.lap("scripts");
        if (!status.ok() && status.error().kind == ErrorKind::script) {
            summary_.script_failure = status.error();
            return {};
        }
        TRY(std::move(status));
    }
    return record_stage(root_, InstallStage::scripts);
}

Status Installation::register_it() {
    std::vector<fs::path> prefixes; // in the order in which they were made
    if (place_.selection.base && manifest_.base_installer->registers) {
        prefixes = place_.further;
        prefixes.insert(prefixes.begin(), root_);
    }
    prefixes.push_back(place_.environment);
    for (const fs::path& prefix : prefixes) {
        if (!options_.register_environment) break;
        auto registered = register_environment(prefix);
        if (!registered.ok())
            summary_.warnings.push_back(
                fmt::format("conda will not list this environment: {}", registered.error().message));
    }
    TRY(record_stage(root_, InstallStage::registered));
    watch_.lap("registered");
    return {};
}

} // namespace

Result<InstallSummary> install(const RunFile& run, const Manifest& manifest, const InstallOptions& options) {
    try {
        return Installation(run, manifest, options).install();
    } catch (const std::bad_alloc&) {
        return make_error(ErrorKind::storage, "not enough memory to install; close other programs or use --jobs 1");
    } catch (const std::exception& error) {
        return make_error(ErrorKind::bug, "installing failed: {}", error.what());
    }
}

Result<InstallSummary> extract_to(const RunFile& run, const Manifest& manifest, const fs::path& directory,
                                  InstallOptions options) {
    options.prefix = directory;
    options.extract_only = true;
    options.allow_existing = false;
    return install(run, manifest, options);
}

} // namespace tinderbox
