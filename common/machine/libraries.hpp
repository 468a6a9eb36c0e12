// Finds shared libraries as the target's dynamic loader would, without running it. Thread-safe.
#pragma once

#include "common/machine/system_root.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::machine {

class LibraryIndex {
  public:
    // Reads /etc/ld.so.cache of `root` (glibc's format 1.1; a cache of another format or a damaged one counts
    // as empty, the standard directories are searched anyway).
    explicit LibraryIndex(const SystemRoot& root);

    // The path of a soname; "": the loader would find none. `first` are directories to search before everything else
    // (LD_LIBRARY_PATH).
    std::string find(std::string_view soname, const std::vector<std::string>& first = {}) const;
    // "2.31" out of the banner in libc.so.6 ("" = none found), and where that file is.
    struct Glibc {
        std::string version, path;
    };
    Glibc glibc() const;
    bool musl() const;

  private:
    const SystemRoot& root_;
    std::vector<std::pair<std::string, std::string>> cache_; // soname → path
};

// Pairs (soname, path) of an ld.so.cache; empty when it cannot be understood.
std::vector<std::pair<std::string, std::string>> parse_ld_cache(std::string_view bytes);

// "2.36" from the text of a libc.so.6; "".
std::string glibc_version_in(std::string_view bytes);

} // namespace tinderbox::machine
