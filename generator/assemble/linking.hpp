// Shared by the jobs of link(). Each job is a file: packages, destinations, generated_files, conda_records,
// package_cache, image_manifest; link.cpp has their order.
#pragma once

#include "generator/assemble/input_index.hpp"
#include "generator/assemble/prefixes.hpp"

namespace tinderbox::assemble {

// Indexes of the manifest's packages that own the files.
struct LinkedPackages {
    std::vector<std::uint32_t> of_input; // by input
    std::uint32_t generated = 0;         // files that the linker writes for the whole environment
    std::uint32_t base = 0;              // files that it writes for the base
};

struct Linking {
    Linking(const lock::Lock& lock_, const format::PythonInfo* python, const std::vector<LinkInput>& inputs_,
            const LinkOptions& options_)
        : lock(lock_), options(options_), inputs(inputs_), prefixes(python, options_.base) {}

    const lock::Lock& lock;
    const LinkOptions& options;
    const InputIndex inputs;
    Prefixes prefixes;
    LinkedPackages packages; // from describe_packages
    Image image;
};

} // namespace tinderbox::assemble
