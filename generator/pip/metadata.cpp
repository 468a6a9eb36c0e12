#include "generator/pip/metadata.hpp"

#include "common/base/text.hpp"
#include "generator/archive/zip.hpp"
#include "generator/pip/lenient.hpp"
#include "generator/pip/options.hpp"
#include "generator/pip/wheel.hpp"

namespace tinderbox::pip {

namespace {

void read_requires_python(const std::string& value, Metadata& out) {
    out.requires_python = value;
    auto specifiers = parse_requires_python(value);
    if (specifiers) out.python = std::move(*specifiers);
    else if (out.unreadable.empty())
        out.unreadable = fmt::format("has a Requires-Python that cannot be read ('{}')", printable(value));
}

void read_requires_dist(const std::string& value, Metadata& out) {
    auto requirement = parse_requires_dist(value);
    if (!requirement) {
        if (out.unreadable.empty())
            out.unreadable = fmt::format("has a requirement that cannot be read ('{}')", printable(value));
        return;
    }
    if (requirement->text != trim(value))
        out.repairs.push_back(fmt::format("'{}' is read as '{}'", printable(value), printable(requirement->text)));
    out.requires_dist.push_back(std::move(*requirement));
}

} // namespace

Metadata parse_metadata(std::string_view text) {
    Metadata out;
    for (const auto& [key, raw] : parse_headers(text)) {
        const std::string value = replace_all(raw, "\n", " ");
        if (key == "name" && out.name.empty()) out.name = value;
        else if (key == "version" && out.version.empty()) out.version = value;
        else if (key == "requires-python" && out.requires_python.empty()) read_requires_python(value, out);
        else if (key == "requires-dist") read_requires_dist(value, out);
        else if (key == "provides-extra") out.extras.push_back(normalize_name(value));
    }
    return out;
}

std::string why_unusable(const Metadata& metadata, const std::string& name, const Version& version,
                         const Version& python, const std::string& shown_python) {
    if (!metadata.python.matches(python))
        return fmt::format("requires Python {}, and the environment has {}", metadata.requires_python, shown_python);
    const auto own = Version::parse(metadata.version);
    if (normalize_name(metadata.name) != name || !own || own->public_version() != version.public_version())
        return fmt::format("says in its metadata that it is {} {}", metadata.name, metadata.version);
    return metadata.unreadable;
}

void warn_of_repairs(const Metadata& metadata, std::vector<std::string>& warnings) {
    if (metadata.repairs.empty()) return;
    warnings.push_back(fmt::format("{} {}: its metadata has a requirement with a mistake: {}", metadata.name,
                                   metadata.version, fmt::join(metadata.repairs, ", ")));
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
