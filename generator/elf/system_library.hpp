// The libraries that are part of every glibc: the version of glibc covers them. Thread-safe, without errors.
#pragma once

#include <algorithm>
#include <string_view>

namespace tinderbox::elf {

inline bool is_glibc_library(std::string_view soname) {
    constexpr std::string_view stems[] = {
        "libc.so.",      "libm.so.",   "libdl.so.",   "librt.so.",           "libpthread.so.",   "libutil.so.",
        "libresolv.so.", "libanl.so.", "libmvec.so.", "libBrokenLocale.so.", "libthread_db.so.", "ld-linux"};
    return std::ranges::any_of(stems, [&](std::string_view stem) { return soname.starts_with(stem); });
}

} // namespace tinderbox::elf
