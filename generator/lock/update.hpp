// Making a lock again: detects a changed request, pins packages, and lists packages that moved.
#pragma once

#include "generator/lock/lock.hpp"
#include "generator/spec/request.hpp"

#include <string>
#include <vector>

namespace tinderbox::lock {

// SHA-256 (hex) of a request without comments, order of keys and lines: equal digests mean that one lock answers both.
std::string request_digest(const spec::Request& request);

// Pins every package of `previous` except `update` when `request` is solved again. Names are those of packages (any
// spelling of a pip name). Errors (usage): a name that neither the lock nor the request has.
Status pin_to(const Lock& previous, const std::string& lock_path, const std::vector<std::string>& update,
              spec::Request& request);

// The SPECs that have changed since the lock was made, by their names in the lock. A SPEC that cannot be read does not
// count, because a lock may be sent without its request. Relative paths start in the directory of `lock_path`.
std::vector<std::string> changed_sources(const Lock& lock, const std::string& lock_path);

// After solving again every package but `update` must have its version of `previous`, or be gone. Error
// (unsatisfiable): all packages that moved, each with the --update that would allow it.
Status check_pins(const Lock& previous, const Lock& now, const std::vector<std::string>& update);

struct LockChange {
    std::string name, before, after; // versions; "" where the lock lacks the package
};
std::vector<LockChange> changes(const Lock& before, const Lock& after); // by name

} // namespace tinderbox::lock
