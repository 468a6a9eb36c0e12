#include "generator/parcel/key.hpp"

#include "common/base/text.hpp"
#include "generator/parcel/index.hpp"

namespace tinderbox::parcel {

// Caches of earlier releases stay valid only while these texts stay as they are (tests/unit/parcel/key_test.cpp).
std::string ParcelKeys::key(std::string_view artifact_sha256, std::string_view variant) const {
    return to_hex(sha256(as_bytes(fmt::format("parcel {} {} {} {}\n{}", pack_version, format::table_version,
                                              to_lower(artifact_sha256), level_name(level_), variant))));
}

std::string ParcelKeys::artifact(ArtifactKind kind, std::string_view sha256) const {
    if (kind == ArtifactKind::conda)
        return key(sha256, fmt::format("conda {} mtime {}", conda_reader_version, source_mtime_));
    return key(sha256, fmt::format("mtime {}", source_mtime_));
}

std::string ParcelKeys::conda_info(std::string_view package_sha256) const {
    return key(package_sha256,
               fmt::format("info {} conda {} mtime {}", conda_info_version, conda_reader_version, source_mtime_));
}

std::string ParcelKeys::base_files(std::string_view installer_sha256) const {
    return key(installer_sha256, fmt::format("base files {} mtime {}", base_files_version, source_mtime_));
}

std::string ParcelKeys::include(std::string_view sha256, std::string_view destination,
                                std::string_view environment) const {
    if (environment.empty()) return key(sha256, fmt::format("include 2 {} mtime {}", destination, source_mtime_));
    return key(sha256, fmt::format("include 1 {} {} mtime {}", environment, destination, source_mtime_));
}

std::string ParcelKeys::bytecode(std::string_view sources, std::string_view interpreter,
                                 std::string_view cache_tag) const {
    return key(sources, fmt::format("bytecode {} {} {} {}", bytecode_version, interpreter, cache_tag, source_mtime_));
}

} // namespace tinderbox::parcel
