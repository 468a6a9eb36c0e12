#include "runtime/io/plan.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

namespace tinderbox::io {
namespace {

// Empty files have no block to wait for; so many of them make one task.
constexpr std::uint32_t empty_files_a_task = 256;

class DirectoryIndex {
  public:
    explicit DirectoryIndex(std::vector<PlannedDirectory>& directories) : directories_(directories) {
        directories_.push_back({});
        index_.emplace("", 0);
    }
    std::uint32_t add(const std::string& path) {
        if (auto found = index_.find(path); found != index_.end()) return found->second;
        auto slash = path.rfind('/');
        std::uint32_t parent = add(slash == std::string::npos ? "" : path.substr(0, slash));
        auto index = static_cast<std::uint32_t>(directories_.size());
        directories_.push_back({path, parent, none});
        index_.emplace(path, index);
        return index;
    }
    bool contains(const std::string& path) const { return index_.contains(path); }

  private:
    std::vector<PlannedDirectory>& directories_;
    std::unordered_map<std::string, std::uint32_t> index_;
};

Error twice(const std::string& path) { return make_error(ErrorKind::damaged, "the file table names '{}' twice", path); }

Status plan_destinations(const format::Table& table, WritePlan& plan) {
    DirectoryIndex index(plan.directories);
    std::vector<std::string> others; // paths of files and links
    std::vector<std::pair<std::uint32_t, std::uint32_t>> files;
    std::map<std::tuple<std::uint32_t, std::uint16_t, std::int64_t>, std::uint32_t>
        shared; // content, mode, time → first
    plan.directory_of.resize(table.destinations.size(), 0);
    for (std::uint32_t i = 0; i < table.destinations.size(); ++i) {
        const format::Destination& d = table.destinations[i];
        if (!format::is_prefix(d.root) || format::prefix_index(d.root) >= plan.root_paths.size())
            return make_error(ErrorKind::damaged, "the file table of an installer has an unresolved path '{}'", d.path);
        std::string path = plan.path_of(d);
        auto slash = path.rfind('/');
        plan.directory_of[i] = index.add(slash == std::string::npos ? "" : path.substr(0, slash));
        if (d.kind == format::EntryKind::directory) {
            std::uint32_t at = index.add(path);
            if (plan.directories[at].destination != none) return twice(path);
            plan.directories[at].destination = i;
            continue;
        }
        others.push_back(std::move(path));
        if (d.kind == format::EntryKind::file && table.contents[d.content].inherited) {
            plan.inherited.push_back(i);
            plan.inherited_bytes += table.contents[d.content].size;
            continue;
        }
        if (d.kind == format::EntryKind::file && (d.flags & format::destination_shared) != 0 &&
            table.contents[d.content].relocs.empty()) {
            auto [first, added] = shared.emplace(std::tuple(d.content, d.mode, d.mtime), i);
            if (!added) {
                plan.hard_links.push_back({i, first->second});
                continue;
            }
        }
        if (d.kind == format::EntryKind::symlink) plan.symlinks.push_back(i);
        else if (table.contents[d.content].size == 0) plan.empty_files.push_back(i);
        else files.emplace_back(d.content, i);
    }
    // A file below a link, or a file that is a directory too, would let one destination decide where another lands.
    std::ranges::sort(others);
    for (std::size_t i = 0; i < others.size(); ++i)
        if ((i > 0 && others[i] == others[i - 1]) || index.contains(others[i])) return twice(others[i]);
    plan.destinations_of = Groups(table.contents.size(), files);
    return {};
}

// A content that fills whole blocks alone can be written block by block.
bool is_large(const format::Table& table, const format::Content& content) {
    if (!content.relocs.empty() || content.offset != 0 || content.size == 0) return false;
    std::uint64_t first = table.blocks[content.block].raw;
    return content.size > first || (content.size == first && content.size >= format::large_content_size);
}

Status plan_contents(const format::Table& table, WritePlan& plan) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> small;
    plan.large_content_of.assign(table.blocks.size(), none);
    plan.large_offset_of.assign(table.blocks.size(), 0);
    std::vector<bool> used(table.blocks.size());
    for (std::uint32_t c = 0; c < table.contents.size(); ++c) {
        const format::Content& content = table.contents[c];
        if (content.size == 0 || plan.destinations_of[c].empty() || has_digests(content)) continue;
        used[content.block] = true;
        const bool one_block = content.size <= table.blocks[content.block].raw;
        if (!is_large(table, content) || (one_block && plan.large_content_of[content.block] != none)) {
            small.emplace_back(content.block, c);
            continue;
        }
        std::uint64_t offset = 0;
        for (std::uint32_t b = content.block; offset < content.size; offset += table.blocks[b++].raw) {
            if (plan.large_content_of[b] != none)
                return make_error(ErrorKind::damaged, "the file table is damaged: two large files share a block");
            plan.large_content_of[b] = c;
            plan.large_offset_of[b] = offset;
            used[b] = true;
        }
    }
    plan.small_contents_of = Groups(table.blocks.size(), small);

    // Both kinds in the file's order, small blocks spread evenly among the large ones: creating small files costs
    // processor time while the disk works on large writes.
    std::vector<std::uint32_t> order;
    for (std::uint32_t b = 0; b < table.blocks.size(); ++b)
        if (used[b]) order.push_back(b);
    std::ranges::stable_sort(order, {}, [&](std::uint32_t b) { return table.blocks[b].offset; });
    std::vector<Task> large, rest;
    for (std::uint32_t b : order) {
        plan.bytes += table.blocks[b].raw;
        (plan.large_content_of[b] != none ? large : rest).push_back({b, 0, 0});
    }
    auto empties = static_cast<std::uint32_t>(plan.empty_files.size());
    for (std::uint32_t at = 0; at < empties; at += empty_files_a_task)
        rest.push_back({none, at, std::min(empty_files_a_task, empties - at)});
    std::size_t l = 0, r = 0;
    while (l < large.size() || r < rest.size())
        if (r == rest.size() || (l < large.size() && l * rest.size() <= r * large.size()))
            plan.tasks.push_back(large[l++]);
        else plan.tasks.push_back(rest[r++]);
    return {};
}

// decode_table() has refused circles, so this ends.
void plan_digests(const format::Table& table, WritePlan& plan) {
    std::vector<std::uint32_t> pending;
    for (std::uint32_t c = 0; c < table.contents.size(); ++c)
        if (has_digests(table.contents[c]) && !plan.destinations_of[c].empty()) pending.push_back(c);
    std::vector<bool> waits(table.contents.size());
    for (std::uint32_t c : pending) waits[c] = true;
    while (!pending.empty()) {
        std::vector<std::uint32_t> level, later;
        for (std::uint32_t c : pending) {
            bool ready = std::ranges::none_of(table.contents[c].relocs, [&](const format::Reloc& reloc) {
                bool digest = reloc.kind >= format::RelocKind::digest_hex;
                return digest && waits[table.destinations[reloc.target].content];
            });
            (ready ? level : later).push_back(c);
        }
        if (level.empty()) return; // cannot be; extract() reports contents that were not written
        for (std::uint32_t c : level) waits[c] = false;
        std::ranges::sort(level, {}, [&](std::uint32_t c) {
            return std::pair(table.blocks[table.contents[c].block].offset, table.contents[c].offset);
        });
        plan.digest_levels.push_back(std::move(level));
        pending = std::move(later);
    }
}

} // namespace

Groups::Groups(std::size_t groups, std::span<const std::pair<std::uint32_t, std::uint32_t>> pairs)
    : starts_(groups + 1, 0), members_(pairs.size()) {
    for (auto [group, member] : pairs) ++starts_[group + 1];
    for (std::size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];
    std::vector<std::uint32_t> next(starts_.begin(), starts_.end() - 1);
    for (auto [group, member] : pairs) members_[next[group]++] = member;
}

std::string WritePlan::path_of(const format::Destination& destination) const {
    const std::string& root = root_paths[format::prefix_index(destination.root)];
    return root.empty() ? destination.path : root + "/" + destination.path;
}

Result<WritePlan> make_write_plan(const format::Table& table, std::vector<std::string> root_paths) {
    WritePlan plan;
    plan.root_paths = std::move(root_paths);
    TRY(plan_destinations(table, plan));
    TRY(plan_contents(table, plan));
    plan_digests(table, plan);
    return plan;
}

} // namespace tinderbox::io
