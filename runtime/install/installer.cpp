// The stages of an installation, top to bottom:
//
//   1. where        a new prefix, an existing directory, a conda that gets envs/NAME, or one to go on with
//   2. extract      into the staging directory, relocated for the final prefix            (runtime/io)
//   3. commit       everything durable, then renamed; now the prefix exists and is whole  (staging)
//   4. bytecode     what could not be compiled at build time
//   5. scripts      the packages' own
//   6. registered   conda's list of environments
//
// 2 and 3 happen at most once. 4 – 6 are repeated until the state file says they are done.
#include "runtime/install/installer.hpp"

#include "common/base/parallel.hpp"
#include "runtime/install/finish.hpp"
#include "runtime/install/records.hpp"
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

bool ours(const fs::path& prefix) {
    std::error_code ec;
    return fs::exists(prefix / control_name, ec);
}

class Installation {
  public:
    Installation(const RunFile& run, const Manifest& manifest, const InstallOptions& options)
        : run_(run), manifest_(manifest), options_(options), watch_(summary_) {
        summary_.prefix = environment_prefix(manifest, options);
        // With a base the tree is the base with the environment inside; otherwise the environment alone.
        root_ = installed_root(manifest, options);
        env_path_ = manifest.base == "none" ? "" : "envs/" + manifest.env_name;
        prefixes_ = {summary_.prefix.string(), root_.string()};
        header_ = {to_hex(run.manifest_sha256()), root_.string(), options.private_modes};
        mode_mask_ = options.private_modes ? 0700 : 0777;
    }
    Result<InstallSummary> install();

  private:
    Status check_prefix() const;
    Result<bool> goes_inside() const;
    Status files();
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
    const InstallOptions& options_;
    InstallSummary summary_;
    Stopwatch watch_;
    fs::path root_;        // of the tree
    std::string env_path_; // of the environment in the tree
    std::array<std::string, 2> prefixes_;
    JournalHeader header_;
    std::uint16_t mode_mask_;
    Table table_;
};

Result<InstallSummary> Installation::install() {
    TRY(check_prefix());
    TRY_ASSIGN(auto state, read_state(root_));
    TRY_ASSIGN(table_, run_.table());
    InstallStage stage = InstallStage::files;
    if (state) {
        if (options_.extract_only)
            return make_error(ErrorKind::storage, "'{}' holds an environment; choose another directory", root_.string());
        if (state->manifest_sha256 != header_.manifest_sha256)
            return make_error(ErrorKind::storage, "'{}' holds another environment ({}); choose another prefix with -p",
                              root_.string(), state->manifest.name);
        stage = state->stage;
        summary_.resumed = stage < InstallStage::registered;
        summary_.already_complete = !summary_.resumed;
    } else {
        TRY(files());
    }
    if (!options_.extract_only) TRY(remaining_stages(stage));
    return std::move(summary_);
}

Status Installation::check_prefix() const {
    const std::string& prefix = prefixes_[0];
    if (!options_.prefix.is_absolute() || options_.prefix != options_.prefix.lexically_normal() || !options_.prefix.has_filename())
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
        return make_error(ErrorKind::storage, "'{}' exists and is not a directory; choose another prefix with -p", root_.string());
    auto journal = Journal::read(root_ / control_name / "journal");
    if (options_.allow_existing || (journal && journal->header == header_)) return true;
    std::error_code ec;
    for (fs::directory_iterator it(root_, ec), end; !ec && it != end; it.increment(ec))
        if (it->path().filename() != control_name && it->path().filename() != "lost+found")
            return make_error(ErrorKind::storage,
                              "'{}' exists and is not empty; choose another prefix with -p, or add -u to install into it",
                              root_.string());
    if (ec) return errno_error(fmt::format("cannot read '{}'", root_.string()), ec.value());
    return true;
}

Status Installation::files() {
    NoUmask no_umask;
    TRY_ASSIGN(io::Plan plan, io::make_plan(table_, env_path_));
    if (std::size_t longest = longest_prefix(table_); prefixes_[0].size() > longest)
        return make_error(ErrorKind::usage, "the prefix '{}' has {} bytes, the files of this environment have room for {}; "
                          "choose a shorter one with -p", prefixes_[0], prefixes_[0].size(), longest);
    TRY_ASSIGN(bool inside, goes_inside());
    TRY_ASSIGN(Staging staging, Staging::open(root_, inside, header_));
    Status status;
    if (!staging.merging()) {
        if (inside) status = check_conflicts(plan);
        if (status.ok()) status = extract_into(staging, plan);
    }
    if (status.ok()) status = staging.commit(options_.sync, options_.faults);
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
    return make_error(ErrorKind::storage, "'{}' is there already and would be replaced; move it away, or choose another prefix with -p",
                      (root_ / conflict).string());
}

// An earlier run's files are believed when each has its size; otherwise everything is written again.
bool Installation::complete_up_to(const Staging& staging, const io::Plan& plan) const {
    std::uint64_t tasks = staging.found()->tasks;
    if (tasks > plan.tasks.size()) return false;
    std::vector<bool> done(table_.blocks.size());
    for (std::size_t i = 0; i < tasks; ++i)
        if (plan.tasks[i].block != io::none) done[plan.tasks[i].block] = true;
    for (const Destination& d : table_.destinations) {
        if (d.kind != EntryKind::file) continue;
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
    TRY_ASSIGN(auto directories, io::Directories::make(std::move(root), staging.tree().string(), plan.directories, resume,
                                                       options_.faults));
    io::ExtractOptions extract;
    extract.jobs = options_.jobs;
    extract.no_uring = options_.no_uring;
    extract.no_direct = options_.no_direct;
    extract.mode_mask = mode_mask_;
    extract.prefixes = prefixes_;
    extract.resume = resume;
    extract.done_tasks = resume ? staging.found()->tasks : 0;
    extract.epoch_seconds = options_.epoch_seconds;
    extract.journal_after = options_.journal_after;
    extract.record = [&](std::uint64_t tasks) { return staging.record_tasks(tasks, options_.faults); };
    if (options_.progress)
        extract.progress = [&](std::uint64_t done, std::uint64_t total) { options_.progress({"extract", done, total}); };
    extract.interrupted = options_.interrupted;
    extract.faults = options_.faults;
    TRY_ASSIGN(io::Extracted extracted, io::extract(run_, table_, plan, directories, extract));
    summary_.io = extracted.description;
    watch_.lap("extract");
    if (options_.extract_only) return {};
    TRY(write_control_files(staging.control(), run_, installed_rows(table_, plan, extracted.installed, prefixes_, mode_mask_)));
    // Beside the prefix, the rename commits state and files at once.
    if (staging.inside()) return {};
    return write_atomically(staging.control() / "state", state_text({header_.manifest_sha256, InstallStage::files}));
}

// The prefix is whole. What is left is tidying: after a crash here the next run does it.
Status Installation::finish_commit(Staging& staging) {
    const fs::path control = root_ / control_name;
    if (options_.extract_only) {
        if (!staging.inside()) (void)::chmod(root_.c_str(), 0755 & mode_mask_);
        return remove_tree(control);
    }
    if (staging.inside())
        TRY(write_atomically(control / "state", state_text({header_.manifest_sha256, InstallStage::files})));
    return {};
}

void Installation::count(const io::Plan& plan) {
    for (const Destination& d : table_.destinations) {
        if (d.kind == EntryKind::symlink) ++summary_.symlinks;
        if (d.kind != EntryKind::file) continue;
        ++summary_.files;
        summary_.bytes += table_.contents[d.content].size;
    }
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
    auto sources = sources_to_compile(manifest_, table_);
    if (sources.empty()) return {};
    auto progress = [&](std::uint64_t done) {
        if (options_.progress) options_.progress({"bytecode", done, sources.size()});
    };
    Compiled compiled = compile_sources(summary_.prefix, manifest_, sources, options_.jobs, progress);
    if (!compiled.problem.empty())
        summary_.warnings.push_back(fmt::format("bytecode was not compiled: {}; Python will do it at the first import",
                                                compiled.problem));
    summary_.bytecode_files = compiled.files.size();
    TRY(record_bytecode(compiled.files));
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
        fs::path path = summary_.prefix / file;
        struct stat st;
        auto bytes = read_bytes(path);
        if (!bytes.ok() || ::stat(path.c_str(), &st) != 0) continue;
        InstalledRow row;
        row.kind = 'c';
        row.sha256 = sha256(*bytes);
        row.size = bytes->size();
        row.mode = st.st_mode & 07777;
        row.path = env_path_.empty() ? file : env_path_ + "/" + file;
        made.push_back(std::move(row));
    }
    // A run that was interrupted here may have left rows; the directories that hold bytecode may be new.
    std::ranges::sort(made, {}, &InstalledRow::path);
    std::erase_if(rows, [&](const InstalledRow& row) { return std::ranges::binary_search(made, row.path, {}, &InstalledRow::path); });
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
    if (manifest_.scripts.empty()) return {};
    if (options_.skip_scripts) {
        summary_.warnings.push_back(fmt::format("{} package scripts were skipped (-s)", manifest_.scripts.size()));
    } else {
        Status status = run_scripts(summary_.prefix, manifest_, root_ / control_name / "log", options_.interrupted);
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
    if (options_.register_environment) {
        auto registered = register_environment(summary_.prefix);
        if (!registered.ok())
            summary_.warnings.push_back(fmt::format("conda will not list this environment: {}", registered.error().message));
    }
    TRY(record_stage(root_, InstallStage::registered));
    watch_.lap("registered");
    return {};
}

} // namespace

bool is_conda_prefix(const fs::path& prefix) {
    std::error_code ec;
    return fs::is_directory(prefix / "conda-meta", ec) &&
           (fs::exists(prefix / "bin" / "conda", ec) || fs::exists(prefix / "condabin" / "conda", ec));
}

fs::path installed_root(const Manifest& manifest, const InstallOptions& options) {
    return manifest.base == "none" ? environment_prefix(manifest, options) : options.prefix;
}

fs::path environment_prefix(const Manifest& manifest, const InstallOptions& options) {
    if (manifest.base != "none") return options.prefix / "envs" / manifest.env_name;
    if (options.allow_existing && is_conda_prefix(options.prefix) && !ours(options.prefix))
        return options.prefix / "envs" / manifest.env_name;
    return options.prefix;
}

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
