// What becomes of a lock when it is made again: which request it answered, what changed, what stays pinned.
#pragma once

#include "generator/lock/lock.hpp"
#include "generator/spec/request.hpp"

#include <string>
#include <vector>

namespace tinderbox {

// SHA-256 (hex) of what a request asks for, whatever its comments, its order of keys and its lines: two files with one
// digest are answered by one lock.
std::string request_digest(const Request& request);

// Keeps everything of `previous` but `update` as it is, when `request` is solved again. Names are those of packages
// (any spelling of a pip name). Errors (usage): a name that neither the lock nor the request has.
Status pin_to(const Lock& previous, const std::string& lock_path, const std::vector<std::string>& update,
              Request& request);

// The SPECs that have changed since the lock was made, as they are named in it. Those that are not there (the lock was
// sent without its request) or cannot be read do not count. `lock_path`: their paths start beside it.
std::vector<std::string> changed_sources(const Lock& lock, const std::string& lock_path);

// After solving again: whether everything but `update` is still what `previous` had (or gone). Errors (unsatisfiable):
// what moved, all of it, with the --update that would allow it.
Status check_pins(const Lock& previous, const Lock& now, const std::vector<std::string>& update);

struct LockChange {
    std::string name, before, after; // versions; "" where the package is not there
};
std::vector<LockChange> changes(const Lock& before, const Lock& after); // by name

} // namespace tinderbox
