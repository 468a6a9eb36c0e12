// Fourth job of the linker: conda-meta of a prefix, and the scripts for entry points of conda packages.
#pragma once

#include "generator/assemble/generated_files.hpp"
#include "generator/conda/link.hpp"

#include <nlohmann/json_fwd.hpp>

namespace tinderbox::assemble {

// A prefix without conda packages gets a history, too: it makes the directory an environment for conda. Errors (usage):
// a noarch python package in a prefix without a Python.
Status add_conda_records(const LinkedPrefix& to, Linking& linking, GeneratedFiles& generated);

// The arguments of conda/link.hpp for the record of a conda package: its metadata, and the facts of input `index`.
nlohmann::json record_metadata(const LinkInput& input);
conda::RecordInput record_input(const Linking& linking, std::size_t index);

} // namespace tinderbox::assemble
