// Work on all cores; the first error is kept. Thread-safe.
#pragma once

#include "common/base/result.hpp"

#include <functional>

namespace tinderbox {

// CPUs this process may use (affinity and cgroup quota respected where cheap), at least 1.
unsigned available_cpus();

// Calls work(index) for every index in [0, count) on up to `threads` threads (0 = available_cpus()), in
// increasing order of start. After the first error no new index is started; that error is returned. An interruption
// (interruption.hpp) is such an error.
Status parallel_for(std::size_t count, unsigned threads, const std::function<Status(std::size_t)>& work);

} // namespace tinderbox
