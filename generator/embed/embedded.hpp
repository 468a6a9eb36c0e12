#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace tinderbox::embed {

// The files inside the program, as they were when it was built:
//
//   stub                 the runtime stub, stripped
//   probe/NAME           each build of the CUDA probe
//   templates/…          every file below templates/ in the source tree
//
// The bytes live as long as the program and are never copied. An unknown name gives an empty span: a missing file is a
// mistake of the build, which the caller reports. Implemented by the generated library tinderbox_embedded
// (cmake/Embed.cmake).
std::span<const std::byte> embedded(std::string_view name);

// All names, in the order of the table.
std::vector<std::string_view> embedded_names();

} // namespace tinderbox::embed
