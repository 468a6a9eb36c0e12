// An update: an installer without the files that the environments of earlier installers have.
//
// A file stays out when every earlier environment has it at the same path with the same bytes and relocations. Then the
// installed files are equal as well, in the same prefix. Blocks that only such files need stay out; where files of both
// kinds share a block, those that are needed are compressed again.
#pragma once

#include "generator/assemble/link.hpp"

namespace tinderbox::assemble {

struct EarlierTable {
    format::EarlierInstaller installer;
    std::string platform;
    format::Table table;
};

// Marks the contents that every one of `earlier` has, drops blocks and fills in Manifest::update. `image` is linked
// without a base; `threads` as in parallel_for. Errors: storage (a parcel cannot be read), bug.
Status make_update(Image& image, const std::vector<LinkInput>& inputs, const std::vector<EarlierTable>& earlier,
                   unsigned threads);

// What an update from one table to another would hold.
struct UpdateWeight {
    std::uint64_t files = 0, bytes = 0; // as installed
    std::uint64_t packed = 0;           // about: files that share a block get their part of it
};
UpdateWeight weigh_update(const format::Table& before, const format::Table& now);

} // namespace tinderbox::assemble
