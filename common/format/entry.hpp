// What an entry of an installed tree may be: its path, its link, its mode. The packer and the linker ask for every
// artifact, so that a build refuses with the names of package and member; decode_table() asks for every table, because
// a NAME.run may come from anybody. Thread-safe.
#pragma once

#include "common/base/result.hpp"
#include "common/format/table.hpp"

#include <optional>

namespace tinderbox::format {

// The installer's own directory below each prefix. Nothing else may lie in it, in whatever case: some file systems do
// not tell the cases apart.
inline constexpr std::string_view control_directory = ".tinderbox";

// Error (kind usage, a sentence without the path): it is not safe_relative_path()'s normal form, or begins at a prefix
// and is the installer's own.
Status check_path(Root root, std::string_view path);

// Error (kind usage, a sentence without path and package): the path is not check_path()'s; the link leads out of its
// prefix ('\x01' stands for the prefix itself) or has control characters; others could write into a file or directory;
// a mode with more than permission bits.
Status check_entry(const Destination& destination);

// The mode that a file or directory of an artifact gets. Others never may write. The group may where the artifact says
// so for the group alone, as conda and rattler keep it. Setuid, setgid and sticky bits go. A link's mode means
// nothing, and stays.
std::uint16_t installed_mode(EntryKind kind, unsigned mode);

// The first link that leads out of its prefix when the table's other links on its way are followed as the kernel does,
// although each of them stays inside by its text: "a/up" → "..", "b/c" → "../a/up/..". nullopt: there is none.
// Error (kind usage): the links are so entangled that following them takes too long.
Result<std::optional<std::size_t>> leaving_link(const Table& table);

} // namespace tinderbox::format
