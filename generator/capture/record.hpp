// A wheel's RECORD after its files were moved (PEP 376, PEP 627).
#pragma once

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

enum class RecordState { same, relocated, missing };

// RECORD's text for the copy. A file that relocation changes loses hash and size, because only the target knows its
// final content. A file that was not captured loses its row, except bytecode, which is compiled again. A row that names
// a place outside the prefix is dropped. Text that is no RECORD stays. `site_packages`: the directory that rows are
// relative to, itself relative to the prefix. `state` is called with paths relative to the prefix.
std::string updated_record(const std::string& text, const std::string& site_packages,
                           const std::function<RecordState(const std::string& path)>& state);

} // namespace tinderbox::capture
