#include "generator/assemble/generated_files.hpp"

#include "generator/assemble/wheel_files.hpp"
#include "generator/parcel/zstd_frame.hpp"

namespace tinderbox::assemble {

using parcel::GeneratedFile;
using parcel::HoledText;

namespace {

// Generated text is small and regular: a high level costs no measurable time.
constexpr int generated_level = 12;

} // namespace

Status GeneratedFiles::place(const std::vector<GeneratedFile>& files, format::Root root, std::uint8_t flags) {
    format::Table& table = linking_.image.table;
    for (const GeneratedFile& file : files) {
        format::Destination d;
        d.root = root;
        d.flags = format::destination_generated | flags;
        d.mode = file.mode;
        d.mtime = linking_.lock.source_mtime;
        d.path = file.path;
        d.package = file.package;
        d.content = static_cast<std::uint32_t>(table.contents.size());
        TRY_ASSIGN(format::Content content, add_content(file.content.text()));
        table.contents.push_back(std::move(content));
        holes_[d.content] = {root, file.content.holes()};
        TRY(destinations_.place(std::move(d), linking_.image.manifest.packages[file.package].name));
    }
    return flush();
}

Result<format::Content> GeneratedFiles::add_content(const std::string& text) {
    const ByteView bytes = as_bytes(text);
    format::Content out;
    out.size = bytes.size();
    out.sha256 = sha256(bytes);
    if (bytes.empty()) return out;
    if (block_.size() + bytes.size() > format::block_raw_size) TRY(flush());
    out.block = static_cast<std::uint32_t>(linking_.image.table.blocks.size());
    out.offset = static_cast<std::uint32_t>(block_.size());
    block_.insert(block_.end(), bytes.begin(), bytes.end());
    return out;
}

Status GeneratedFiles::flush() {
    if (block_.empty()) return {};
    TRY_ASSIGN(const Bytes packed, parcel::zstd_frame(block_, generated_level));
    add_memory_block(linking_.image, block_.size(), packed);
    block_.clear();
    return {};
}

bool GeneratedFiles::changes_at_target(std::uint32_t content) const {
    if (!linking_.image.table.contents[content].relocs.empty()) return true;
    auto generated = holes_.find(content);
    return generated != holes_.end() && !generated->second.holes.empty();
}

Status GeneratedFiles::fill_holes() {
    format::Table& table = linking_.image.table;
    std::vector<std::unordered_map<std::string_view, std::uint32_t>> indexes(linking_.prefixes.all().size());
    for (std::uint32_t i = 0; i < table.destinations.size(); ++i)
        indexes[format::prefix_index(table.destinations[i].root)].emplace(table.destinations[i].path, i);
    for (const auto& [content, of_content] : holes_) {
        const auto& index = indexes[format::prefix_index(of_content.root)];
        for (const HoledText::Hole& hole : of_content.holes) {
            format::Reloc reloc{hole.kind, hole.offset, hole.length, hole.text, 0};
            if (!hole.target.empty()) {
                auto found = index.find(hole.target);
                if (found == index.end())
                    return make_error(ErrorKind::bug, "a generated file names '{}', which is not installed",
                                      hole.target);
                reloc.target = found->second;
            }
            table.contents[content].relocs.push_back(std::move(reloc));
        }
    }
    return {};
}

Status add_base_files(Linking& linking, GeneratedFiles& generated) {
    const conda::ConstructorInstaller& installer = linking.options.base->installer;
    std::vector<GeneratedFile> files;
    for (const conda::ConstructorFile& file : installer.files) {
        if (file.is_link || !file.has_prefix) continue;
        GeneratedFile out{file.path, file.mode, linking.packages.base, {}};
        out.content.marked(file.content);
        files.push_back(std::move(out));
    }
    TRY(generated.place(files, format::Root::base));
    if (!installer.writes_nonadmin) return {};
    return generated.place({{".nonadmin", 0644, linking.packages.base, {}}}, format::Root::base,
                           format::destination_unless_root);
}

Status add_environment_files(Linking& linking, GeneratedFiles& generated) {
    std::vector<GeneratedFile> files;
    for (std::size_t i : linking.inputs.wheels()) {
        const LinkInput& wheel = linking.inputs[i];
        TRY_ASSIGN(auto scripts,
                   wheel_entry_points(wheel.parcel.metadata, linking.prefixes.python(), linking.packages.of_input[i])
                       .in(display_name(wheel)));
        // An entry point replaces a .data/scripts file of the same name (docs/inside/installer-formats.md §3).
        std::ranges::move(scripts, std::back_inserter(files));
    }
    for (GeneratedFile& file : environment_files(linking.lock)) {
        if (linking.prefixes.env().by_path.contains(file.path)) continue; // a captured venv has its own
        file.package = linking.packages.generated;
        files.push_back(std::move(file));
    }
    return generated.place(files);
}

Status add_wheel_records(Linking& linking, GeneratedFiles& generated) {
    const auto& wheels = linking.inputs.wheels();
    if (wheels.empty()) return {};
    const format::PythonInfo& python = linking.prefixes.python();
    for (std::size_t i : wheels)
        TRY(generated.place(wheel_dist_info(linking.inputs[i].parcel.metadata, python, linking.packages.of_input[i],
                                            linking.inputs[i].artifact)));
    const format::Table& table = linking.image.table;
    std::vector<std::vector<const format::Destination*>> files(linking.image.manifest.packages.size()); // by package
    for (const format::Destination& d : table.destinations)
        if (d.kind == format::EntryKind::file) files[d.package].push_back(&d);
    std::vector<GeneratedFile> records;
    for (std::size_t i : wheels) {
        const std::uint32_t package = linking.packages.of_input[i];
        records.push_back(wheel_record(linking.inputs[i].parcel.metadata, python, package, files[package], table,
                                       [&](std::uint32_t content) { return generated.changes_at_target(content); }));
    }
    return generated.place(records);
}

} // namespace tinderbox::assemble
