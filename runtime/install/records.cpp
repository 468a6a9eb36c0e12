#include "runtime/install/records.hpp"

#include "common/base/text.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

namespace tinderbox {
namespace {

constexpr std::string_view installed_magic = "tinderbox-installed 1";
constexpr std::string_view state_magic = "tinderbox-state 1";
constexpr std::array stage_names = {"none", "files", "bytecode", "scripts", "registered", "verified"};

template <class T> bool number(std::string_view text, T& out, int base = 10) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::optional<InstalledRow> parse_row(std::string_view line) {
    InstalledRow row;
    std::array<std::string_view, 4> words;
    for (auto& word : words) {
        auto space = line.find(' ');
        if (space == std::string_view::npos) return std::nullopt;
        word = line.substr(0, space);
        line.remove_prefix(space + 1);
    }
    if (words[0].size() != 1 || std::string_view("fdlc").find(words[0][0]) == std::string_view::npos)
        return std::nullopt;
    row.kind = words[0][0];
    if (row.kind != 'd') {
        auto digest = sha256_from_hex(words[1]);
        if (!digest || !number(words[2], row.size)) return std::nullopt;
        row.sha256 = *digest;
    }
    if (!number(words[3], row.mode, 8)) return std::nullopt;
    auto tab = line.find('\t');
    if ((row.kind == 'l') != (tab != std::string_view::npos)) return std::nullopt;
    row.path = line.substr(0, tab);
    if (row.kind == 'l') row.link = line.substr(tab + 1);
    // The list decides what uninstall removes: a path that leaves the prefix is not followed.
    auto safe = safe_relative_path(row.path);
    if (!safe.ok() || *safe != row.path) return std::nullopt;
    return row;
}

} // namespace

std::string_view to_string(InstallStage stage) { return stage_names[static_cast<std::size_t>(stage)]; }

std::string installed_text(const std::vector<InstalledRow>& rows) {
    std::vector<const InstalledRow*> sorted;
    for (const InstalledRow& row : rows) sorted.push_back(&row);
    std::ranges::sort(sorted, {}, [](const InstalledRow* row) -> const std::string& { return row->path; });
    std::string out = fmt::format("{}\n", installed_magic);
    for (const InstalledRow* row : sorted) {
        if (row->kind == 'd') out += fmt::format("d - - {:o} {}\n", row->mode, row->path);
        else
            out += fmt::format("{} {} {} {:o} {}{}{}\n", row->kind, to_hex(row->sha256), row->size, row->mode,
                               row->path, row->kind == 'l' ? "\t" : "", row->link);
    }
    return out;
}

Result<std::vector<InstalledRow>> parse_installed(std::string_view text) {
    auto damaged = [](std::size_t line) {
        return make_error(ErrorKind::storage, "the list of installed files is damaged in line {}; install again", line);
    };
    std::vector<InstalledRow> rows;
    std::size_t number = 0;
    while (!text.empty()) {
        ++number;
        auto end = text.find('\n');
        if (end == std::string_view::npos) return damaged(number);
        auto line = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (number == 1) {
            if (line != installed_magic) return damaged(1);
            continue;
        }
        auto row = parse_row(line);
        if (!row) return damaged(number);
        rows.push_back(*std::move(row));
    }
    if (number == 0) return damaged(1);
    return rows;
}

std::vector<InstalledRow> installed_rows(const Table& table, const io::Plan& plan,
                                         const std::vector<InstalledFile>& installed,
                                         const std::vector<std::string>& prefixes, unsigned mode_mask) {
    std::vector<InstalledRow> rows;
    for (std::size_t i = 0; i < table.destinations.size(); ++i) {
        const Destination& d = table.destinations[i];
        InstalledRow row;
        row.path = plan.path_of(d);
        row.mode = d.mode & mode_mask;
        if (d.kind == EntryKind::file) {
            row.sha256 = installed[i].sha256;
            row.size = installed[i].size;
        } else if (d.kind == EntryKind::symlink) {
            row.kind = 'l';
            row.mode = 0777;
            row.link = d.link.starts_with('\x01') ? prefixes[prefix_index(d.root)] + d.link.substr(1) : d.link;
            row.sha256 = sha256(as_bytes(row.link));
            row.size = row.link.size();
        } else continue;
        rows.push_back(std::move(row));
    }
    for (std::size_t i = 1; i < plan.directories.size(); ++i) {
        const io::PlannedDirectory& directory = plan.directories[i];
        unsigned mode = directory.destination == io::none ? 0755 : table.destinations[directory.destination].mode;
        rows.push_back({.kind = 'd', .mode = mode & mode_mask, .path = directory.path, .link = {}});
    }
    return rows;
}

io::ExtractOptions extract_options(const InstallOptions& options, const std::vector<std::string>& prefixes,
                                   unsigned mode_mask) {
    io::ExtractOptions out;
    out.jobs = options.jobs;
    out.no_uring = options.no_uring;
    out.no_direct = options.no_direct;
    out.mode_mask = static_cast<std::uint16_t>(mode_mask);
    out.prefixes = prefixes;
    if (options.progress)
        out.progress = [&options](std::uint64_t done, std::uint64_t total) {
            options.progress({"extract", done, total});
        };
    out.interrupted = options.interrupted;
    out.faults = options.faults;
    return out;
}

Status write_control_files(const fs::path& control, const RunFile& run, const std::vector<InstalledRow>& rows) {
    auto put = [&](const std::string& name, ByteView bytes, mode_t mode) -> Status {
        TRY_ASSIGN(Fd fd, open_file(control / name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
        TRY(write_exact(fd.get(), bytes, (control / name).string()));
        if (::fchmod(fd.get(), mode) != 0)
            return errno_error(fmt::format("cannot write '{}'", (control / name).string()), errno);
        return {};
    };
    TRY(put("manifest.json", as_bytes(run.manifest_text()), 0644));
    for (const Section& section : run.sections()) {
        bool probe = section.name.starts_with("probe:");
        if (section.name != "table" && section.name != "stub" && !probe) continue;
        TRY_ASSIGN(Bytes bytes, run.read_section(section));
        std::string name = probe ? section.name.substr(6) : section.name;
        if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.'))
            return make_error(ErrorKind::damaged, "a section has the unsafe name '{}'", section.name);
        TRY(put(name, bytes, section.name == "table" ? 0644 : 0755));
    }
    return put("installed", as_bytes(installed_text(rows)), 0644);
}

std::string state_text(const StateFile& state) {
    return fmt::format("{}\nmanifest {}\nstage {}\n{}", state_magic, state.manifest_sha256, to_string(state.stage),
                       state.parts == "env" ? "" : "parts " + state.parts + "\n");
}

std::optional<StateFile> parse_state(std::string_view text) {
    auto lines = split(text, '\n');
    if ((lines.size() != 4 && !(lines.size() == 5 && lines[3].starts_with("parts "))) || lines[0] != state_magic ||
        !lines[1].starts_with("manifest ") || !lines[2].starts_with("stage "))
        return std::nullopt;
    StateFile out;
    if (lines.size() == 5) out.parts = lines[3].substr(6);
    out.manifest_sha256 = lines[1].substr(9);
    auto found = std::ranges::find(stage_names, lines[2].substr(6));
    if (found == stage_names.end()) return std::nullopt;
    out.stage = static_cast<InstallStage>(found - stage_names.begin());
    return out;
}

namespace {
Result<std::optional<StateFile>> state_file(const fs::path& prefix) {
    fs::path path = prefix / ".tinderbox" / "state";
    if (!lexists(path)) return std::optional<StateFile>();
    TRY_ASSIGN(std::string text, read_text(path, 1u << 20));
    auto state = parse_state(text);
    if (!state)
        return make_error(ErrorKind::storage, "'{}' is damaged; install again into another prefix", path.string());
    return state;
}
} // namespace

Result<std::optional<InstalledState>> read_state(const fs::path& prefix) {
    TRY_ASSIGN(auto state, state_file(prefix));
    if (!state) return std::optional<InstalledState>();
    fs::path path = prefix / ".tinderbox" / "manifest.json";
    TRY_ASSIGN(std::string text, read_text(path, 256u << 20));
    auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded()) return make_error(ErrorKind::storage, "'{}' is damaged; install again", path.string());
    TRY_ASSIGN(Manifest manifest, manifest_from_json(json));
    return std::optional(InstalledState{state->manifest_sha256, state->stage, std::move(manifest),
                                        state->parts.find("base") != std::string::npos});
}

Status record_stage(const fs::path& prefix, InstallStage stage) {
    TRY_ASSIGN(auto state, state_file(prefix));
    if (!state) return make_error(ErrorKind::bug, "'{}' has no state to record in", prefix.string());
    if (state->stage >= stage) return {};
    state->stage = stage;
    return write_atomically(prefix / ".tinderbox" / "state", state_text(*state));
}

} // namespace tinderbox
