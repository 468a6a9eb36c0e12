// --cuda VERSION and --python VERSION: options of the command line that stand for packages.
#pragma once

#include "generator/spec/request.hpp"

#include <string_view>

namespace tinderbox::lock {

// --python 3.9 → the match spec "python=3.9"; ">=3.9,<3.12" → "python>=3.9,<3.12". Errors: kind usage.
Status add_python(spec::Request& request, const std::string& version);

// --cuda 11.3. For conda entries: cudatoolkit=11.3 (cuda-version=12.4 from CUDA 12 on). For pip entries: the index of
// wheels for that CUDA from `table` (templates/cuda_indexes.json; TINDERBOX_CUDA_INDEX_URL replaces its base, for
// mirrors). An index for +cuXXX wheels in the request stays. Errors: kind usage, with the known versions.
Status add_cuda(spec::Request& request, const std::string& version, std::string_view table);

} // namespace tinderbox::lock
