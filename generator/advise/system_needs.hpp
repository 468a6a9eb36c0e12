// What an environment needs of the target's own system, beside driver and GPU: glibc and libraries.
#pragma once

#include "common/format/manifest.hpp"
#include "generator/parcel/parcel.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tinderbox::advise {

// Whether another check covers the soname: glibc's version, or the driver's for libraries of NVIDIA's.
bool is_judged_elsewhere(std::string_view soname);

// Whether Python does not start, or lacks a module of its own, without what this file links. `path` is below the
// prefix. Other files may be optional plugins, whose lack shows when they are imported.
bool is_of_interpreter(std::string_view path, std::string_view stdlib);

// Raises `needs.glibc` to `version`, which the file `because` asks for; "" changes nothing.
void raise_glibc(format::Requirements& needs, const std::string& version, const std::string& because);

// One ELF file of a parcel; `path` is how the manifest calls it. Files of packages for every platform
// (generator/parcel/universal.hpp) raise `partial_glibc` instead.
void add_glibc_need(format::Requirements& needs, const parcel::Parcel& parcel, const parcel::Parcel::ElfFact& file,
                    const std::string& path);

// Drops a partial need that `needs.glibc` covers. Call it once, after all files.
void drop_covered_glibc(format::Requirements& needs);

// The packages in a captured prefix, as the manifest lists them (kind "captured").
std::vector<format::PackageInfo> captured_packages(const nlohmann::json& captured);

// Adds what a captured Python or prefix says of itself (generator/capture/capture.hpp), before it is packed.
void add_captured_needs(format::Requirements& needs, const nlohmann::json& captured);

// Label and text of each line in --plan and behind a build; empty: nothing is needed. `stdlib` as in PythonInfo.
std::vector<std::pair<std::string, std::string>> system_lines(const format::Requirements& needs,
                                                              const format::PythonInfo& python);

} // namespace tinderbox::advise
