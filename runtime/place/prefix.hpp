// A prefix as a path: what a person may write, and how long it may be.
#pragma once

#include "common/base/file.hpp"
#include "runtime/place/refusal.hpp"

namespace tinderbox::place {

// The prefix as a person writes it → absolute, normal, without a trailing slash. `~` and `~/x` are $HOME; a relative
// one counts from `cwd`. Looks at no disk. Errors (usage): empty, "~user", control characters, a character that no
// environment can have in its path, "/" itself, more than prefix_limit bytes.
Result<std::string> resolve_prefix(std::string_view text, std::string_view home, std::string_view cwd);

// A prefix that files are relocated for, and the room that these files have.
struct PrefixLimit {
    std::string prefix;
    std::size_t longest = 0; // bytes; 0 = no limit
    std::string because;     // the file with the least room
};
// nullopt: it fits. `written`: the prefix that the person can change, which may lie above limit.prefix.
std::optional<Refusal> refuse_length(const PrefixLimit& limit, const std::string& written);

} // namespace tinderbox::place
