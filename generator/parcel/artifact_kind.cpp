#include "generator/parcel/artifact_kind.hpp"

#include <array>
#include <utility>

namespace tinderbox::parcel {
namespace {

constexpr std::array<std::pair<std::string_view, ArtifactKind>, 8> words = {{
    {"wheel", ArtifactKind::wheel},
    {"conda", ArtifactKind::conda},
    {"conda-info", ArtifactKind::conda_info},
    {"python", ArtifactKind::python},
    {"prefix", ArtifactKind::prefix},
    {"base", ArtifactKind::base},
    {"include", ArtifactKind::include},
    {"bytecode", ArtifactKind::bytecode},
}};

} // namespace

ArtifactKind artifact_kind(std::string_view word) {
    for (const auto& [name, kind] : words)
        if (name == word) return kind;
    return ArtifactKind::other;
}

std::string_view artifact_kind_name(ArtifactKind kind) {
    for (const auto& [name, of] : words)
        if (of == kind) return name;
    return "";
}

} // namespace tinderbox::parcel
