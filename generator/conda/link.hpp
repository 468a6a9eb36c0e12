// Linking conda packages into a prefix: makes at build time every decision that conda makes while it installs.
//
// Pure functions of the metadata from package.hpp (kept in the parcel) and of the lock. They read and write no file.
// The prefix, and hashes of files that it changes, are known only at the target: they are holes in the texts
// (generator/parcel/generated.hpp). All functions are thread-safe.
//
// Spec: conda's core/link.py, core/path_actions.py, models/prefix_graph.py, history.py; CEP 17
// (python_site_packages_ path); CEP 34 (records). Where conda and rattler differ, conda is followed;
// docs/measured/comparison.md lists the differences.
#pragma once

#include "common/format/manifest.hpp"
#include "generator/parcel/generated.hpp"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tinderbox::conda {

// ---- order --------------------------------------------------------------------------------------------

struct LinkNode {
    std::string name, dist;           // dist breaks ties: "channel/subdir::name-version-build" or "name-version-build"
    std::vector<std::string> depends; // match specs
    bool noarch_python = false;       // needs python even if it does not say so
};
LinkNode link_node(const nlohmann::json& metadata);

// Indexes of `nodes` in link order: dependencies come before their dependents, and of two files with one path the later
// one stays. As in conda: packages without dependencies first, then level by level, each by name. A cycle is cut at the
// package with the fewest open dependencies (then by dist), but a dependency of python on pip is always cut.
std::vector<std::size_t> link_order(std::span<const LinkNode> nodes);

// "conda-forge::python >=3.11,<3.12.0a0" → "python"; lower case.
std::string match_spec_name(std::string_view spec);

// ---- python -------------------------------------------------------------------------------------------

// Of the package "python" (CPython, free-threaded CPython, PyPy). Error (usage): it is no Python, or has no version.
Result<format::PythonInfo> python_info(const nlohmann::json& metadata);

// Whether .pyc are compiled and recorded for this package. As in conda: only for noarch python packages, and there only
// for .py below site-packages. Other packages ship their bytecode.
bool compiles_bytecode(const nlohmann::json& metadata);

// Scripts for the entry points of a noarch python package, mode 0775. They win over files of the same path.
std::vector<parcel::GeneratedFile> entry_point_files(const nlohmann::json& metadata, const format::PythonInfo& python);

// The post-link and pre-unlink scripts, as the manifest lists them.
std::vector<format::ScriptInfo> link_scripts(const nlohmann::json& metadata);

// ---- conda-meta ---------------------------------------------------------------------------------------

// A file as the image has it at its final path.
struct LinkedFile {
    std::string sha256; // hex, before relocation; "" for a symlink or directory
    std::uint64_t size = 0;
    bool changes = false;    // it has relocations, so that its hash is known at the target only
    bool recompiled = false; // the target compiles this bytecode anew, so its hash is unknown
};
// nullopt: the image has no such path, and the record does not list it.
using LinkedFileLookup = std::function<std::optional<LinkedFile>(const std::string& final_path)>;

struct RecordInput {
    std::string file_name, url, channel; // channel "" = from the URL
    std::string sha256, md5;             // hex, of the artifact; "" unknown
    std::uint64_t size = 0;              // of the artifact, 0 unknown
    bool requested = false;
    std::string requirement;           // the text of the request that asked for it
    std::vector<std::string> bytecode; // final paths of .pyc that were compiled for it, not shipped by it
    std::string packages = "pkgs";     // the package cache, relative to the prefix
    int link_type = 3;                 // conda's: 1 hard links to `packages`, 3 copied
    std::string spec;                  // requested_spec; "" = derived from `requirement`
};

// conda-meta/NAME-VERSION-BUILD.json. `python` may be null unless the package is noarch python (error:
// usage).
Result<parcel::GeneratedFile> record_file(const nlohmann::json& metadata, const format::PythonInfo* python,
                                          const RecordInput& input, const LinkedFileLookup& installed);

// info/repodata_record.json in a package cache: index.json with the known facts about the archive.
std::string repodata_record(const nlohmann::json& metadata, const RecordInput& input);

// The spec that conda would record for a requested package: the request's own text if it is a match spec,
// "NAME==VERSION=BUILD" if it is a URL or a path.
std::string requested_spec(const nlohmann::json& metadata, std::string_view requirement);

// conda-meta/history with one revision. `dists` as dist_string() (names.hpp) makes them; `conda_version` "" = no
// such line.
struct History {
    std::int64_t date = 0; // seconds since 1970, written as UTC
    std::string command = "tinderbox build";
    std::string conda_version;
    std::vector<std::string> dists, update_specs;
};
parcel::GeneratedFile history_file(const History& history);

// ---- conflicts ----------------------------------------------------------------------------------------

struct Clobber {
    std::string path;                // final
    std::vector<std::size_t> owners; // packages in link order, the last one stays
};
// Files and links that several packages have. `paths`: a list of final paths for each package, in link order.
std::vector<Clobber> find_clobbers(std::span<const std::vector<std::string>> paths);

// Where a path of the package lies below the prefix. `python` may be null unless the package is noarch
// python.
std::string linked_path(const nlohmann::json& metadata, const format::PythonInfo* python, const std::string& path);

} // namespace tinderbox::conda
