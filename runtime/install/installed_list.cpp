#include "runtime/install/installed_list.hpp"

#include "common/base/budget.hpp"
#include "common/base/hash_file.hpp"
#include "common/base/number.hpp"
#include "common/base/text.hpp"
#include "common/format/entry.hpp"
#include "runtime/place/control_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>

namespace tinderbox::install {
namespace {

constexpr std::string_view installed_magic = "tinderbox-installed 1";

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
        if (!digest || !parse_number(words[2], row.size)) return std::nullopt;
        row.sha256 = *digest;
    }
    if (!parse_number(words[3], row.mode, 8)) return std::nullopt;
    auto tab = line.find('\t');
    if ((row.kind == 'l') != (tab != std::string_view::npos)) return std::nullopt;
    row.path = line.substr(0, tab);
    if (row.kind == 'l') row.link = line.substr(tab + 1);
    // --uninstall removes the paths of the list, so none may leave the root.
    if (!format::check_path(format::Root::base, row.path).ok()) return std::nullopt;
    return row;
}

} // namespace

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
    // As many as the table of a .run may have.
    Spending spending({.nodes = 1'500'000, .depth = 512}, "the list of installed files", ErrorKind::storage);
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
        TRY(spending.nodes());
        TRY(spending.depth(1 + static_cast<std::uint64_t>(std::ranges::count(row->path, '/'))));
        rows.push_back(*std::move(row));
    }
    if (number == 0) return damaged(1);
    return rows;
}

std::vector<InstalledRow> installed_rows(const format::Table& table, const io::WritePlan& plan,
                                         const std::vector<format::InstalledFile>& installed,
                                         const std::vector<std::string>& prefixes, unsigned mode_mask) {
    std::vector<InstalledRow> rows;
    for (std::size_t i = 0; i < table.destinations.size(); ++i) {
        const format::Destination& d = table.destinations[i];
        InstalledRow row;
        row.path = plan.path_of(d);
        row.mode = d.mode & mode_mask;
        if (d.kind == format::EntryKind::file) {
            row.sha256 = installed[i].sha256;
            row.size = installed[i].size;
        } else if (d.kind == format::EntryKind::symlink) {
            row.kind = 'l';
            row.mode = 0777;
            row.link = d.link.starts_with('\x01') ? prefixes[format::prefix_index(d.root)] + d.link.substr(1) : d.link;
            row.sha256 = sha256(as_bytes(row.link));
            row.size = row.link.size();
        } else continue;
        rows.push_back(std::move(row));
    }
    for (std::size_t i = 1; i < plan.directories.size(); ++i)
        rows.push_back(directory_row(table, plan.directories[i], mode_mask));
    return rows;
}

InstalledRow directory_row(const format::Table& table, const io::PlannedDirectory& directory, unsigned mode_mask) {
    const unsigned mode = directory.destination == io::none ? 0755 : table.destinations[directory.destination].mode;
    return {.kind = 'd', .mode = mode & mode_mask, .path = directory.path, .link = {}};
}

Result<std::vector<InstalledRow>> read_installed_list(const Directory& control) {
    TRY_ASSIGN(std::string text, control.read_text(place::control::installed));
    return parse_installed(text).in(control.shown(place::control::installed));
}

std::optional<InstalledRow> bytecode_row(const Directory& root, const std::string& path) {
    auto fd = root.open_file(path, O_RDONLY | O_NONBLOCK);
    struct stat st;
    if (!fd.ok() || ::fstat(fd->get(), &st) != 0 || !S_ISREG(st.st_mode)) return std::nullopt;
    auto hash = hash_file(fd->get(), path, {});
    if (!hash.ok()) return std::nullopt;
    return InstalledRow{.kind = 'c',
                        .sha256 = hash->sha256,
                        .size = static_cast<std::uint64_t>(st.st_size),
                        .mode = st.st_mode & 07777u,
                        .path = path,
                        .link = {}};
}

} // namespace tinderbox::install
