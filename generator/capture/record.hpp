// A wheel's RECORD after its files were moved (PEP 376, PEP 627).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::capture {

struct RecordLine {
    std::string path, hash; // "" = none
};
// Its rows; empty lines are left out. Never fails: what a line lacks is "".
std::vector<RecordLine> record_lines(std::string_view text);

// The path of a row relative to the prefix; "../…" or "/…" outside of it. `site_packages` as in updated_record().
std::string path_in_prefix(const RecordLine& row, const std::string& site_packages);

inline constexpr std::uint64_t largest_record = 256u << 20; // bytes

enum class RecordState { same, relocated, missing };

// RECORD's text for the copy. A file that relocation changes loses hash and size, because only the target knows its
// final content. A file that was not captured loses its row, except bytecode, which is compiled again. A row that names
// a place outside the prefix is dropped. Text that is no RECORD stays. `site_packages`: the directory that rows are
// relative to, itself relative to the prefix. `state` is called with paths relative to the prefix.
std::string updated_record(const std::string& text, const std::string& site_packages,
                           const std::function<RecordState(const std::string& path)>& state);

} // namespace tinderbox::capture
