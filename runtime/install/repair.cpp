#include "runtime/install/repair.hpp"

#include "common/base/guarded.hpp"
#include "common/base/shell_quote.hpp"
#include "common/base/stopwatch.hpp"
#include "common/format/bytecode_path.hpp"
#include "runtime/install/bytecode.hpp"
#include "runtime/install/control_files.hpp"
#include "runtime/install/extract_options.hpp"
#include "runtime/install/limits.hpp"
#include "runtime/install/lock.hpp"
#include "runtime/install/registry.hpp"
#include "runtime/install/rename.hpp"
#include "runtime/install/sync_progress.hpp"
#include "runtime/install/umask.hpp"
#include "runtime/place/control_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

namespace tinderbox::install {
namespace {

class Repair {
  public:
    Repair(const format::RunFile& run, const format::Manifest& manifest, const place::Installed& installed,
           const place::OpenTree& tree, const InstallOptions& options)
        : run_(run), manifest_(manifest), state_(installed.state), layout_(installed.layout), tree_(tree),
          root_(tree.root), options_(options), prefixes_(layout_.prefixes()), watch_(summary_.seconds) {
        summary_.moved_from = place::moved_from(state_, layout_.root);
    }
    Result<RepairSummary> run();

  private:
    Status read_list();
    void choose();
    bool names_prefix(const format::Destination& destination) const;
    Status restore();
    Status extract();
    Status put_back();
    Status put_directory(const io::PlannedDirectory& directory);
    bool parents_are_there(const std::string& path);
    Status put_file(const std::string& path);
    bool may_be_edited(const std::string& path, const struct stat& there) const;
    Status keep_edited(const std::string& path, const struct stat& there);
    Status write_control(const std::vector<InstalledRow>& rows);
    Result<std::vector<std::string>> compile();
    void register_moved();
    void warn_of_old_names();
    Status record(const std::vector<std::string>& compiled);
    void leave(const std::string& path, std::string what) {
        summary_.left.push_back({path, std::move(what), FileDifference::Kind::changed});
    }

    const format::RunFile& run_;
    const format::Manifest& manifest_;
    const place::State& state_;
    const place::Layout& layout_;
    const place::OpenTree& tree_;
    const Directory& root_;
    Directory stage_; // .tinderbox/repair
    const InstallOptions& options_;
    std::vector<std::string> prefixes_; // by prefix_index()
    RepairSummary summary_;
    Stopwatch watch_;
    format::Table table_; // of the installed parts
    io::WritePlan plan_;  // of it
    std::vector<InstalledRow> rows_;
    std::map<std::string, std::string, std::less<>> damaged_; // path → how it differs
    std::set<std::string, std::less<>> changed_;              // of these: other contents, not only another mode
    std::set<std::string, std::less<>> unlisted_;             // of these: without a row in the list
    std::vector<std::string> wanted_;                         // the damaged ones that the .run has
    std::vector<InstalledRow> fresh_;                         // of the extracted entries
    std::set<std::string, std::less<>> blocked_;              // something else is in the place of these directories
    unsigned mode_mask_ = 0777;
};

// The list may be damaged itself. Then no file has a row, and choose() takes all of them.
Status Repair::read_list() {
    auto rows = read_installed_list(tree_.control);
    if (rows.ok()) {
        rows_ = *std::move(rows);
        TRY_ASSIGN(FileCheck check, compare_rows(root_, rows_, options_));
        for (std::vector<FileDifference>* list : {&check.differences, &check.unreadable})
            for (FileDifference& d : *list) {
                if (d.kind == FileDifference::Kind::changed) changed_.insert(d.path);
                damaged_.emplace(std::move(d.path), std::move(d.what));
            }
        summary_.files = check.files;
    }
    // --private is recorded nowhere but in the modes.
    auto is_private = [](const InstalledRow& row) { return row.kind == 'l' || (row.mode & 077) == 0; };
    if (rows_.empty() ? options_.private_modes : std::ranges::all_of(rows_, is_private)) mode_mask_ = 0700;
    return {};
}

void Repair::choose() {
    std::set<std::string_view> listed;
    for (const InstalledRow& row : rows_) listed.insert(row.path);
    for (const format::Destination& d : table_.destinations) {
        if (d.kind == format::EntryKind::directory) continue;
        std::string path = plan_.path_of(d);
        if (summary_.moved_from && names_prefix(d)) damaged_.emplace(path, "names the place where it was installed");
        if (!listed.contains(path)) {
            damaged_.emplace(path, "is not in the list of installed files");
            unlisted_.insert(path);
        }
        if (damaged_.contains(path)) wanted_.push_back(std::move(path));
    }
    std::ranges::sort(wanted_);
    if (!summary_.moved_from) return;
    for (const InstalledRow& row : rows_) // bytecode holds the path of its source
        if (row.kind == 'c') damaged_.emplace(row.path, "names the place where it was installed");
}

// A hash of another file may change with it.
bool Repair::names_prefix(const format::Destination& d) const {
    if (d.kind == format::EntryKind::symlink) return d.link.starts_with('\x01');
    return d.kind == format::EntryKind::file && !table_.contents[d.content].relocs.empty();
}

// Into a directory of its own, by the same code that installs. A wanted file may hold the hash of another one, which is
// extracted, too.
Status Repair::extract() {
    std::vector<bool> keep(table_.destinations.size());
    std::vector<std::uint32_t> open;
    for (std::uint32_t i = 0; i < keep.size(); ++i) {
        if (table_.destinations[i].kind == format::EntryKind::directory) continue;
        if (std::ranges::binary_search(wanted_, plan_.path_of(table_.destinations[i]))) open.push_back(i);
    }
    while (!open.empty()) {
        const std::uint32_t i = open.back();
        open.pop_back();
        if (keep[i]) continue;
        keep[i] = true;
        if (table_.destinations[i].kind != format::EntryKind::file) continue;
        for (const format::Reloc& reloc : table_.contents[table_.destinations[i].content].relocs)
            if (reloc.kind >= format::RelocKind::digest_hex) open.push_back(reloc.target);
    }
    TRY_ASSIGN(format::Table part, place::keep(table_, keep));
    TRY_ASSIGN(io::WritePlan plan, io::make_write_plan(part, layout_.root_paths()));
    TRY(stage_.make_directory("tree", 0700));
    TRY_ASSIGN(Directory tree, stage_.directory("tree"));
    TRY_ASSIGN(Fd root, tree.duplicate());
    TRY_ASSIGN(auto directories,
               io::Directories::make(std::move(root), tree.path().string(), plan.directories, false, options_.faults));
    io::ExtractOptions how = extract_options(options_, prefixes_, mode_mask_);
    how.check_contents = true;
    TRY_ASSIGN(io::Extracted extracted, io::extract(run_, part, plan, directories, how));
    fresh_ = installed_rows(part, plan, extracted.installed, prefixes_, mode_mask_);
    // Renamed only when it is on the disk.
    const SyncProgress syncing(options_);
    if (::syncfs(tree.fd()) != 0) return errno_error("cannot write to the disk", errno);
    return {};
}

// Directories on the way to `path`, which has been planned. A link or a file of the user's in their place stays.
bool Repair::parents_are_there(const std::string& path) {
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
        if (blocked_.contains(path.substr(0, slash))) return false;
    return true;
}

Status Repair::put_directory(const io::PlannedDirectory& directory) {
    const std::string& path = directory.path;
    const unsigned mode = directory_row(table_, directory, mode_mask_).mode;
    struct stat st;
    if (!parents_are_there(path)) {
        blocked_.insert(path);
        return {};
    }
    if (const int error = root_.look(path, st); error != 0) {
        if (error != ENOENT) return errno_error(fmt::format("cannot look at '{}'", root_.shown(path)), error);
        TRY(root_.make_directory(path, mode));
        summary_.restored.push_back(path + "/");
        return {};
    }
    if (!S_ISDIR(st.st_mode)) {
        blocked_.insert(path);
        leave(path, "is no directory any more; move it away and repair again");
        return {};
    }
    if (auto found = damaged_.find(path); found != damaged_.end() && (st.st_mode & 07777) != mode) {
        if (const int error = root_.change_mode(path, mode); error != 0)
            return errno_error(fmt::format("cannot change the mode of '{}'", root_.shown(path)), error);
        summary_.restored.push_back(path + "/");
    }
    return {};
}

// A file without a row is compared with the one that comes: a lost list makes no file the user's.
bool Repair::may_be_edited(const std::string& path, const struct stat& there) const {
    if (S_ISREG(there.st_mode) && there.st_size == 0) return false; // nothing to keep
    if (changed_.contains(path)) return true;
    if (!unlisted_.contains(path)) return false;
    const auto row = std::ranges::find(fresh_, path, &InstalledRow::path);
    if (row == fresh_.end()) return false;
    const auto differs = difference(root_, *row);
    return differs && differs->kind == FileDifference::Kind::changed;
}

// By a second name, so that the old file has its own until the right one takes it.
Status Repair::keep_edited(const std::string& path, const struct stat& there) {
    if (!may_be_edited(path, there)) return {};
    struct stat before;
    const std::string usual = path + std::string(saved_suffix);
    if (root_.look(usual, before) == 0 && same_file(before, there)) {
        summary_.kept.push_back(usual); // of a run that was killed
        return {};
    }
    const std::string saved = saved_name(root_, path);
    int error = root_.link(path, root_, saved);
    if (error == EPERM || error == EOPNOTSUPP || error == EMLINK) error = root_.rename(path, root_, saved);
    if (error != 0) return errno_error(fmt::format("cannot keep '{}'", root_.shown(path)), error);
    summary_.kept.push_back(saved);
    return {};
}

Status Repair::put_file(const std::string& path) {
    struct stat st;
    if (!parents_are_there(path)) return {}; // said of the directory
    const int missing = root_.look(path, st);
    if (missing == 0 && S_ISDIR(st.st_mode)) {
        leave(path, "a directory is in the place of the file; move it away and repair again");
        return {};
    }
    if (missing == 0) TRY(keep_edited(path, st));
    int error = io::fault(options_.faults, io::Faults::Call::rename, path);
    if (error == 0) error = stage_.rename("tree/" + path, root_, path);
    if (error != 0) return errno_error(fmt::format("cannot restore '{}'", root_.shown(path)), error);
    summary_.restored.push_back(path);
    return {};
}

Status Repair::put_back() {
    for (std::size_t i = 1; i < plan_.directories.size(); ++i) TRY(put_directory(plan_.directories[i]));
    for (const std::string& path : wanted_) {
        if (options_.stopped()) return make_error(ErrorKind::interrupted, "interrupted while the files were restored");
        TRY(put_file(path));
    }
    return {};
}

// Damaged bytecode that was compiled here is compiled again; its sources are right by now.
Result<std::vector<std::string>> Repair::compile() {
    std::vector<std::string> made; // below the root
    for (format::Root root : layout_.roots()) {
        const format::PythonInfo* python = python_of(manifest_, root);
        if (!python) continue;
        const fs::path& prefix = layout_.prefix(root);
        std::vector<std::string> sources = sources_to_compile(manifest_, table_, root);
        std::erase_if(sources, [&](const std::string& source) {
            const fs::path bytecode = prefix / format::bytecode_path(source, python->cache_tag);
            const std::string path = bytecode.lexically_relative(layout_.root).string();
            if (!damaged_.contains(path) || !parents_are_there(path)) return true;
            // Python would write through a link that is in the place of __pycache__.
            const int error = root_.unlink(path); // may be anything by now
            if (error == 0 || error == ENOENT) return false;
            leave(path, "cannot be compiled again: a directory above it is no directory any more");
            return true;
        });
        if (sources.empty()) continue;
        Compiled compiled = compile_sources(prefix, *python, sources, options_);
        if (!compiled.problem.empty())
            return make_error(ErrorKind::script, "bytecode cannot be compiled: {}", compiled.problem);
        for (const std::string& file : compiled.files)
            made.push_back((prefix / file).lexically_relative(layout_.root).string());
    }
    return made;
}

// manifest, table, list, stub and probes: each by a rename, because the stub may be running.
Status Repair::write_control(const std::vector<InstalledRow>& rows) {
    TRY(stage_.make_directory("control", 0700));
    TRY_ASSIGN(Directory directory, stage_.directory("control"));
    TRY(write_control_files(directory, run_, rows));
    if (::syncfs(directory.fd()) != 0) return errno_error("cannot write to the disk", errno);
    TRY_ASSIGN(auto entries, directory.entries());
    for (const Directory::Entry& entry : entries)
        if (const int error = directory.rename(entry.name, tree_.control, entry.name); error != 0)
            return errno_error(fmt::format("cannot restore '{}'", tree_.control.shown(entry.name)), error);
    return tree_.control.sync();
}

Status Repair::record(const std::vector<std::string>& compiled) {
    std::map<std::string, InstalledRow> rows;
    for (const InstalledRow& row : rows_) rows.insert_or_assign(row.path, row);
    for (InstalledRow& row : fresh_)
        if (row.kind == 'd') rows.emplace(row.path, std::move(row)); // only here without their own modes
        else rows.insert_or_assign(row.path, std::move(row));
    for (std::size_t i = 1; i < plan_.directories.size(); ++i)
        rows.insert_or_assign(plan_.directories[i].path, directory_row(table_, plan_.directories[i], mode_mask_));
    for (const std::string& path : compiled) {
        auto row = bytecode_row(root_, path);
        if (!row) return make_error(ErrorKind::storage, "cannot read '{}'", root_.shown(path));
        rows.insert_or_assign(path, *std::move(row));
        summary_.restored.push_back(path);
    }
    std::vector<InstalledRow> all;
    for (auto& [path, row] : rows) all.push_back(std::move(row));
    TRY(write_control(all));
    // Last of all: until then the tree counts as moved, and the next repair rewrites all of it.
    if (!summary_.moved_from) return {};
    place::State state = state_;
    state.prefix = layout_.root;
    return tree_.control.write_atomically(place::control::state, place::state_text(state));
}

// conda's list names the old place, unless an environment is still there (the tree was copied).
void Repair::register_moved() {
    if (!options_.register_environment) return;
    const std::vector<fs::path> now = prefixes_to_register(manifest_, layout_);
    const std::vector<fs::path> before =
        prefixes_to_register(manifest_, place::layout_of({state_, manifest_}, *summary_.moved_from));
    for (std::size_t i = 0; i < now.size(); ++i) {
        Status gone = lexists(before[i]) ? Status() : unregister_environment(before[i]);
        auto listed = register_environment(now[i]);
        for (const Error* error : {gone.ok() ? nullptr : &gone.error(), listed.ok() ? nullptr : &listed.error()})
            if (error)
                summary_.warnings.push_back(
                    fmt::format("conda's list of environments was not corrected: {}", error->message));
    }
}

// What the user installed later is not this program's to rewrite.
void Repair::warn_of_old_names() {
    const std::string old = summary_.moved_from->string();
    std::set<std::string_view> listed;
    for (const InstalledRow& row : rows_) listed.insert(row.path);
    for (format::Root which : layout_.roots()) {
        const std::string bin = fs::path(layout_.root_paths()[format::prefix_index(which)]) / "bin";
        auto directory = root_.directory(bin);
        auto entries = directory.ok() ? directory->entries() : Result<std::vector<Directory::Entry>>(Error{});
        if (!entries.ok()) continue;
        for (const Directory::Entry& entry : *entries) {
            const std::string path = bin + "/" + entry.name;
            constexpr std::uint64_t longest_script = 1u << 20;
            if (entry.is_directory || listed.contains(path)) continue;
            const auto text = directory->read_text(entry.name, longest_script);
            if (text.ok() && text->starts_with("#!") && text->find(old + "/") != std::string::npos)
                summary_.warnings.push_back(fmt::format(
                    "'{}' was added later and names '{}': install its package again", root_.shown(path), old));
        }
    }
    if (tree_.control.exists(place::control::shell_init))
        summary_.warnings.push_back(fmt::format(
            "your shells' start-up files name the conda in '{}'; sh {}.run -b -c -p {} makes them name this one", old,
            manifest_.name, shell_quote(layout_.root.string())));
}

Status Repair::restore() {
    {
        const Umask umask(exact_modes);
        if (!wanted_.empty()) {
            TRY(extract());
            watch_.lap("extract");
        }
        TRY(put_back());
        watch_.lap("restore");
    }
    const Umask umask(umask_of_programs(mode_mask_ == 0700));
    TRY_ASSIGN(auto compiled, compile());
    if (!compiled.empty()) watch_.lap("bytecode");
    TRY(record(compiled));
    watch_.lap("record");
    return {};
}

Result<RepairSummary> Repair::run() {
    if (state_.stage < place::InstallStage::registered)
        return make_error(
            ErrorKind::storage, "the installation in '{}' is not finished; {}run the installer again to go on",
            layout_.root.string(),
            summary_.moved_from ? fmt::format("move it back to '{}' and ", summary_.moved_from->string()) : "");
    for (const Directory* directory : {&tree_.root, &tree_.control}) TRY(check_writable(*directory));
    TRY_ASSIGN(FileLock lock, lock_control(tree_.control, layout_.root));
    TRY_ASSIGN(format::Table whole, run_.table());
    TRY_ASSIGN(table_, place::select(std::move(whole), layout_.parts));
    TRY_ASSIGN(plan_, io::make_write_plan(table_, layout_.root_paths()));
    if (summary_.moved_from) TRY(check_limits(table_, layout_));
    TRY(read_list());
    watch_.lap("compare");
    choose();
    TRY(tree_.control.remove_tree(place::control::repair)); // of a run that was killed
    TRY(tree_.control.make_directory(place::control::repair, 0700));
    TRY_ASSIGN(stage_, tree_.control.directory(place::control::repair));
    Status status = restore();
    Status removed = tree_.control.remove_tree(place::control::repair);
    TRY(std::move(status));
    TRY(std::move(removed));
    if (summary_.moved_from) {
        register_moved();
        warn_of_old_names();
    }
    std::ranges::sort(summary_.restored);
    return std::move(summary_);
}

} // namespace

Result<RepairSummary> repair_files(const format::RunFile& run, const format::Manifest& manifest,
                                   const place::Installed& installed, const InstallOptions& options) {
    return guarded([&]() -> Result<RepairSummary> {
        TRY_ASSIGN(place::OpenTree tree,
                   place::open_tree(installed.layout.root, installed.trust, place::Access::write));
        return Repair(run, manifest, installed, tree, options).run();
    });
}

} // namespace tinderbox::install
