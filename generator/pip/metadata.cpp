#include "generator/pip/metadata.hpp"

#include "common/base/lines.hpp"
#include "common/base/text.hpp"
#include "generator/archive/zip.hpp"
#include "generator/pip/requirement.hpp"

namespace tinderbox::pip {

Metadata parse_metadata(std::string_view text) {
    Metadata out;
    std::string key, value;
    auto flush = [&] {
        if (key == "name") out.name = value;
        if (key == "version") out.version = value;
        if (key == "requires-python") out.requires_python = value;
        if (key == "requires-dist") out.requires_dist.push_back(value);
        if (key == "provides-extra") out.extras.push_back(normalize_name(value));
        key.clear();
    };
    for (std::string_view line : Lines(text)) {
        if (line.empty()) break; // the description begins
        if (line[0] == ' ' || line[0] == '\t') {
            value += " " + std::string(trim(line));
            continue;
        }
        flush();
        auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        key = to_lower(trim(line.substr(0, colon)));
        value = std::string(trim(line.substr(colon + 1)));
    }
    flush();
    return out;
}

Result<std::string> read_wheel_metadata(const fs::path& wheel) {
    TRY_ASSIGN(auto zip, archive::ZipReader::open(wheel));
    const archive::ZipMember* found = nullptr;
    for (const archive::ZipMember& member : zip->members()) {
        auto slash = member.path.find('/');
        if (slash == std::string::npos || member.path.substr(slash) != "/METADATA") continue;
        if (!std::string_view(member.path).substr(0, slash).ends_with(".dist-info")) continue;
        if (found)
            return make_error(ErrorKind::usage, "{}: it has two METADATA files, {} and {}, so it is no wheel",
                              zip->name(), found->path, member.path);
        found = &member;
    }
    if (!found)
        return make_error(ErrorKind::usage, "{}: it has no *.dist-info/METADATA, so it is no wheel", zip->name());
    TRY_ASSIGN(Bytes bytes, zip->read(*found, largest_metadata));
    return std::string(as_text(bytes));
}

} // namespace tinderbox::pip
