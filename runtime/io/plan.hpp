// The work for a file table: the directories, the destination of each file in a block, and the order. A pure function
// of the table, so that an interrupted installation finds the same tasks again.
#pragma once

#include "common/format/table.hpp"

#include <span>

namespace tinderbox::io {

inline constexpr std::uint32_t none = UINT32_MAX;

struct PlannedDirectory {
    std::string path;                 // below the tree's root, "" = the root itself
    std::uint32_t parent = 0;         // index; the root is its own
    std::uint32_t destination = none; // none: only implied by a deeper path
};

// One block to read. Empty files have no block: `first_empty` … are indexes into WritePlan::empty_files.
struct Task {
    std::uint32_t block = none;
    std::uint32_t first_empty = 0, empty_count = 0;
};

// A further name of a file, or a copy where the file system has no hard links.
struct HardLink {
    std::uint32_t destination = none, source = none;
};

// Lists of lists in two vectors.
class Groups {
  public:
    Groups() = default;
    // (group, member) pairs in any order; members keep their order.
    Groups(std::size_t groups, std::span<const std::pair<std::uint32_t, std::uint32_t>> pairs);
    std::span<const std::uint32_t> operator[](std::size_t group) const {
        return std::span(members_).subspan(starts_[group], starts_[group + 1] - starts_[group]);
    }

  private:
    std::vector<std::uint32_t> starts_, members_;
};

struct WritePlan {
    std::vector<std::string> root_paths;         // by prefix_index(), below the tree's root: "" or "envs/NAME"
    std::vector<PlannedDirectory> directories;   // [0] is the root; parents before children
    std::vector<std::uint32_t> directory_of;     // by destination: the directory that holds it
    std::vector<std::uint32_t> symlinks;         // destinations
    std::vector<HardLink> hard_links;            // made after all other files; sources are no links themselves
    Groups destinations_of;                      // by content: file destinations that are written
    Groups small_contents_of;                    // by block: whole contents in it that phase one writes
    std::vector<std::uint32_t> large_content_of; // by block, `none` = not part of a large content
    std::vector<std::uint64_t> large_offset_of;  // by block: where it begins in that content
    std::vector<std::uint32_t> empty_files;      // destinations
    std::vector<std::uint32_t> inherited;        // destinations that an update takes from an earlier environment
    std::vector<Task> tasks;                     // phase one
    // Contents with digests in levels: a level needs only files of earlier ones.
    std::vector<std::vector<std::uint32_t>> digest_levels;
    std::uint64_t bytes = 0;           // raw bytes of all tasks
    std::uint64_t inherited_bytes = 0; // of those files

    std::string path_of(const format::Destination& destination) const; // below the tree's root
};

// `root_paths`: the path of each prefix below the tree's root ("" or "envs/NAME"), by prefix_index(). Kind damaged: two
// destinations with one path, a file that is also a directory, roots of parcels or roots without a path.
Result<WritePlan> make_write_plan(const format::Table& table, std::vector<std::string> root_paths);

inline bool has_digests(const format::Content& content) {
    for (const format::Reloc& reloc : content.relocs)
        if (reloc.kind == format::RelocKind::digest_hex || reloc.kind == format::RelocKind::digest_b64url ||
            reloc.kind == format::RelocKind::size_decimal)
            return true;
    return false;
}

} // namespace tinderbox::io
