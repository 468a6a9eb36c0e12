// --cuda VERSION and --python VERSION: words of the command line that stand for packages.
#pragma once

#include "generator/spec/request.hpp"

#include <string_view>

namespace tinderbox::lock {

// --python 3.9 → the match spec "python=3.9"; ">=3.9,<3.12" → "python>=3.9,<3.12". Errors: kind usage.
Status add_python(spec::Request& request, const std::string& version);

// --cuda 11.3: conda's cudatoolkit=11.3 (cuda-version=12.4 from 12 on) when the request has conda entries, and for pip
// entries the index of wheels made for it, from `table` (templates/cuda_indexes.json; TINDERBOX_CUDA_INDEX_URL replaces
// its base, for mirrors). An index of a +cuXXX that the request names itself is left alone. Errors: kind usage, with
// the versions there are.
Status add_cuda(spec::Request& request, const std::string& version, std::string_view table);

} // namespace tinderbox::lock
