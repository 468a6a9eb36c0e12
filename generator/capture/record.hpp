// A wheel's RECORD after its files were moved (PEP 376, PEP 627).
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace tinderbox::capture {

enum class RecordState { same, relocated, missing };

// RECORD's text for the copy. A file that relocation changes has neither hash nor size any more (its final content is
// known at the target only); a file that was not captured loses its row, but for bytecode, which is compiled again.
// `site_packages`: the directory rows are relative to, itself relative to the prefix; `state` is asked with a path
// relative to the prefix. A row that names a place outside the prefix is dropped. Text that is no RECORD stays.
std::string updated_record(const std::string& text, const std::string& site_packages,
                           const std::function<RecordState(const std::string& path)>& state);

} // namespace tinderbox::capture
