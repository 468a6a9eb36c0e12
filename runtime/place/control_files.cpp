#include "runtime/place/control_files.hpp"

#include "common/base/hash.hpp"

namespace tinderbox::place {

fs::path stage_beside(const fs::path& root, std::string_view manifest_sha256) {
    constexpr std::size_t id_digits = 16;
    const std::string id = to_hex(sha256(as_bytes(fmt::format("{}\n{}", manifest_sha256, root.string()))));
    return root.parent_path() /
           fmt::format(".{}.tinderbox-stage-{}", root.filename().string(), id.substr(0, id_digits));
}

fs::path aside_of(const fs::path& root) {
    return root.parent_path() / fmt::format(".{}.tinderbox-old", root.filename().string());
}

} // namespace tinderbox::place
