// Applying relocations: pure functions from bytes to bytes, used by the runtime and by tests of the packer.
#pragma once

#include "common/format/table.hpp"

#include <functional>

namespace tinderbox {

// What a digest relocation needs to know of its target as installed.
struct InstalledFile {
    Sha256Digest sha256{};
    std::uint64_t size = 0;
};
using InstalledLookup = std::function<Result<InstalledFile>(std::uint32_t destination)>;

// The content with its relocations applied for `prefix` (absolute, no trailing '/'). Errors (kind usage) name
// no file: a prefix longer than a placeholder of a cstring relocation.
Result<Bytes> apply_relocations(ByteView original, const std::vector<Reloc>& relocs, std::string_view prefix,
                                const InstalledLookup& lookup = {});

// The interpreter line for a script. `line` begins with "#!". Longer than 127 bytes or with a space in the
// interpreter's path (beyond the first "#!/usr/bin/env" style argument): for python interpreters the three-line
// #!/bin/sh '''exec' form, for others `#!/usr/bin/env NAME args`. (installer-formats.md §2)
std::string portable_shebang(std::string_view line, std::string_view prefix);

// Smallest placeholder among cstring relocations: the longest prefix this table can be installed into
// (SIZE_MAX when there is none).
std::size_t longest_prefix(const Table& table);

} // namespace tinderbox
