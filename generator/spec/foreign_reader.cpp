#include "generator/spec/foreign_reader.hpp"

#include "common/base/file.hpp"
#include "common/base/last_component.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/archive/endings.hpp"
#include "generator/conda/names.hpp"
#include "generator/fetch/hashes.hpp"
#include "generator/fetch/url.hpp"
#include "generator/pip/tags.hpp"

#include <algorithm>

namespace tinderbox::spec {

Status add_hashes(ForeignFile& out, const Digests& digests, const pip::SourceLine& line) {
    for (const auto& [algorithm, digest] : digests) {
        if (digest.empty()) continue;
        TRY(fetch::add_hash(out, algorithm, digest).in(line.str()));
    }
    return {};
}

Status add_hash(ForeignFile& out, std::string_view hash, const pip::SourceLine& line) {
    if (hash.empty()) return {};
    if (hash.find(':') == std::string_view::npos)
        return line_error(line, "the hash '{}' is not ALGORITHM:DIGEST; make the lock again", hash);
    const auto [algorithm, digest] = fetch::split_hash(hash);
    return add_hashes(out, {{std::string(algorithm), std::string(digest)}}, line);
}

Result<Digests> digests_of(const YamlFile& file, const YAML::Node& map, bool all) {
    Digests out;
    if (!map.IsDefined() || !map.IsMap()) return out;
    TRY_ASSIGN(auto pairs, file.pairs(map, "'hash'"));
    for (const auto& [key, value] : pairs) {
        if (value.IsNull() || (!all && !fetch::is_hash_name(key.Scalar()))) continue;
        TRY_ASSIGN(std::string digest, file.scalar(value, "'" + key.Scalar() + "'"));
        out.emplace_back(key.Scalar(), std::move(digest));
    }
    return out;
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

Status set_conda_location(ForeignPackage& out, std::string_view location, const std::string& lock_path,
                          const Digests& digests) {
    const auto hash = std::min(location.find('#'), location.size());
    ForeignFile file;
    file.url = location_of(location.substr(0, hash), lock_path);
    file.file_name = file_name_of(file.url);
    TRY(add_hashes(file, digests, out.line));
    if (hash < location.size()) TRY(add_hashes(file, fetch::fragment_hashes(location.substr(hash + 1)), out.line));
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

Status set_pypi_location(ForeignPackage& out, std::string_view location, const std::string& lock_path,
                         const Digests& digests) {
    // pixi writes the URL of an archive that was named directly as "direct+https://…".
    if (location.starts_with("direct+")) {
        location.remove_prefix(7);
        out.direct = true;
    }
    if (is_vcs_url(location)) {
        out.source = fmt::format("the version control checkout '{}'", pip::printable(location));
        return {};
    }
    const auto hash = is_url(location) ? std::min(location.find('#'), location.size()) : location.size();
    ForeignFile file;
    file.url = location_of(location.substr(0, hash), lock_path);
    file.file_name = file_name_of(file.url);
    TRY(add_hashes(file, digests, out.line));
    // conda-lock puts a hash behind the URL.
    if (hash < location.size()) TRY(add_hashes(file, fetch::fragment_hashes(location.substr(hash + 1)), out.line));
    if (!is_url(location)) out.direct = true;
    if (archive::is_wheel(file.file_name)) out.files.push_back(std::move(file));
    else if (archive::is_sdist(file.file_name)) out.sdist = std::move(file);
    else out.source = fmt::format("the directory '{}'", location);
    set_version_of_file(out);
    return {};
}

void set_version_of_file(ForeignPackage& out) {
    if (!out.version.empty()) return;
    for (const ForeignFile& file : out.files)
        if (auto wheel = pip::parse_wheel_name(file.file_name)) {
            out.version = wheel->version.str();
            return;
        }
    if (auto version = out.sdist ? pip::parse_sdist_name(out.sdist->file_name, out.name) : std::nullopt)
        out.version = version->str();
}

std::string describe(const ForeignPackage& package) {
    return package.version.empty() ? package.name : package.name + " " + package.version;
}

} // namespace tinderbox::spec
