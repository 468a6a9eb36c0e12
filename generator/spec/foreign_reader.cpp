#include "generator/spec/foreign_reader.hpp"

#include "common/base/file.hpp"
#include "common/base/last_component.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/archive/endings.hpp"
#include "generator/conda/names.hpp"
#include "generator/fetch/url.hpp"
#include "generator/pip/tags.hpp"

#include <algorithm>

namespace tinderbox::spec {

Status set_digest(std::string& out, std::string_view digest, std::size_t digits, const pip::SourceLine& line) {
    if (digest.empty()) return {};
    if (digest.size() != digits || digest.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos)
        return line_error(line, "the hash '{}' is not {} hexadecimal digits; make the lock again", digest, digits);
    out = to_lower(digest);
    return {};
}

Status set_hash(ForeignFile& out, std::string_view hash, const pip::SourceLine& line) {
    if (hash.empty()) return {};
    auto colon = hash.find(':');
    if (colon == std::string_view::npos)
        return line_error(line, "the hash '{}' is not ALGORITHM:DIGEST; make the lock again", hash);
    if (hash.substr(0, colon) == "sha256") return set_digest(out.sha256, hash.substr(colon + 1), 64, line);
    if (hash.substr(0, colon) == "md5") return set_digest(out.md5, hash.substr(colon + 1), 32, line);
    return {};
}

std::string location_of(std::string_view text, const std::string& lock_path) {
    if (is_url(text) || text.find("://") != std::string_view::npos) return std::string(text);
    std::error_code ignored;
    fs::path path(text);
    if (path.is_relative()) path = fs::path(directory_of(lock_path)) / path;
    return fs::absolute(path, ignored).lexically_normal().string();
}

std::string file_name_of(std::string_view location) {
    std::string path = fetch::path_at(location);
    while (path.ends_with('/')) path.pop_back();
    return std::string(last_component(path));
}

Status set_conda_location(ForeignPackage& out, std::string_view location, const std::string& lock_path) {
    ForeignFile file;
    file.url = location_of(location.substr(0, location.find('#')), lock_path);
    file.file_name = file_name_of(file.url);
    auto name = conda::parse_file_name(file.file_name);
    if (!name)
        return line_error(out.line,
                          "'{}' does not end with NAME-VERSION-BUILD.conda or .tar.bz2, as a conda package's URL does",
                          pip::printable(location));
    if (out.name.empty()) out.name = to_lower(name->name);
    if (out.version.empty()) out.version = name->version;
    if (out.build.empty()) out.build = name->build;
    out.files = {std::move(file)};
    return {};
}

void set_pypi_location(ForeignPackage& out, std::string_view location, const std::string& lock_path,
                       std::string_view sha256, std::string_view md5) {
    // pixi writes the URL of an archive that was named directly as "direct+https://…".
    if (location.starts_with("direct+")) {
        location.remove_prefix(7);
        out.direct = true;
    }
    if (is_vcs_url(location)) {
        out.source = fmt::format("the version control checkout '{}'", pip::printable(location));
        return;
    }
    // conda-lock puts the hash behind the URL.
    ForeignFile file;
    file.url = location_of(is_url(location) ? location.substr(0, location.find('#')) : location, lock_path);
    file.file_name = file_name_of(file.url);
    file.sha256 = to_lower(sha256);
    file.md5 = to_lower(md5);
    if (!is_url(location)) out.direct = true;
    if (archive::is_wheel(file.file_name)) out.files.push_back(std::move(file));
    else if (archive::is_sdist(file.file_name)) out.sdist = std::move(file);
    else out.source = fmt::format("the directory '{}'", location);
    if (!out.version.empty()) return;
    if (auto wheel = out.files.empty() ? std::nullopt : pip::parse_wheel_name(out.files.front().file_name))
        out.version = wheel->version_text;
}

std::string describe(const ForeignPackage& package) {
    return package.version.empty() ? package.name : package.name + " " + package.version;
}

} // namespace tinderbox::spec
