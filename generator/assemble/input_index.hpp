// The inputs of the linker, indexed once for the questions of its jobs, so that no job searches the list for each
// package.
#pragma once

#include "generator/assemble/link.hpp"

#include <map>

namespace tinderbox::assemble {

// Indexes into the inputs, which have to outlive this object. Every list is in link order. Immutable, so thread-safe.
class InputIndex {
  public:
    using Indexes = std::vector<std::size_t>;

    explicit InputIndex(const std::vector<LinkInput>& inputs);

    const std::vector<LinkInput>& all() const { return inputs_; }
    const LinkInput& operator[](std::size_t index) const { return inputs_[index]; }
    std::size_t size() const { return inputs_.size(); }

    const Indexes& wheels() const { return wheels_; }
    // Conda packages that are linked into this prefix.
    const Indexes& conda_packages(format::Root root) const;
    // Bytecode that was compiled for input `index`.
    const Indexes& bytecode_of(std::size_t index) const;
    // The info/ directories of packages (LinkInput::info_of).
    const Indexes& infos() const { return infos_; }
    // The base's files that are in no package.
    std::optional<std::size_t> base_files() const { return base_files_; }

  private:
    const std::vector<LinkInput>& inputs_;
    Indexes wheels_, infos_;
    std::map<format::Root, Indexes> conda_packages_;
    std::map<std::size_t, Indexes> bytecode_;
    std::optional<std::size_t> base_files_;
};

// For messages: the artifact's file name; without an artifact its kind and name.
std::string display_name(const LinkInput& input);

} // namespace tinderbox::assemble
