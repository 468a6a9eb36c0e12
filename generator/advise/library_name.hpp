// A shared library's name taken apart, so that a library is known in each form that packages give its name.
#pragma once

#include <string_view>

namespace tinderbox::advise {

// Views into the text. "torch/lib/libcudart-80664282.so.10.2" → libcudart, 10.2; "libtorch_cuda.so" → libtorch_cuda,
// "". auditwheel grafts a library under its name with "-" and the first eight hexadecimal digits of its SHA-256. Never
// fails: of another name the stem is the whole last component. Thread-safe.
struct LibraryName {
    std::string_view stem, version;
};
LibraryName library_name(std::string_view path);

} // namespace tinderbox::advise
