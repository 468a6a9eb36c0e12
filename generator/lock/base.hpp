// --base: the installer of a base conda, chosen from a table or named by path or URL.
//
// templates/bases.json lists them: {"version": 1, "bases": [{"kind", "version", "platform", "url", "sha256", "size"?,
// "source"}]}, newest first within a kind; `source` says who published the hash. scripts/update-bases writes it.
#pragma once

#include "generator/lock/lock.hpp"

#include <string>
#include <string_view>

namespace tinderbox::lock {

// "none" and "" give nothing. "miniconda", "miniforge=26.3.2-3" give a row of `table` (the text of bases.json) for
// `platform`. A path or a URL of a .sh gives that file; its version and hash are known only after reading it. Errors
// (usage): no such row (with the existing versions); neither a name nor a .sh.
Result<std::optional<LockedBase>> lock_base(const std::string& text, const std::string& platform,
                                            std::string_view table);

// The kind of an installer with this name: "Miniconda3" is "miniconda".
std::string base_kind(std::string_view name);

} // namespace tinderbox::lock
