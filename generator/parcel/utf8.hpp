// What artifacts say in another encoding.
#pragma once

#include <string>
#include <string_view>

namespace tinderbox {

// JSON carries UTF-8 only, and old METADATA and licence texts are whatever their authors wrote: what is not UTF-8 is
// read as Latin-1.
std::string to_utf8(std::string_view text);

} // namespace tinderbox
