// Paths that the environment makes itself. pip lets a wheel replace them in silence; then `python` or `activate` is
// another program.
#pragma once

#include "generator/assemble/linking.hpp"

namespace tinderbox::assemble {

// Whether the linker, the interpreter or pip makes this path below an environment's prefix, or Python reads it there at
// its start: bin/python*, bin/pip*, bin/activate*, pyvenv.cfg, conda-meta. `package` is the normalized name of the
// package that brings the path: pip's own names are pip's.
bool is_own_path(std::string_view path, std::string_view package);

// Error (usage): a wheel's file `d` lies at such a path, or would replace `old`, a file of the interpreter with other
// bytes outside of site-packages. `old`: what lies at the path; nullptr = nothing. `who` names the wheel.
Status check_own_paths(const Linking& linking, const format::Destination& d, const format::Destination* old,
                       const std::string& who);

} // namespace tinderbox::assemble
