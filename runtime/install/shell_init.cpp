#include "runtime/install/shell_init.hpp"

#include "common/base/hash.hpp"
#include "common/base/json_cost.hpp"
#include "common/base/output_file.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "common/base/utf8.hpp"
#include "runtime/install/as_owner.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tinderbox::install {
namespace {

using nlohmann::json;

constexpr std::uint64_t size_limit = 16u << 20; // no start-up file is larger
constexpr int record_version = 1;

bool is_there(const fs::path& path) {
    std::error_code ec;
    return fs::exists(path, ec);
}

std::string digest(std::string_view text) { return to_hex(sha256(as_bytes(text))); }

// ---- the record ---------------------------------------------------------------------------------------------------

struct FileRecord {
    Shell shell = Shell::bash;
    fs::path file, backup;
    bool existed = false;
    std::string before_sha256, after_sha256; // hex, of the whole file
    std::vector<TextEdit> edits;
    std::vector<std::string> directories; // made for the file, outermost first
};
struct Record {
    std::string conda_prefix;
    std::vector<FileRecord> entries;
};

std::string record_text(const Record& record) {
    json files = json::array();
    for (const FileRecord& entry : record.entries) {
        json edits = json::array();
        for (const TextEdit& edit : entry.edits)
            edits.push_back({{"line", edit.line},
                             {"before", latin1_to_utf8(edit.before)},
                             {"after", latin1_to_utf8(edit.after)},
                             {"copies", edit.copies}});
        files.push_back({{"shell", to_string(entry.shell)},
                         {"file", latin1_to_utf8(entry.file.string())},
                         {"backup", latin1_to_utf8(entry.backup.string())},
                         {"existed", entry.existed},
                         {"before_sha256", entry.before_sha256},
                         {"after_sha256", entry.after_sha256},
                         {"edits", std::move(edits)},
                         {"directories", entry.directories}});
    }
    return json{
               {"version", record_version}, {"conda", latin1_to_utf8(record.conda_prefix)}, {"files", std::move(files)}}
               .dump(2) +
           "\n";
}

// A start-up file may hold bytes that are no UTF-8, and JSON may not: the record keeps its text as latin1_to_utf8()
// makes it. Throws json::exception as get() does.
std::string from_latin1(const json& value) {
    auto text = utf8_to_latin1(value.get<std::string>());
    if (!text) throw json::other_error::create(501, "a character beyond Latin-1", &value);
    return *std::move(text);
}

Result<Record> read_record(const fs::path& path) {
    Record record;
    if (!is_there(path)) return record;
    TRY_ASSIGN(std::string text, read_text(path, 8 * size_limit));
    auto damaged = [&] {
        return make_error(
            ErrorKind::storage,
            "'{}' is damaged, so the shells' start-up files stay as they are; remove the 'conda initialize' "
            "blocks by hand, or with 'conda init --reverse'",
            path.string());
    };
    json value = is_affordable_json(text) ? json::parse(text, nullptr, false) : json();
    if (!value.is_object() || value.value("version", 0) != record_version) return damaged();
    try {
        record.conda_prefix = from_latin1(value.at("conda"));
        for (const json& file : value.at("files")) {
            FileRecord entry;
            auto shell = shell_named(file.at("shell").get<std::string>());
            if (!shell) return damaged();
            entry.shell = *shell;
            entry.file = from_latin1(file.at("file"));
            entry.backup = from_latin1(file.at("backup"));
            entry.existed = file.at("existed").get<bool>();
            entry.before_sha256 = file.at("before_sha256").get<std::string>();
            entry.after_sha256 = file.at("after_sha256").get<std::string>();
            entry.directories = file.at("directories").get<std::vector<std::string>>();
            for (const json& edit : file.at("edits"))
                entry.edits.push_back({edit.at("line").get<bool>(), from_latin1(edit.at("before")),
                                       from_latin1(edit.at("after")), edit.at("copies").get<std::size_t>()});
            if (!entry.file.is_absolute()) return damaged();
            record.entries.push_back(std::move(entry));
        }
    } catch (const json::exception&) {
        return damaged();
    }
    return record;
}

// ---- files --------------------------------------------------------------------------------------------------------

// "FILE.tinderbox.bak", or the first of "FILE.tinderbox.bak.2", … that is free.
Result<fs::path> make_backup(const fs::path& file, std::string_view text) {
    struct stat st;
    if (::stat(file.c_str(), &st) != 0) return errno_error(fmt::format("cannot read '{}'", file.string()), errno);
    fs::path backup = file.string() + ".tinderbox.bak";
    struct stat other;
    for (int i = 2; ::lstat(backup.c_str(), &other) == 0; ++i)
        backup = fmt::format("{}.tinderbox.bak.{}", file.string(), i);
    TRY(create_output_file(backup, text, st.st_mode & 0777));
    (void)::chmod(backup.c_str(), st.st_mode & 0777); // whatever the umask
    return backup;
}

// Makes the parents that do not exist, and returns them, outermost first.
Result<std::vector<std::string>> make_parents(const fs::path& file) {
    std::vector<std::string> made;
    for (fs::path at = file.parent_path(); !at.empty() && !is_there(at); at = at.parent_path())
        made.push_back(at.string());
    std::ranges::reverse(made);
    for (const std::string& directory : made)
        if (::mkdir(directory.c_str(), 0777) != 0)
            return errno_error(fmt::format("cannot create the directory '{}'", directory), errno);
    return made;
}

// ---- one file -----------------------------------------------------------------------------------------------------

struct Planned {
    std::string before;
    bool existed = false;
    InitText init;
};

Result<Planned> plan(Shell shell, const fs::path& conda_prefix, const fs::path& file) {
    TRY(check_init_prefix(shell, conda_prefix.string()));
    Planned planned;
    planned.existed = is_there(file);
    if (planned.existed) {
        TRY_ASSIGN(planned.before, read_text(file, size_limit));
    }
    planned.init = conda_init_text(shell, conda_prefix.string(), planned.before);
    return planned;
}

Status write_record(const fs::path& path, const Record& record) {
    if (!record.entries.empty()) return write_atomically(path, record_text(record), 0600);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return errno_error(fmt::format("cannot remove '{}'", path.string()), errno);
    return {};
}

// Removes a backup that nobody has changed since.
void remove_backup(const FileRecord& entry) {
    if (entry.backup.empty()) return;
    const auto as_owner = AsOwner::of(entry.backup);
    if (!as_owner.ok()) return;
    auto text = read_text(entry.backup, size_limit);
    if (text.ok() && digest(*text) == entry.before_sha256) ::unlink(entry.backup.c_str());
}

// Everything but the change itself: reads the file, plans its new content, makes the backup or the directories.
Result<Planned> prepare(ShellChange& change, const fs::path& conda_prefix, FileRecord& entry) {
    TRY_ASSIGN(const AsOwner as_owner, AsOwner::of(change.file));
    TRY_ASSIGN(Planned planned, plan(change.shell, conda_prefix, change.file));
    if (planned.init.broken_block)
        change.words = "it holds the first line of a 'conda initialize' block without the last one; repair it by hand";
    if (planned.init.edits.empty()) return planned;
    if (planned.existed && ::access(change.file.c_str(), W_OK) != 0)
        return errno_error(fmt::format("'{}' was left alone: it cannot be written", change.file.string()), errno);
    entry.shell = change.shell;
    entry.file = change.file;
    entry.existed = planned.existed;
    entry.before_sha256 = digest(planned.before);
    entry.after_sha256 = digest(planned.init.text);
    entry.edits = planned.init.edits;
    if (planned.existed) {
        TRY_ASSIGN(entry.backup, make_backup(change.file, planned.before));
    } else {
        TRY_ASSIGN(entry.directories, make_parents(change.file));
    }
    return planned;
}

Status write_start_up_file(const fs::path& file, std::string_view text) {
    TRY_ASSIGN(const AsOwner as_owner, AsOwner::of(file));
    return write_output_file(file, text);
}

void remove_as_owner(const fs::path& backup) {
    if (const auto as_owner = AsOwner::of(backup); as_owner.ok()) ::unlink(backup.c_str());
}

Status init_one(ShellChange& change, const fs::path& conda_prefix, const fs::path& record_path, Record& record) {
    FileRecord entry;
    TRY_ASSIGN(const Planned planned, prepare(change, conda_prefix, entry));
    if (planned.init.edits.empty()) return {};
    // Recorded first: a record of a change that did not happen undoes nothing.
    std::vector<FileRecord> former = record.entries;
    record.conda_prefix = conda_prefix.string();
    std::erase_if(record.entries, [&](const FileRecord& e) { return e.file == entry.file; });
    record.entries.push_back(entry);
    Status status = write_record(record_path, record);
    if (status.ok()) status = write_start_up_file(change.file, planned.init.text);
    if (!status.ok()) {
        record.entries = std::move(former);
        (void)write_record(record_path, record);
        if (!entry.backup.empty()) remove_as_owner(entry.backup);
        return status;
    }
    for (const FileRecord& old : former)
        if (old.file == entry.file) remove_backup(old);
    change.backup = entry.backup;
    change.outcome = ShellChange::Outcome::modified;
    return {};
}

// The file itself where it is a link, which stays.
Status remove_start_up_file(const FileRecord& entry) {
    std::error_code ec;
    const fs::path file = fs::canonical(entry.file, ec);
    if (::unlink(file.c_str()) != 0) return errno_error(fmt::format("cannot remove '{}'", entry.file.string()), errno);
    for (auto directory = entry.directories.rbegin(); directory != entry.directories.rend(); ++directory)
        fs::remove(*directory, ec); // only an empty one goes
    return {};
}

Status undo_one(const FileRecord& entry, const std::string& conda_prefix, ShellChange& change) {
    using Outcome = ShellChange::Outcome;
    TRY_ASSIGN(const AsOwner as_owner, AsOwner::of(entry.file));
    if (!is_there(entry.file)) {
        change.outcome = Outcome::left;
        change.words = "it is not there any more";
        return {};
    }
    TRY_ASSIGN(std::string text, read_text(entry.file, size_limit));
    std::string undone = undo_init_text(conda_prefix, text, entry.edits);
    if (digest(text) == entry.after_sha256 && digest(undone) != entry.before_sha256) {
        // Nobody touched the file since, so the backup is the old content, whatever the edits give.
        auto backup = read_text(entry.backup, size_limit);
        if (backup.ok() && digest(*backup) == entry.before_sha256) undone = *std::move(backup);
    }
    if (!entry.existed && trim(undone).empty()) {
        TRY(remove_start_up_file(entry));
        change.outcome = Outcome::removed;
        return {};
    }
    if (undone == text) {
        change.outcome = digest(text) == entry.before_sha256 ? Outcome::restored : Outcome::left;
        if (change.outcome == Outcome::left) change.words = "what was added to it is gone already";
        return {};
    }
    TRY(write_output_file(entry.file, undone));
    change.outcome = Outcome::restored;
    if (digest(undone) != entry.before_sha256)
        change.words = "it was edited since: only the lines of this installation were taken out";
    return {};
}

} // namespace

ShellPlaces ShellPlaces::from_environment() {
    return {environment_variable("HOME"), environment_variable("SHELL"), environment_variable("ZDOTDIR"),
            environment_variable("XDG_CONFIG_HOME")};
}

fs::path start_up_file(Shell shell, const ShellPlaces& places) {
    const fs::path home = places.home;
    switch (shell) {
    case Shell::bash:
        return home / ".bashrc";
    case Shell::zsh:
        return (places.zdotdir.empty() ? home : fs::path(places.zdotdir)) / ".zshrc";
    case Shell::fish:
        return home / ".config" / "fish" / "config.fish";
    case Shell::tcsh:
        return home / (!is_there(home / ".tcshrc") && is_there(home / ".cshrc") ? ".cshrc" : ".tcshrc");
    case Shell::xonsh:
        return home / ".xonshrc";
    case Shell::powershell:
        return (places.config_home.empty() ? home / ".config" : fs::path(places.config_home)) / "powershell" /
               "profile.ps1";
    }
    return {};
}

std::vector<Shell> shells_in_use(const ShellPlaces& places) {
    const Shell own = shell_named(places.shell).value_or(Shell::bash);
    std::vector<Shell> out;
    for (Shell shell : all_shells) {
        fs::path file = start_up_file(shell, places);
        if (shell == own || is_there(shell == Shell::fish ? file.parent_path() : file)) out.push_back(shell);
    }
    return out;
}

Result<std::vector<Shell>> parse_shells(std::string_view list) {
    if (list == "all") return std::vector<Shell>(all_shells.begin(), all_shells.end());
    std::vector<Shell> out;
    for (std::string_view word : split(list, ',')) {
        auto shell = word.find('/') == std::string_view::npos ? shell_named(trim(word)) : std::nullopt;
        if (!shell)
            return make_error(ErrorKind::usage,
                              "'{}' is no shell that conda init knows; write bash, zsh, fish, tcsh, xonsh, "
                              "powershell (with commas between them) or all",
                              word);
        if (std::ranges::find(out, *shell) == out.end()) out.push_back(*shell);
    }
    return out;
}

std::string_view to_string(ShellChange::Outcome outcome) {
    static constexpr std::array names = {"unchanged", "modified", "restored", "removed", "left", "failed"};
    return names[static_cast<std::size_t>(outcome)];
}

json to_json(const std::vector<ShellChange>& changes) {
    json out = json::array();
    for (const ShellChange& change : changes)
        out.push_back({{"shell", to_string(change.shell)},
                       {"file", change.file.string()},
                       {"outcome", to_string(change.outcome)},
                       {"words", change.words},
                       {"backup", change.backup.string()}});
    return out;
}

bool would_init_shells(const fs::path& conda_prefix, const std::vector<Shell>& shells, const ShellPlaces& places) {
    return std::ranges::any_of(shells, [&](Shell shell) {
        const fs::path file = start_up_file(shell, places);
        const auto as_owner = AsOwner::of(file);
        if (!as_owner.ok()) return false;
        auto planned = plan(shell, conda_prefix, file);
        return planned.ok() && !planned->init.edits.empty();
    });
}

std::vector<ShellChange> init_shells(const fs::path& conda_prefix, const std::vector<Shell>& shells,
                                     const ShellPlaces& places, const fs::path& record_path) {
    std::vector<ShellChange> out;
    auto record = read_record(record_path);
    for (Shell shell : shells) {
        ShellChange change;
        change.shell = shell;
        change.file = start_up_file(shell, places);
        Status status;
        if (!change.file.is_absolute())
            status = make_error(ErrorKind::usage, "HOME is not an absolute path, so {} has no start-up file",
                                to_string(shell));
        else if (!record.ok()) status = record.error();
        else status = init_one(change, conda_prefix, record_path, *record);
        if (!status.ok()) {
            change.outcome = ShellChange::Outcome::failed;
            change.words = status.error().message;
        }
        out.push_back(std::move(change));
    }
    return out;
}

Result<std::vector<ShellChange>> undo_shells(const fs::path& record_path) {
    TRY_ASSIGN(Record record, read_record(record_path));
    std::vector<ShellChange> out;
    std::vector<FileRecord> left;
    std::ranges::reverse(record.entries); // the first one made the directories that others use
    for (const FileRecord& entry : record.entries) {
        ShellChange change;
        change.shell = entry.shell;
        change.file = entry.file;
        Status status = undo_one(entry, record.conda_prefix, change);
        if (status.ok()) remove_backup(entry);
        else {
            change.outcome = ShellChange::Outcome::failed;
            change.words = status.error().message;
            change.backup = entry.backup;
            left.push_back(entry);
        }
        out.push_back(std::move(change));
    }
    std::ranges::reverse(left);
    std::ranges::reverse(out);
    record.entries = std::move(left);
    (void)write_record(record_path, record); // a read-only prefix: undone all the same
    return out;
}

} // namespace tinderbox::install
