#include "generator/assemble/conda_records.hpp"

#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/format/bytecode_path.hpp"
#include "common/format/json_read.hpp"
#include "generator/conda/names.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::assemble {

using nlohmann::json;
using parcel::GeneratedFile;

namespace {

// Whether the target compiles the bytecode at `path` anew, because it changes the source or compiles all of them.
bool recompiled_at_target(const Linking& linking, const LinkedPrefix& in, const std::string& path) {
    if (in.root != format::Root::env || !in.python) return false;
    const auto source = format::source_of_bytecode(path, in.python->cache_tag);
    if (!source) return false;
    auto found = in.by_path.find(*source);
    if (found == in.by_path.end()) return false;
    const format::Destination& d = linking.image.table.destinations[found->second];
    return d.kind == format::EntryKind::file && (linking.lock.bytecode == lock::Bytecode::install ||
                                                 !linking.image.table.contents[d.content].relocs.empty());
}

std::optional<conda::LinkedFile> installed_at(const Linking& linking, const GeneratedFiles& generated,
                                              const LinkedPrefix& in, const std::string& path) {
    auto found = in.by_path.find(path);
    if (found == in.by_path.end()) return std::nullopt;
    const format::Destination& d = linking.image.table.destinations[found->second];
    conda::LinkedFile out;
    if (d.kind != format::EntryKind::file) return out;
    const format::Content& content = linking.image.table.contents[d.content];
    out.sha256 = to_hex(content.sha256);
    out.size = content.size;
    out.changes = generated.changes_at_target(d.content);
    out.recompiled = recompiled_at_target(linking, in, path);
    return out;
}

std::string subdir_of(const json& metadata) { return format::text_field(metadata["conda"]["index"], "subdir"); }

Status add_entry_points(const LinkedPrefix& to, Linking& linking, GeneratedFiles& generated) {
    std::vector<GeneratedFile> scripts;
    if (!to.python) return {}; // only a noarch python package has them, and record_file refuses it
    for (std::size_t i : linking.inputs.conda_packages(to.root))
        for (GeneratedFile& script : conda::entry_point_files(linking.inputs[i].parcel.metadata, *to.python)) {
            script.package = linking.packages.of_input[i];
            scripts.push_back(std::move(script));
        }
    return generated.place(scripts, to.root);
}

// `conda install --file` of the installer's explicit list records its packages like this.
void record_as_base(conda::RecordInput& in, const LinkInput& input) {
    const lock::LockedArtifact& a = *input.artifact;
    in.link_type = 1;
    // A relocation knows the prefix that it is in, and no other.
    if (input.root >= format::Root::further) in.packages = "../../pkgs";
    in.requested = true;
    std::string channel;
    if (!in.url.empty()) channel = conda::spec_channel(in.url) + "/" + subdir_of(input.parcel.metadata) + "::";
    in.spec = fmt::format("{}{}=={}={}", channel, a.name, a.version, a.build);
}

} // namespace

Status add_conda_records(const LinkedPrefix& to, Linking& linking, GeneratedFiles& generated) {
    TRY(add_entry_points(to, linking, generated));
    conda::History history;
    history.date = linking.lock.source_mtime;
    std::vector<GeneratedFile> records;
    for (std::size_t i : linking.inputs.conda_packages(to.root)) {
        const LinkInput& input = linking.inputs[i];
        const json metadata = record_metadata(input);
        TRY_ASSIGN(GeneratedFile record,
                   conda::record_file(metadata, to.python, record_input(linking, i), [&](const std::string& path) {
                       return installed_at(linking, generated, to, path);
                   }).in(display_name(input)));
        record.package = linking.packages.of_input[i];
        records.push_back(std::move(record));
        const lock::LockedArtifact& artifact = *input.artifact;
        // As conda derives it from the record: otherwise its next transaction notes every package as replaced.
        history.dists.push_back(
            conda::dist_string(without_credentials(artifact.url), artifact.channel, subdir_of(metadata),
                               fmt::format("{}-{}-{}", artifact.name, artifact.version, artifact.build)));
        if (artifact.requested) history.update_specs.push_back(conda::requested_spec(metadata, artifact.requirement));
    }
    GeneratedFile text = conda::history_file(history);
    text.package = linking.packages.generated;
    if (!to.by_path.contains(text.path)) records.push_back(std::move(text));
    return generated.place(records, to.root);
}

// conda takes the record that an installer ships for a package in place of the package's index.json.
json record_metadata(const LinkInput& input) {
    json metadata = input.parcel.metadata;
    json shipped = json::parse(input.repodata_record, nullptr, false);
    if (!shipped.is_object()) return metadata;
    json& known = metadata["conda"]["index"];
    for (const char* field : {"name", "version", "build", "build_number", "depends", "constrains", "subdir"})
        if (!shipped.contains(field) && known.contains(field)) shipped[field] = known[field];
    known = std::move(shipped);
    return metadata;
}

conda::RecordInput record_input(const Linking& linking, std::size_t index) {
    const LinkInput& input = linking.inputs[index];
    const lock::LockedArtifact& a = *input.artifact;
    conda::RecordInput in;
    in.file_name = a.file_name;
    in.url = without_credentials(a.url);
    in.channel = a.channel;
    in.sha256 = a.sha256;
    // A list may name only the SHA-256; conda's own records have both.
    in.md5 = a.md5.empty() ? format::text_field(input.parcel.metadata, "md5") : a.md5;
    in.size = a.size;
    in.requested = a.requested;
    in.requirement = a.requirement;
    if (format::is_of_base(input.root)) record_as_base(in, input);
    const format::PythonInfo* python = linking.prefixes.at(input.root).python;
    for (std::size_t bytecode : linking.inputs.bytecode_of(index))
        for (const format::Destination& d : linking.inputs[bytecode].parcel.table.destinations)
            if (d.kind == format::EntryKind::file)
                in.bytecode.push_back(final_path(*python, input.parcel.metadata, d.root, d.path));
    return in;
}

} // namespace tinderbox::assemble
