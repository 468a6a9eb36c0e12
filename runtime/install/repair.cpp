#include "runtime/install/repair.hpp"

#include "runtime/install/finish.hpp"
#include "runtime/install/place.hpp"
#include "runtime/install/records.hpp"
#include "runtime/install/staging.hpp"
#include "runtime/io/extract.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

namespace tinderbox {
namespace {

// What the packages' bytecode is called, below the prefix of its source.
std::string bytecode_of(const std::string& source, const PythonInfo& python) {
    const fs::path path = source;
    return (path.parent_path() / "__pycache__" / (path.stem().string() + "." + python.cache_tag + ".pyc")).string();
}

class Repair {
  public:
    Repair(const RunFile& run, const Manifest& manifest, fs::path root, InstallOptions options)
        : run_(run), manifest_(manifest), root_(std::move(root)), control_(root_ / control_name),
          options_(std::move(options)) {}
    Result<RepairSummary> run();

  private:
    Status read_state_file();
    Status read_list();
    void choose();
    Status extract();
    Status put_back();
    Status put_directory(const io::PlannedDirectory& directory);
    bool parents_are_there(const std::string& path);
    Status put_file(const std::string& path);
    Status write_control(const std::vector<InstalledRow>& rows);
    Result<std::vector<std::string>> compile() const;
    Status record(const std::vector<std::string>& compiled);
    void leave(const std::string& path, std::string what) { summary_.left.push_back({path, std::move(what)}); }
    bool interrupted() const { return options_.interrupted && options_.interrupted->load(); }

    const RunFile& run_;
    const Manifest& manifest_;
    fs::path root_, control_, stage_;
    InstallOptions options_;
    InstallPlace place_;
    std::vector<std::string> prefixes_; // by prefix_index()
    RepairSummary summary_;
    Table table_;   // what is installed here
    io::Plan plan_; // of it
    std::vector<InstalledRow> rows_;
    std::map<std::string, std::string, std::less<>> damaged_; // path → what is wrong with it
    std::vector<std::string> wanted_;                         // of those, what the .run has
    std::vector<InstalledRow> fresh_;                         // rows of what was extracted
    std::set<std::string, std::less<>> blocked_;              // directories that are none any more
    unsigned mode_mask_ = 0777;
};

Status Repair::read_state_file() {
    auto text = read_text(control_ / "state", 1u << 20);
    auto state = text.ok() ? parse_state(*text) : std::nullopt;
    if (!state || state->manifest_sha256 != options_.manifest_sha256)
        return make_error(
            ErrorKind::storage,
            "'{}' does not hold the environment of this installer; --repair needs the .run that installed it",
            root_.string());
    if (state->stage < InstallStage::registered)
        return make_error(ErrorKind::storage,
                          "the installation in '{}' is not finished; run the installer again to go on", root_.string());
    for (const fs::path& place : {root_, control_})
        if (::access(place.c_str(), W_OK) != 0)
            return errno_error(fmt::format("'{}' cannot be written", place.string()), errno);
    return {};
}

// The list itself may be what is damaged: what has no row in it is written again.
Status Repair::read_list() {
    auto text = read_text(control_ / "installed");
    auto rows = text.ok() ? parse_installed(*text) : Result<std::vector<InstalledRow>>(text.error());
    if (rows.ok()) {
        rows_ = *std::move(rows);
        auto progress = [&](std::uint64_t done) {
            if (options_.progress) options_.progress({"comparing", done, rows_.size()});
        };
        TRY_ASSIGN(FileCheck check, verify_files(root_, options_.jobs, progress));
        for (FileDifference& d : check.differences) damaged_.emplace(std::move(d.path), std::move(d.what));
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
    for (const Destination& d : table_.destinations) {
        if (d.kind == EntryKind::directory) continue;
        std::string path = plan_.path_of(d);
        if (!listed.contains(path)) damaged_.emplace(path, "is not in the list of installed files");
        if (damaged_.contains(path)) wanted_.push_back(std::move(path));
    }
    std::ranges::sort(wanted_);
}

// Into a directory of its own, by the same code that installs. What a hash in a wanted file is of comes along.
Status Repair::extract() {
    std::vector<bool> keep(table_.destinations.size());
    std::vector<std::uint32_t> open;
    for (std::uint32_t i = 0; i < keep.size(); ++i) {
        if (table_.destinations[i].kind == EntryKind::directory) continue;
        if (std::ranges::binary_search(wanted_, plan_.path_of(table_.destinations[i]))) open.push_back(i);
    }
    while (!open.empty()) {
        const std::uint32_t i = open.back();
        open.pop_back();
        if (keep[i]) continue;
        keep[i] = true;
        if (table_.destinations[i].kind != EntryKind::file) continue;
        for (const Reloc& reloc : table_.contents[table_.destinations[i].content].relocs)
            if (reloc.kind >= RelocKind::digest_hex) open.push_back(reloc.target);
    }
    TRY_ASSIGN(Table part, io::keep(table_, keep));
    TRY_ASSIGN(io::Plan plan, io::make_plan(part, place_.root_paths()));
    const fs::path tree = stage_ / "tree";
    TRY(make_directories(tree));
    TRY_ASSIGN(Fd root, open_file(tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY_ASSIGN(Fd to_sync, open_file(tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY_ASSIGN(auto directories,
               io::Directories::make(std::move(root), tree.string(), plan.directories, false, options_.faults));
    TRY_ASSIGN(io::Extracted extracted,
               io::extract(run_, part, plan, directories, extract_options(options_, prefixes_, mode_mask_)));
    fresh_ = installed_rows(part, plan, extracted.installed, prefixes_, mode_mask_);
    // Renamed only when it is on the disk.
    if (::syncfs(to_sync.get()) != 0) return errno_error("cannot write to the disk", errno);
    return {};
}

// Directories on the way to `path`, which has been planned. A link or a file of the user's in their place stays.
bool Repair::parents_are_there(const std::string& path) {
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
        if (blocked_.contains(path.substr(0, slash))) return false;
    return true;
}

Status Repair::put_directory(const io::PlannedDirectory& directory) {
    const fs::path path = root_ / directory.path;
    const unsigned mode =
        (directory.destination == io::none ? 0755 : table_.destinations[directory.destination].mode) & mode_mask_;
    struct stat st;
    if (!parents_are_there(directory.path)) {
        blocked_.insert(directory.path);
        return {};
    }
    if (::lstat(path.c_str(), &st) != 0) {
        if (errno != ENOENT) return errno_error(fmt::format("cannot look at '{}'", path.string()), errno);
        if (::mkdir(path.c_str(), 0700) != 0 || ::chmod(path.c_str(), mode) != 0)
            return errno_error(fmt::format("cannot create the directory '{}'", path.string()), errno);
        summary_.restored.push_back(directory.path + "/");
        return {};
    }
    if (!S_ISDIR(st.st_mode)) {
        blocked_.insert(directory.path);
        leave(directory.path, "is no directory any more; move it away and repair again");
        return {};
    }
    if (auto found = damaged_.find(directory.path); found != damaged_.end() && (st.st_mode & 07777) != mode) {
        if (::chmod(path.c_str(), mode) != 0)
            return errno_error(fmt::format("cannot change the mode of '{}'", path.string()), errno);
        summary_.restored.push_back(directory.path + "/");
    }
    return {};
}

Status Repair::put_file(const std::string& path) {
    const fs::path from = stage_ / "tree" / path, to = root_ / path;
    struct stat st;
    if (!parents_are_there(path)) return {}; // said of the directory
    if (::lstat(to.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) {
        leave(path, "a directory is in the place of the file; move it away and repair again");
        return {};
    }
    int error = io::fault(options_.faults, io::Faults::Call::rename, path);
    if (error == 0 && ::rename(from.c_str(), to.c_str()) != 0) error = errno;
    if (error != 0) return errno_error(fmt::format("cannot restore '{}'", to.string()), error);
    summary_.restored.push_back(path);
    return {};
}

Status Repair::put_back() {
    for (std::size_t i = 1; i < plan_.directories.size(); ++i) TRY(put_directory(plan_.directories[i]));
    for (const std::string& path : wanted_) {
        if (interrupted()) return make_error(ErrorKind::interrupted, "interrupted; repair again to go on");
        TRY(put_file(path));
    }
    return {};
}

// What was compiled here and is damaged is compiled again, from sources that are right by now.
Result<std::vector<std::string>> Repair::compile() const {
    std::vector<std::string> made; // below the root
    for (Root root : place_.roots()) {
        const PythonInfo* python = python_of(manifest_, root);
        if (!python) continue;
        const fs::path& prefix = place_.prefix(root);
        std::vector<std::string> sources = sources_to_compile(manifest_, table_, root);
        std::erase_if(sources, [&](const std::string& source) {
            const std::string path = (prefix / bytecode_of(source, *python)).lexically_relative(root_).string();
            auto found = damaged_.find(path);
            if (found == damaged_.end()) return true;
            ::unlink((root_ / path).c_str()); // may be anything by now
            return false;
        });
        if (sources.empty()) continue;
        Compiled compiled = compile_sources(prefix, *python, sources, options_.jobs, {});
        if (!compiled.problem.empty())
            return make_error(ErrorKind::script, "bytecode cannot be compiled: {}", compiled.problem);
        for (const std::string& file : compiled.files)
            made.push_back((prefix / file).lexically_relative(root_).string());
    }
    return made;
}

// manifest, table, list, stub and probes: each by a rename, because the stub may be running.
Status Repair::write_control(const std::vector<InstalledRow>& rows) {
    const fs::path directory = stage_ / "control";
    TRY(make_directories(directory));
    TRY(write_control_files(directory, run_, rows));
    TRY_ASSIGN(Fd fd, open_file(directory, O_RDONLY | O_DIRECTORY));
    if (::syncfs(fd.get()) != 0) return errno_error("cannot write to the disk", errno);
    std::error_code ec;
    for (fs::directory_iterator it(directory, ec), end; !ec && it != end; it.increment(ec))
        if (::rename(it->path().c_str(), (control_ / it->path().filename()).c_str()) != 0)
            return errno_error(fmt::format("cannot restore '{}'", (control_ / it->path().filename()).string()), errno);
    if (ec) return errno_error(fmt::format("cannot read '{}'", directory.string()), ec.value());
    return fsync_directory(control_);
}

Status Repair::record(const std::vector<std::string>& compiled) {
    std::map<std::string, InstalledRow> rows;
    for (InstalledRow& row : rows_) rows.insert_or_assign(row.path, std::move(row));
    for (InstalledRow& row : fresh_)
        if (row.kind == 'd') rows.emplace(row.path, std::move(row)); // only here without their own modes
        else rows.insert_or_assign(row.path, std::move(row));
    for (std::size_t i = 1; i < plan_.directories.size(); ++i) {
        const io::PlannedDirectory& d = plan_.directories[i];
        const unsigned mode = d.destination == io::none ? 0755 : table_.destinations[d.destination].mode;
        rows.insert_or_assign(d.path, InstalledRow{.kind = 'd', .mode = mode & mode_mask_, .path = d.path, .link = {}});
    }
    for (const std::string& path : compiled) {
        TRY_ASSIGN(Bytes bytes, read_bytes(root_ / path));
        struct stat st;
        if (::stat((root_ / path).c_str(), &st) != 0)
            return errno_error(fmt::format("cannot read '{}'", (root_ / path).string()), errno);
        rows.insert_or_assign(path, InstalledRow{.kind = 'c',
                                                 .sha256 = sha256(bytes),
                                                 .size = bytes.size(),
                                                 .mode = st.st_mode & 07777u,
                                                 .path = path,
                                                 .link = {}});
        summary_.restored.push_back(path);
    }
    std::vector<InstalledRow> all;
    for (auto& [path, row] : rows) all.push_back(std::move(row));
    return write_control(all);
}

Result<RepairSummary> Repair::run() {
    options_.manifest_sha256 = to_hex(run_.manifest_sha256());
    options_.prefix = root_;
    TRY(read_state_file());
    TRY_ASSIGN(auto lock, FileLock::try_acquire(control_ / "lock"));
    if (!lock)
        return make_error(ErrorKind::storage, "another installer is working on '{}'; wait until it ends",
                          root_.string());
    place_ = install_place(manifest_, options_);
    prefixes_ = place_.prefixes();
    TRY_ASSIGN(Table whole, run_.table());
    TRY_ASSIGN(table_, io::select(std::move(whole), place_.selection));
    TRY_ASSIGN(plan_, io::make_plan(table_, place_.root_paths()));
    TRY(read_list());
    choose();
    stage_ = control_ / "repair";
    TRY(remove_tree(stage_)); // of a run that was killed
    if (::mkdir(stage_.c_str(), 0700) != 0)
        return errno_error(fmt::format("cannot create '{}'", stage_.string()), errno);
    const mode_t umask_before = ::umask(0);
    Status status = wanted_.empty() ? Status() : extract();
    if (status.ok()) status = put_back();
    ::umask(umask_before);
    if (status.ok()) {
        auto compiled = compile();
        status = compiled.ok() ? record(*compiled) : Status(std::move(compiled).error());
    }
    Status removed = remove_tree(stage_);
    TRY(std::move(status));
    TRY(std::move(removed));
    std::ranges::sort(summary_.restored);
    return std::move(summary_);
}

} // namespace

Result<RepairSummary> repair_files(const RunFile& run, const Manifest& manifest, const fs::path& root,
                                   InstallOptions options) {
    try {
        return Repair(run, manifest, root, std::move(options)).run();
    } catch (const std::bad_alloc&) {
        return make_error(ErrorKind::storage, "not enough memory to repair; close other programs or use --jobs 1");
    } catch (const std::exception& error) {
        return make_error(ErrorKind::bug, "repairing failed: {}", error.what());
    }
}

} // namespace tinderbox
