#include "generator/parcel/universal.hpp"

#include "common/format/json_read.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::parcel {

using nlohmann::json;

bool fits_every_platform(const std::vector<std::string>& tags) {
    return !tags.empty() && std::ranges::all_of(tags, [](const std::string& tag) { return tag.ends_with("-any"); });
}

bool is_of_universal_package(const json& metadata, const std::string& path) {
    if (!format::text_field(format::child_of(metadata, "conda"), "noarch").empty()) return true;
    if (const json& tags = format::child_of(metadata, "tags"); tags.is_array())
        return fits_every_platform(tags.get<std::vector<std::string>>());
    const json& files = format::child_of(metadata, "universal");
    return files.is_array() && std::find(files.begin(), files.end(), path) != files.end();
}

} // namespace tinderbox::parcel
