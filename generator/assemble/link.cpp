#include "generator/assemble/link.hpp"

#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/format/relocate.hpp"
#include "generator/advise/cuda.hpp"
#include "generator/assemble/metadata.hpp"
#include "generator/assemble/requirements.hpp"
#include "generator/assemble/wheel_files.hpp"
#include "generator/conda/link.hpp"
#include "generator/conda/names.hpp"

#include <nlohmann/json.hpp>
#include <zstd.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

namespace tinderbox {

using nlohmann::json;

namespace {

// Generated text is small and highly regular: the level costs nothing that could be measured.
constexpr int generated_level = 12;

class Linker {
  public:
    Linker(const Lock& lock, const PythonInfo& python, const std::vector<LinkInput>& inputs, const LinkOptions& options)
        : lock_(lock), python_(python), inputs_(inputs), options_(options) {}

    Result<Image> run() {
        describe_packages();
        for (std::size_t i = 0; i < inputs_.size(); ++i) TRY(add_parcel(i));
        TRY(add_generated());
        add_parent_directories();
        TRY(sort_and_resolve());
        fill_manifest();
        if (options_.strict && !image_.warnings.empty())
            return make_error(ErrorKind::usage, "--strict: {}", image_.warnings.front());
        image_.manifest.notices = image_.warnings;
        return std::move(image_);
    }

  private:
    // ---- packages -------------------------------------------------------------------------------------

    void describe_packages() {
        package_of_.resize(inputs_.size());
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            const LinkInput& input = inputs_[i];
            if (input.bytecode_of) {
                package_of_[i] = package_of_[*input.bytecode_of];
                continue;
            }
            package_of_[i] = static_cast<std::uint32_t>(image_.manifest.packages.size());
            const json& meta = input.parcel.metadata;
            PackageInfo p;
            p.kind = text_field(meta, "kind");
            p.name = text_field(meta, "name");
            p.version = text_field(meta, "version");
            p.build = text_field(meta, "build");
            p.license = text_field(meta, "license");
            p.installed_size = 0;
            if (const LockedArtifact* a = input.artifact) {
                p.url = without_credentials(a->url);
                p.file_name = a->file_name;
                p.sha256 = a->sha256;
                p.md5 = a->md5;
                p.size = a->size;
                p.requested = a->requested;
                p.requirement = a->requirement;
            }
            collect_licenses(p, meta);
            image_.manifest.packages.push_back(std::move(p));
            if (auto script = conda_script(meta)) image_.manifest.scripts.push_back(*std::move(script));
        }
        for (const LinkInput& input : inputs_) describe_captured(input.parcel.metadata);
        generated_package_ = static_cast<std::uint32_t>(image_.manifest.packages.size());
        PackageInfo own;
        own.kind = "generated";
        own.name = "tinderbox-environment";
        own.version = "1";
        own.license = "Apache-2.0";
        image_.manifest.packages.push_back(std::move(own));
    }

    static bool is_kind(const json& meta, std::string_view kind) { return text_field(meta, "kind") == kind; }

    static std::optional<ScriptInfo> conda_script(const json& meta) {
        return is_kind(meta, "conda") ? conda_post_link(meta) : std::nullopt;
    }

    // What lies in a captured prefix is listed, too: the files all belong to the captured artifact.
    void describe_captured(const json& meta) {
        for (const char* list : {"distributions", "conda_packages"}) {
            auto it = meta.find(list);
            if (it == meta.end() || !it->is_array()) continue;
            for (const json& item : *it) {
                PackageInfo p;
                p.kind = "captured";
                p.name = text_field(item, "name");
                p.version = text_field(item, "version");
                p.build = text_field(item, "build");
                p.license = text_field(item, "license");
                image_.manifest.packages.push_back(std::move(p));
            }
        }
    }

    void collect_licenses(const PackageInfo& p, const json& meta) {
        auto it = meta.find("licenses");
        if (it == meta.end() || !it->is_array()) return;
        for (const json& license : *it)
            image_.licenses += fmt::format("==== {} {}: {} ====\n\n{}\n\n", p.name, p.version, text_field(license, "name"),
                                           text_field(license, "text"));
    }

    // ---- destinations ---------------------------------------------------------------------------------

    Status add_parcel(std::size_t index) {
        const LinkInput& input = inputs_[index];
        const Parcel& parcel = input.parcel;
        const auto first_block = static_cast<std::uint32_t>(image_.table.blocks.size());
        const auto first_content = static_cast<std::uint32_t>(image_.table.contents.size());
        for (const Block& block : parcel.table.blocks) {
            image_.sources.push_back({static_cast<std::uint32_t>(index), block.offset});
            image_.table.blocks.push_back(block);
        }
        const bool wheel = is_kind(parcel.metadata, "wheel");
        for (Content content : parcel.table.contents) {
            if (content.size > 0) content.block += first_block;
            if (wheel) complete_shebangs(content);
            image_.table.contents.push_back(std::move(content));
        }
        const json& meta = input.bytecode_of ? inputs_[*input.bytecode_of].parcel.metadata : parcel.metadata;
        for (const Destination& from : parcel.table.destinations) {
            Destination d = from;
            d.path = final_path(python_, meta, from.root, from.path);
            d.root = Root::env;
            d.package = package_of_[index];
            if (d.kind == EntryKind::file) d.content += first_content;
            TRY(place(std::move(d), display_name(index)));
        }
        for (const FileMismatch& m : parcel.mismatches)
            image_.warnings.push_back(fmt::format("{}: '{}' differs from what the package declares (SHA-256 {} instead of {})",
                                                  display_name(index), m.path, m.found.substr(0, 12), m.declared.substr(0, 12)));
        for (const char* list : {"warnings", "record_problems"})
            if (auto it = parcel.metadata.find(list); it != parcel.metadata.end() && it->is_array())
                for (const json& warning : *it)
                    if (warning.is_string()) image_.warnings.push_back(display_name(index) + ": " + warning.get<std::string>());
        return {};
    }

    std::string display_name(std::size_t index) const {
        const LinkInput& input = inputs_[index];
        if (input.artifact) return input.artifact->file_name;
        return text_field(input.parcel.metadata, "kind") + " " + text_field(input.parcel.metadata, "name");
    }

    // A wheel says "#!python" and does not know where that is; the linker does. What a conda package or a captured
    // environment has behind its prefix is meant as it is.
    void complete_shebangs(Content& content) const {
        constexpr std::string_view unknown = "#!\x01/bin/python";
        for (Reloc& reloc : content.relocs) {
            if (reloc.kind != RelocKind::shebang || !reloc.text.starts_with(unknown)) continue;
            std::string_view rest = std::string_view(reloc.text).substr(unknown.size());
            if (rest.empty() || rest.starts_with(' ')) reloc.text = fmt::format("#!\x01/{}{}", python_.executable, rest);
        }
    }

    // One path, one destination. Directories merge; of two files the later one in link order wins, as with conda
    // and pip, but it is said.
    Status place(Destination d, const std::string& who) {
        auto found = by_path_.find(d.path);
        if (found == by_path_.end()) {
            by_path_.emplace(d.path, image_.table.destinations.size());
            image_.table.destinations.push_back(std::move(d));
            return {};
        }
        Destination& old = image_.table.destinations[found->second];
        if (old.kind == EntryKind::directory && d.kind == EntryKind::directory) return {};
        if (old.kind == EntryKind::directory || d.kind == EntryKind::directory)
            return make_error(ErrorKind::usage, "{}: '{}' is a directory in one package and a file in another ({})", who, d.path,
                              image_.manifest.packages[old.package].name);
        bool same = old.kind == d.kind && old.link == d.link &&
                    (old.kind != EntryKind::file ||
                     image_.table.contents[old.content].sha256 == image_.table.contents[d.content].sha256);
        // Some wheels ship bytecode of their own; pip compiles over it without a word, too.
        bool bytecode = (d.flags & destination_bytecode) != 0;
        if (!same && !bytecode)
            image_.warnings.push_back(fmt::format("{} replaces '{}' of {}", who, d.path,
                                                  image_.manifest.packages[old.package].name));
        old = std::move(d);
        return {};
    }

    void add_parent_directories() {
        std::set<std::string> missing;
        for (const Destination& d : image_.table.destinations)
            for (auto slash = d.path.rfind('/'); slash != std::string::npos; slash = d.path.rfind('/', slash - 1)) {
                std::string parent = d.path.substr(0, slash);
                if (by_path_.contains(parent) || !missing.insert(parent).second) break;
            }
        for (const std::string& path : missing) {
            Destination d;
            d.kind = EntryKind::directory;
            d.mode = 0755;
            d.mtime = lock_.source_mtime;
            d.path = path;
            d.package = generated_package_;
            by_path_.emplace(path, image_.table.destinations.size());
            image_.table.destinations.push_back(std::move(d));
        }
    }

    // ---- generated files ------------------------------------------------------------------------------

    Status add_generated() {
        std::vector<GeneratedFile> files;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            const json& meta = inputs_[i].parcel.metadata;
            if (inputs_[i].bytecode_of || text_field(meta, "kind") != "wheel") continue;
            auto scripts = wheel_entry_points(meta, python_, package_of_[i]);
            if (!scripts.ok()) return std::move(scripts).error().in(display_name(i));
            for (GeneratedFile& file : *scripts)
                // A .data/scripts file of the same name is what an entry point replaces (installer-formats.md §3).
                files.push_back(std::move(file));
        }
        for (GeneratedFile& file : environment_files(lock_, python_, options_.name)) {
            file.package = generated_package_;
            if (!by_path_.contains(file.path)) files.push_back(std::move(file)); // a captured venv has its own
        }
        TRY(place_generated(files));
        TRY(add_conda_records());
        // RECORD comes last: it lists everything that the wheel's package now owns.
        std::vector<GeneratedFile> records;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            const json& meta = inputs_[i].parcel.metadata;
            if (inputs_[i].bytecode_of || text_field(meta, "kind") != "wheel") continue;
            auto own = wheel_dist_info(meta, python_, package_of_[i], inputs_[i].artifact);
            TRY(place_generated(own));
            records.push_back(wheel_record(meta, python_, package_of_[i], image_.table, holes_by_content_));
        }
        return place_generated(records);
    }

    // ---- conda ----------------------------------------------------------------------------------------

    static HoledText holed(const CondaText& text) {
        HoledText out;
        for (const CondaTextPiece& piece : text.pieces) switch (piece.kind) {
            case CondaTextPiece::Kind::literal: out << piece.text; break;
            case CondaTextPiece::Kind::prefix: out.prefix(); break;
            case CondaTextPiece::Kind::shebang: out.shebang(piece.text); break;
            case CondaTextPiece::Kind::sha256_of: out.digest(RelocKind::digest_hex, piece.text); break;
            }
        return out;
    }

    static GeneratedFile generated(CondaGenerated&& from, std::uint32_t package) {
        return {std::move(from.path), from.mode, package, holed(from.content)};
    }

    Status add_conda_records() {
        CondaHistory history;
        history.date = lock_.source_mtime;
        std::vector<GeneratedFile> scripts, records;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            const json& meta = inputs_[i].parcel.metadata;
            if (inputs_[i].bytecode_of || !is_kind(meta, "conda")) continue;
            for (CondaGenerated& script : conda_entry_points(meta, python_)) scripts.push_back(generated(std::move(script), package_of_[i]));
        }
        TRY(place_generated(scripts));
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            const json& meta = inputs_[i].parcel.metadata;
            if (inputs_[i].bytecode_of || !is_kind(meta, "conda")) continue;
            TRY_ASSIGN(CondaGenerated record, conda_record(meta, &python_, record_input(i), [this](const std::string& path) {
                return installed_at(path);
            }).in(display_name(i)));
            records.push_back(generated(std::move(record), package_of_[i]));
            const LockedArtifact& artifact = *inputs_[i].artifact;
            history.dists.push_back(fmt::format("{}-{}-{}", artifact.name, artifact.version, artifact.build));
            if (artifact.requested) history.update_specs.push_back(conda_requested_spec(meta, artifact.requirement));
        }
        // A history makes the directory an environment for conda, also when it has no conda package.
        CondaGenerated text = conda_history(history);
        if (!by_path_.contains(text.path)) records.push_back(generated(std::move(text), generated_package_));
        return place_generated(records);
    }

    CondaRecordInput record_input(std::size_t index) const {
        CondaRecordInput in;
        const LockedArtifact& a = *inputs_[index].artifact;
        in.file_name = a.file_name;
        in.url = without_credentials(a.url);
        in.channel = a.channel;
        in.sha256 = a.sha256;
        in.md5 = a.md5;
        in.size = a.size;
        in.requested = a.requested;
        in.requirement = a.requirement;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            if (inputs_[i].bytecode_of != index) continue;
            for (const Destination& d : inputs_[i].parcel.table.destinations)
                if (d.kind == EntryKind::file) in.bytecode.push_back(final_path(python_, inputs_[index].parcel.metadata, d.root, d.path));
        }
        return in;
    }

    std::optional<CondaInstalled> installed_at(const std::string& path) const {
        auto found = by_path_.find(path);
        if (found == by_path_.end()) return std::nullopt;
        const Destination& d = image_.table.destinations[found->second];
        CondaInstalled out;
        if (d.kind != EntryKind::file) return out;
        const Content& content = image_.table.contents[d.content];
        out.sha256 = to_hex(content.sha256);
        out.size = content.size;
        auto holes = holes_by_content_.find(d.content);
        out.changes = !content.relocs.empty() || (holes != holes_by_content_.end() && !holes->second.empty());
        return out;
    }

    Status place_generated(const std::vector<GeneratedFile>& files) {
        for (const GeneratedFile& file : files) {
            Content content;
            const std::string& text = file.content.text();
            content.size = text.size();
            content.sha256 = sha256(as_bytes(text));
            if (!text.empty()) {
                if (generated_block_.size() + text.size() > block_raw_size) flush_generated();
                content.block = static_cast<std::uint32_t>(image_.table.blocks.size());
                content.offset = static_cast<std::uint32_t>(generated_block_.size());
                auto bytes = as_bytes(text);
                generated_block_.insert(generated_block_.end(), bytes.begin(), bytes.end());
            }
            holes_by_content_[static_cast<std::uint32_t>(image_.table.contents.size())] = file.content.holes();
            Destination d;
            d.flags = destination_generated;
            d.mode = file.mode;
            d.mtime = lock_.source_mtime;
            d.path = file.path;
            d.package = file.package;
            d.content = static_cast<std::uint32_t>(image_.table.contents.size());
            image_.table.contents.push_back(std::move(content));
            TRY(place(std::move(d), image_.manifest.packages[file.package].name));
        }
        flush_generated();
        return {};
    }

    void flush_generated() {
        if (generated_block_.empty()) return;
        Bytes packed(ZSTD_compressBound(generated_block_.size()));
        packed.resize(ZSTD_compress(packed.data(), packed.size(), generated_block_.data(), generated_block_.size(),
                                    generated_level));
        Block block;
        block.raw = static_cast<std::uint32_t>(generated_block_.size());
        block.packed = static_cast<std::uint32_t>(packed.size());
        block.sha256 = sha256(packed);
        image_.table.blocks.push_back(block);
        image_.sources.push_back({memory_input, image_.memory.size()});
        image_.memory.insert(image_.memory.end(), packed.begin(), packed.end());
        generated_block_.clear();
    }

    // ---- the final order ------------------------------------------------------------------------------

    Status sort_and_resolve() {
        auto& destinations = image_.table.destinations;
        std::ranges::sort(destinations, {}, &Destination::path);
        std::unordered_map<std::string_view, std::uint32_t> index;
        for (std::uint32_t i = 0; i < destinations.size(); ++i) index.emplace(destinations[i].path, i);
        for (auto& [content, holes] : holes_by_content_)
            for (const HoledText::Hole& hole : holes) {
                Reloc reloc;
                reloc.kind = hole.kind;
                reloc.offset = hole.offset;
                reloc.length = hole.length;
                reloc.text = hole.text;
                if (!hole.target.empty()) {
                    auto found = index.find(hole.target);
                    if (found == index.end())
                        return make_error(ErrorKind::bug, "a generated file names '{}', which is not installed", hole.target);
                    reloc.target = found->second;
                }
                image_.table.contents[content].relocs.push_back(std::move(reloc));
            }
        return {};
    }

    // ---- the manifest ---------------------------------------------------------------------------------

    void fill_manifest() {
        Manifest& m = image_.manifest;
        m.name = options_.name;
        m.env_name = lock_.name;
        m.platform = lock_.platform;
        m.source_mtime = lock_.source_mtime;
        m.bytecode = lock_.bytecode;
        m.level = options_.level;
        m.python = python_;
        m.request = lock_.request;
        m.variables = lock_.variables;
        m.requires_ = environment_requirements(m, inputs_, python_);
        for (const Destination& d : image_.table.destinations) {
            ++m.install.inodes;
            PackageInfo& package = m.packages[d.package];
            if (d.kind == EntryKind::directory) {
                m.install.bytes += 4096;
                continue;
            }
            ++package.files;
            if (d.kind == EntryKind::symlink) continue; // short targets lie in the inode
            std::uint64_t size = image_.table.contents[d.content].size;
            package.installed_size += size;
            m.install.apparent_bytes += size;
            m.install.bytes += (size + 4095) / 4096 * 4096;
        }
        fill_longest_prefix();
    }

    void fill_longest_prefix() {
        InstallInfo& info = image_.manifest.install;
        for (const Destination& d : image_.table.destinations) {
            if (d.kind != EntryKind::file) continue;
            for (const Reloc& r : image_.table.contents[d.content].relocs)
                if (r.kind == RelocKind::cstring && (info.longest_prefix == 0 || r.text.size() < info.longest_prefix)) {
                    info.longest_prefix = static_cast<std::uint32_t>(r.text.size());
                    info.longest_prefix_because = d.path;
                }
        }
    }

    const Lock& lock_;
    const PythonInfo& python_;
    const std::vector<LinkInput>& inputs_;
    const LinkOptions& options_;
    Image image_;
    std::vector<std::uint32_t> package_of_;
    std::uint32_t generated_package_ = 0;
    std::unordered_map<std::string, std::size_t> by_path_;
    std::map<std::uint32_t, std::vector<HoledText::Hole>> holes_by_content_;
    Bytes generated_block_;
};

} // namespace

std::string final_path(const PythonInfo& python, const json& metadata, Root root, const std::string& path) {
    switch (root) {
    case Root::env:
    case Root::base:
    case Root::data: return path;
    case Root::site_packages: return python.site_packages + "/" + path;
    case Root::scripts: return "bin/" + path;
    case Root::stdlib: return python.stdlib + "/" + path;
    case Root::headers: {
        std::string directory = python.stdlib.substr(python.stdlib.rfind('/') + 1);
        return fmt::format("include/{}/{}/{}", directory, text_field(metadata, "name"), path);
    }
    }
    return path;
}

Result<Image> link(const Lock& lock, const PythonInfo& python, const std::vector<LinkInput>& inputs,
                   const LinkOptions& options) {
    return Linker(lock, python, inputs, options).run();
}

} // namespace tinderbox
