// --target FILE: machines that describe themselves (common/machine/description.hpp). A build takes what all of them can
// run, and judges the environment for each. Thread-safe.
#pragma once

#include "common/machine/description.hpp"

#include <map>
#include <string>
#include <vector>

namespace tinderbox::advise {

struct DescribedMachine {
    std::string file; // as the person named it
    machine::Description description;
};

// Kind usage: a file that is no description, and machines of different processors.
Result<std::vector<DescribedMachine>> read_machines(const std::vector<std::string>& files);

// Kind usage: the machines have another processor than the platform.
Status check_processor(const std::vector<DescribedMachine>& machines, const std::string& platform);

// What every machine has, those of --target-gpu and --target-driver included.
struct CommonTarget {
    machine::GpuTarget gpu;                      // the GPUs of all, and the oldest driver that is known
    bool has_gpu = false;                        // one of them has a GPU, or is asked for
    std::string glibc;                           // the oldest; "" = none is known
    std::map<std::string, std::string> virtuals; // __linux, __archspec, __cuda_arch, as far as they are known
};
CommonTarget common_target(const machine::GpuTarget& named, const std::vector<DescribedMachine>& machines);

// Error (kind machine): a sentence for each need that a machine does not meet. Else the other findings; their sentences
// begin with the file. `needs` and `names_collide` as of judge_description().
Result<std::vector<machine::Finding>> check_machines(const std::vector<DescribedMachine>& machines,
                                                     const format::Manifest& manifest,
                                                     const std::optional<format::InstallInfo>& needs = {},
                                                     const machine::NamesCollide& names_collide = {});

// The same of the places alone.
Result<std::vector<machine::Finding>> check_places(const std::vector<DescribedMachine>& machines,
                                                   const format::InstallInfo& needs);

} // namespace tinderbox::advise
