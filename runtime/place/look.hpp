// Every look at the disk that the decision about a place needs. place.cpp decides from these answers alone.
#pragma once

#include "runtime/place/state.hpp"
#include "runtime/place/trust.hpp"

namespace tinderbox::place {

// The kinds of things that may lie at a path.
enum class Found {
    absent,
    file, // or a link that leads nowhere
    unreadable,
    empty_directory, // or with nothing but lost+found and a begun installation
    directory,
    conda,       // a directory with conda-meta
    environment, // one that Tinderbox installed
    untrusted,   // a directory of another user, or behind one: nobody looked into it
};
std::string_view to_string(Found found);
Found look_at(const Approach& approach);

// Traces of one installer at a root.
struct Traces {
    std::optional<State> state;                 // nothing: the tree is begun
    InstalledParts parts = InstalledParts::env; // of the tree, whole or begun in this directory
};
// nullopt: nothing of this installer's. A damaged or foreign state or journal counts as nothing.
std::optional<Traces> traces_of(const Directory& root, const Trust& trust, const std::string& manifest_sha256);

// PREFIX whose envs/ an environment can be added to: a conda, or the root of a mamba or micromamba.
bool is_conda_root(const fs::path& prefix);

// A conda that can be initialised and told to activate: PREFIX with conda-meta and bin/conda or condabin/conda.
bool is_conda_prefix(const fs::path& prefix);

} // namespace tinderbox::place
