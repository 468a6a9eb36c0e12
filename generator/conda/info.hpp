// The metadata of a conda package: the files under info/ (docs/inside/installer-formats.md §2). They mean what conda's
// gateways/disk/read.py reads in them.
//
// Pure functions from text. `where` is ARTIFACT:MEMBER, with which every error begins; errors are of kind
// usage.
#pragma once

#include "generator/parcel/artifact.hpp"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::conda {

// One entry of info/paths.json, or of the files that older packages have in its place.
struct PathEntry {
    std::string path;                                 // in the package; safe (safe_relative_path)
    format::EntryKind kind = format::EntryKind::file; // path_type: hardlink, softlink, directory
    bool kind_known = true;                           // false: from info/files, the archive decides
    std::string sha256;                               // hex, "" unknown; of a softlink: of the file it leads to
    std::optional<std::uint64_t> size;                // bytes, before the prefix is put in
    bool no_link = false;
    parcel::PrefixMode prefix_mode = parcel::PrefixMode::none;
    std::string placeholder;
};

struct EntryPoint { // "command = module:function"
    std::string command, module, function;
};

enum class Noarch : std::uint8_t { none, generic, python };

// The prefix of packages that are older than has_prefix with modes. It is composed of two parts, so that no tool that
// looks for it in files changes this program.
std::string default_placeholder();

Result<nlohmann::json> parse_info_json(std::string_view text, const std::string& where);

// info/paths.json. Another paths_version than 1, a missing or wrong field, an unsafe or repeated path:
// errors.
Result<std::vector<PathEntry>> parse_paths_json(std::string_view text, const std::string& where);

struct LegacyInfo { // contents; nullopt when the package has no such file
    std::optional<std::string> files, has_prefix, no_link, no_softlink;
};
// `artifact` is what errors begin with; the member is added.
Result<std::vector<PathEntry>> parse_legacy_paths(const LegacyInfo& info, const std::string& artifact);

// info/link.json (also called package_metadata.json): version 1, the entry points of a noarch python package.
struct LinkInfo {
    Noarch noarch = Noarch::none;
    std::vector<EntryPoint> entry_points;
};
Result<LinkInfo> parse_link_json(std::string_view text, const std::string& where);
Result<EntryPoint> parse_entry_point(std::string_view definition);
// Python identifiers, separated by dots: the name of a module.
bool is_dotted_name(std::string_view text);

// info/index.json with what later code relies on: name, version, build (strings fit for a file name),
// build_number, subdir, depends (strings).
Result<nlohmann::json> parse_index_json(std::string_view text, const std::string& where);
Result<Noarch> noarch_of(const nlohmann::json& index, const std::string& where);

} // namespace tinderbox::conda
