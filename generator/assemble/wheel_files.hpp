// The files that installing a wheel adds to its own (PEP 427, PEP 376, PEP 610; docs/inside/installer-formats.md §3):
// entry-point scripts, INSTALLER, REQUESTED, direct_url.json and RECORD.
#pragma once

#include "common/format/manifest.hpp"
#include "common/format/table.hpp"
#include "generator/lock/lock.hpp"
#include "generator/parcel/generated.hpp"

#include <nlohmann/json_fwd.hpp>

#include <functional>

namespace tinderbox::assemble {

// `metadata` is the wheel parcel's. Fields used: dist_info, entry_points {console_scripts: {name: "mod:attr"},
// gui_scripts: …}.
Result<std::vector<parcel::GeneratedFile>> wheel_entry_points(const nlohmann::json& metadata,
                                                              const format::PythonInfo& python, std::uint32_t package);

std::vector<parcel::GeneratedFile> wheel_dist_info(const nlohmann::json& metadata, const format::PythonInfo& python,
                                                   std::uint32_t package, const lock::LockedArtifact* artifact);

// RECORD of `files`, the files of the wheel's package in `table`, and of itself. A file whose content changes at the
// target (`changes`, by index into Table::contents) has holes in place of hash and size; bytecode has neither, as pip
// writes it.
parcel::GeneratedFile wheel_record(const nlohmann::json& metadata, const format::PythonInfo& python,
                                   std::uint32_t package, const std::vector<const format::Destination*>& files,
                                   const format::Table& table, const std::function<bool(std::uint32_t)>& changes);

// Activation scripts, and the other files that every environment gets.
std::vector<parcel::GeneratedFile> environment_files(const lock::Lock& lock);

} // namespace tinderbox::assemble
