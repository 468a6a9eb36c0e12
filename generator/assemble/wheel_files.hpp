// What installing a wheel adds to its own files (PEP 427, PEP 376, PEP 610; installer-formats.md §3):
// entry-point scripts, INSTALLER, REQUESTED, direct_url.json and RECORD.
#pragma once

#include "common/format/manifest.hpp"
#include "common/format/table.hpp"
#include "generator/assemble/generated.hpp"
#include "generator/lock/lock.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>

namespace tinderbox {

// `metadata` is the wheel parcel's. Fields used: dist_info, entry_points {console_scripts: {name: "mod:attr"},
// gui_scripts: …}.
Result<std::vector<GeneratedFile>> wheel_entry_points(const nlohmann::json& metadata, const PythonInfo& python,
                                                      std::uint32_t package);

std::vector<GeneratedFile> wheel_dist_info(const nlohmann::json& metadata, const PythonInfo& python,
                                           std::uint32_t package, const LockedArtifact* artifact);

// RECORD of everything in `table` that belongs to `package`, itself included. Files that change at the target have
// holes in place of hash and size; bytecode has neither, as pip writes it.
GeneratedFile wheel_record(const nlohmann::json& metadata, const PythonInfo& python, std::uint32_t package,
                           const Table& table, const std::map<std::uint32_t, std::vector<HoledText::Hole>>& holes);

// Activation scripts and whatever else every environment gets.
std::vector<GeneratedFile> environment_files(const Lock& lock, const PythonInfo& python, const std::string& name);

} // namespace tinderbox
