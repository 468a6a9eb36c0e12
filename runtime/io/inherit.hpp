// Files that an update does not hold: they come from the environment that it is for.
#pragma once

#include "common/base/progress.hpp"
#include "runtime/io/files.hpp"

namespace tinderbox::io {

struct Inheritance {
    const Directory& old; // the root of that environment
    // By destination: as they are installed there. The caller has compared their bytes.
    const std::vector<format::InstalledFile>& files;
};

// Gives each of WritePlan::inherited its file: a second name of the old one where the file system has hard links, else
// a copy, which shares its blocks where it can. An old file with another mode or time than it shall have is copied as
// well: both names have one inode. Kinds: storage (a file is not the one that was compared), interrupted.
Status inherit_files(const Tree& tree, const Inheritance& from, unsigned threads, const std::atomic<bool>* interrupted,
                     ProgressCounter& progress);

} // namespace tinderbox::io
