// The kinds of artifact. Metadata, locks and manifests write them as words; code compares the enumeration.
#pragma once

#include <cstdint>
#include <string_view>

namespace tinderbox::parcel {

enum class ArtifactKind : std::uint8_t {
    wheel,
    conda,
    conda_info, // the info/ directory of a conda package
    python,     // a captured interpreter
    prefix,     // a captured environment
    base,       // the files of an installer that are not in a package
    include,    // --include, extra_files
    bytecode,   // compiled from another parcel
    other,
};

// The metadata's "kind" and that of a lock's artifacts. An unknown word is `other`.
ArtifactKind artifact_kind(std::string_view word);
std::string_view artifact_kind_name(ArtifactKind kind); // the word; "" of `other`

} // namespace tinderbox::parcel
