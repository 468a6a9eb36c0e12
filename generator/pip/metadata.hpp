// The fields of a wheel's METADATA that choosing packages needs (core metadata 1.1 – 2.4, an e-mail-like header).
#pragma once

#include "common/base/file.hpp"
#include "generator/pip/requirement.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::pip {

// The largest METADATA or PKG-INFO that is read, in bytes; the largest known have 300 kB.
inline constexpr std::uint64_t largest_metadata = 16u << 20;

struct Metadata {
    std::string name, version, requires_python; // as written
    SpecifierSet python;                        // Requires-Python; empty: every Python
    std::vector<Requirement> requires_dist;
    std::vector<std::string> extras;  // Provides-Extra, normalised
    std::vector<std::string> repairs; // "'six (>=1.10<2.0)' is read as 'six (>=1.10,<2.0)'" (generator/pip/lenient.hpp)
    // "has a requirement that cannot be read ('…')": the first field that no repair makes readable; "" when all are
    // read. Such a package is refused, because nobody knows what it needs.
    std::string unreadable;
};

// The only reader of these fields, so that every way to a package judges it alike. Never fails.
Metadata parse_metadata(std::string_view text);

// Why a package that an index or a file name calls `name` and `version` cannot be used with `python`, to stand behind
// its name: "requires Python >=3.12, and the environment has 3.11". "" when it can.
std::string why_unusable(const Metadata& metadata, const std::string& name, const Version& version,
                         const Version& python, const std::string& shown_python);
// Adds a warning for the requirements of a chosen package that had to be repaired.
void warn_of_repairs(const Metadata& metadata, std::vector<std::string>& warnings);

// *.dist-info/METADATA of a wheel on this machine. Errors: kind usage, "WHEEL: …".
Result<std::string> read_wheel_metadata(const fs::path& wheel);

} // namespace tinderbox::pip
