// How io::extract() writes files for the options of an installation.
#pragma once

#include "runtime/install/install.hpp"
#include "runtime/io/extract.hpp"

namespace tinderbox::install {

// The result's progress refers to `options`, which have to outlive it. `prefixes` by prefix_index().
inline io::ExtractOptions extract_options(const InstallOptions& options, const std::vector<std::string>& prefixes,
                                          unsigned mode_mask) {
    io::ExtractOptions out;
    out.jobs = options.jobs;
    out.no_uring = options.no_uring;
    out.no_direct = options.no_direct;
    out.mode_mask = static_cast<std::uint16_t>(mode_mask);
    out.prefixes = prefixes;
    out.progress = options.tell(InstallProgress::Work::extract);
    out.interrupted = options.interrupted;
    out.faults = options.faults;
    return out;
}

} // namespace tinderbox::install
