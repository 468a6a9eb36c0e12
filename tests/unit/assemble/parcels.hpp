// Parcels for tests of the linker: a table and metadata without a payload, because the linker reads no contents.
#pragma once

#include "generator/assemble/link.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::test {

inline parcel::Parcel make_parcel(const std::string& kind, const std::string& name) {
    parcel::Parcel out;
    out.key = kind + " " + name;
    out.metadata = {{"kind", kind}, {"name", name}, {"version", "1.0"}, {"build", "0"}};
    return out;
}

inline parcel::Parcel make_conda_parcel(const std::string& name, const std::string& noarch = "") {
    parcel::Parcel out = make_parcel("conda", name);
    out.metadata["conda"] = {{"index",
                              {{"name", name},
                               {"version", "1.0"},
                               {"build", "0"},
                               {"build_number", 0},
                               {"depends", nlohmann::json::array()},
                               {"subdir", "linux-64"}}},
                             {"noarch", noarch},
                             {"paths", nlohmann::json::array()},
                             {"entry_points", nlohmann::json::array()},
                             {"scripts", nlohmann::json::object()}};
    return out;
}

// Adds a file in a block of its own; a conda package also lists its path.
inline format::Destination& add_file(parcel::Parcel& parcel, const std::string& path, const std::string& text,
                                     std::vector<format::Reloc> relocs = {}, format::Root root = format::Root::env) {
    format::Block block;
    block.raw = block.packed = static_cast<std::uint32_t>(text.size());
    block.stored = true;
    block.sha256 = sha256(as_bytes(text));
    format::Content content;
    content.block = static_cast<std::uint32_t>(parcel.table.blocks.size());
    content.size = text.size();
    content.sha256 = block.sha256;
    content.relocs = std::move(relocs);
    format::Destination d;
    d.root = root;
    d.path = path;
    d.content = static_cast<std::uint32_t>(parcel.table.contents.size());
    parcel.table.blocks.push_back(block);
    parcel.table.contents.push_back(std::move(content));
    parcel.table.destinations.push_back(std::move(d));
    if (parcel.metadata.contains("conda"))
        parcel.metadata["conda"]["paths"].push_back({{"_path", path}, {"path_type", "hardlink"}});
    return parcel.table.destinations.back();
}

inline lock::LockedArtifact locked(const std::string& kind, const std::string& name) {
    lock::LockedArtifact out;
    out.kind = parcel::artifact_kind(kind);
    out.name = name;
    out.version = "1.0";
    out.build = "0";
    out.file_name = name + (kind == "wheel" ? "-1.0-py3-none-any.whl" : "-1.0-0.conda");
    out.url = "https://channel.invalid/main/linux-64/" + out.file_name;
    out.sha256 = std::string(64, 'a');
    return out;
}

inline format::PythonInfo python311() {
    format::PythonInfo out;
    out.version = "3.11.7";
    out.implementation = "cpython";
    out.executable = "bin/python3.11";
    out.stdlib = "lib/python3.11";
    out.site_packages = "lib/python3.11/site-packages";
    out.cache_tag = "cpython-311";
    return out;
}

} // namespace tinderbox::test
