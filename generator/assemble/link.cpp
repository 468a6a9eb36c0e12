#include "generator/assemble/link.hpp"

#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/format/json_read.hpp"
#include "common/format/prefix_name.hpp"
#include "common/format/relocate.hpp"
#include "generator/advise/cuda.hpp"
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

// What lies in one prefix.
struct LinkedPrefix {
    Root root = Root::env;
    const PythonInfo* python = nullptr;
    std::unordered_map<std::string, std::size_t> by_path; // → destination
};

// A destination's file of a parcel: destinations with one origin are the same file in several places.
struct Origin {
    std::uint32_t input = 0, destination = 0; // the first input with that parcel; in its table
    bool known = false;
};

class Linker {
  public:
    Linker(const Lock& lock, const PythonInfo& python, const std::vector<LinkInput>& inputs, const LinkOptions& options)
        : lock_(lock), inputs_(inputs), options_(options) {
        env_.python = &python;
        base_.root = Root::base;
        if (!options.base) return;
        base_.python = &options.base->python;
        for (const FurtherEnvironment& one : options.base->environments)
            further_.push_back({further_environment(further_.size()), one.python ? &*one.python : nullptr, {}});
    }

    Result<Image> run() {
        describe_packages();
        add_blocks();
        for (std::size_t i = 0; i < inputs_.size(); ++i) TRY(add_parcel(i));
        if (options_.base) TRY(add_base_files());
        TRY(add_generated());
        if (options_.base) TRY(add_package_cache());
        TRY(add_parent_directories());
        share_files();
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
            if (auto of = input.bytecode_of ? input.bytecode_of : input.info_of) {
                package_of_[i] = package_of_[*of];
                continue;
            }
            package_of_[i] = static_cast<std::uint32_t>(image_.manifest.packages.size());
            const json& meta = input.parcel.metadata;
            PackageInfo p = input.artifact ? package_of(*input.artifact) : PackageInfo();
            describe(p, meta);
            p.prefix = prefix_name(input.root);
            if (p.kind == "include") p.sha256 = text_field(meta, "sha256");
            for (const json& name : meta.value("imports", json::array()))
                if (name.is_string()) p.imports.push_back(name.get<std::string>());
            collect_licenses(p, meta);
            image_.manifest.packages.push_back(std::move(p));
            if (!is_kind(meta, "conda")) continue;
            for (ScriptInfo& script : conda_scripts(meta)) {
                script.prefix = prefix_name(input.root);
                image_.manifest.scripts.push_back(std::move(script));
            }
        }
        // The base's packages were linked by the time the environment's scripts run.
        std::ranges::stable_sort(image_.manifest.scripts, {},
                                 [](const ScriptInfo& script) { return script.prefix == "env"; });
        for (const LinkInput& input : inputs_) describe_captured(input.parcel.metadata);
        generated_package_ = static_cast<std::uint32_t>(image_.manifest.packages.size());
        PackageInfo own;
        own.kind = "generated";
        own.name = "tinderbox-environment";
        own.version = "1";
        own.license = "Apache-2.0";
        image_.manifest.packages.push_back(std::move(own));
    }

    std::string prefix_name(Root root) const {
        return tinderbox::prefix_name(root, options_.base ? &options_.base->environments : nullptr);
    }

    const LinkedPrefix& prefix(Root root) const {
        return root >= Root::further ? further_[prefix_index(root) - 2] : root == Root::base ? base_ : env_;
    }
    LinkedPrefix& prefix(Root root) { return const_cast<LinkedPrefix&>(std::as_const(*this).prefix(root)); }
    // The environment's, the base's, those of its further environments.
    std::vector<LinkedPrefix*> prefixes() {
        std::vector<LinkedPrefix*> out = {&env_, &base_};
        for (LinkedPrefix& one : further_) out.push_back(&one);
        return out;
    }

    static bool is_kind(const json& meta, std::string_view kind) { return text_field(meta, "kind") == kind; }

    // What lies in a captured prefix is listed, too: the files all belong to the captured artifact.
    void describe_captured(const json& meta) {
        for (const char* list : {"distributions", "conda_packages"}) {
            auto it = meta.find(list);
            if (it == meta.end() || !it->is_array()) continue;
            for (const json& item : *it) {
                PackageInfo p;
                describe(p, item);
                p.kind = "captured";
                image_.manifest.packages.push_back(std::move(p));
            }
        }
    }

    // What a package says of itself; a lock has the words of whoever asked for it.
    static void describe(PackageInfo& p, const json& meta) {
        p.kind = text_field(meta, "kind");
        p.name = text_field(meta, "name");
        p.version = text_field(meta, "version");
        p.build = text_field(meta, "build");
        p.license = text_field(meta, "license");
    }

    // Every package is there: one that carries no text has at least its licence's name.
    void collect_licenses(const PackageInfo& p, const json& meta) {
        auto it = meta.find("licenses");
        if (it == meta.end() || !it->is_array() || it->empty()) {
            image_.licenses += fmt::format("==== {} {} ====\n\nIt carries no licence text. Its licence: {}\n\n", p.name,
                                           p.version, p.license.empty() ? "not stated" : p.license);
            return;
        }
        for (const json& license : *it)
            image_.licenses += fmt::format("==== {} {}: {} ====\n\n{}\n\n", p.name, p.version,
                                           text_field(license, "name"), text_field(license, "text"));
    }

    // ---- destinations ---------------------------------------------------------------------------------

    // A parcel that is linked into both prefixes is in the image once.
    void add_blocks() {
        std::unordered_map<std::string, std::size_t> by_key;
        for (std::size_t index = 0; index < inputs_.size(); ++index) {
            const Parcel& parcel = inputs_[index].parcel;
            const bool wheel = is_kind(parcel.metadata, "wheel");
            auto [same, added] = by_key.emplace(parcel.key, index);
            if (!added && !parcel.key.empty() && !wheel) {
                first_content_.push_back(first_content_[same->second]);
                first_input_.push_back(static_cast<std::uint32_t>(same->second));
                continue;
            }
            const auto first_block = static_cast<std::uint32_t>(image_.table.blocks.size());
            first_content_.push_back(static_cast<std::uint32_t>(image_.table.contents.size()));
            first_input_.push_back(static_cast<std::uint32_t>(index));
            for (const Block& block : parcel.table.blocks) {
                image_.sources.push_back({static_cast<std::uint32_t>(index), block.offset});
                image_.table.blocks.push_back(block);
            }
            for (Content content : parcel.table.contents) {
                if (content.size > 0) content.block += first_block;
                if (wheel) complete_shebangs(content);
                image_.table.contents.push_back(std::move(content));
            }
        }
    }

    Status add_parcel(std::size_t index) {
        const LinkInput& input = inputs_[index];
        const Parcel& parcel = input.parcel;
        if (input.info_of) return {}; // add_package_cache
        const json& meta = input.bytecode_of ? inputs_[*input.bytecode_of].parcel.metadata : parcel.metadata;
        for (std::size_t i = 0; i < parcel.table.destinations.size(); ++i) {
            const Destination& from = parcel.table.destinations[i];
            Destination d = from;
            TRY_ASSIGN(d.path, path_in(prefix(input.root), meta, from, display_name(index)));
            d.root = input.root;
            d.package = package_of_[index];
            if (d.kind == EntryKind::file) d.content += first_content_[index];
            if (is_kind(meta, "base")) place_base_file(d);
            TRY(place(std::move(d), display_name(index), {first_input_[index], static_cast<std::uint32_t>(i), true}));
        }
        for (const FileMismatch& m : parcel.mismatches)
            image_.warnings.push_back(
                fmt::format("{}: '{}' differs from what the package declares (SHA-256 {} instead of {})",
                            display_name(index), m.path, m.found.substr(0, 12), m.declared.substr(0, 12)));
        for (const Parcel::ElfFact& elf : parcel.elf)
            if (elf.device && !elf.device->problem.empty())
                image_.warnings.push_back(fmt::format("{}: '{}': {}; what GPUs it runs on is not known for sure",
                                                      display_name(index), elf.path, elf.device->problem));
        for (const char* list : {"warnings", "record_problems"})
            if (auto it = parcel.metadata.find(list); it != parcel.metadata.end() && it->is_array())
                for (const json& warning : *it)
                    if (warning.is_string())
                        image_.warnings.push_back(display_name(index) + ": " + warning.get<std::string>());
        return {};
    }

    Result<std::string> path_in(const LinkedPrefix& to, const json& meta, const Destination& from,
                                const std::string& who) const {
        if (to.python) return final_path(*to.python, meta, from.root, from.path);
        if (from.root == Root::env) return from.path;
        return make_error(ErrorKind::usage, "{}: it is for Python, and the environment '{}' has none", who,
                          prefix_name(to.root));
    }

    // A file of the installer's own lies in its cache, in a further environment, or is the base's.
    void place_base_file(Destination& d) const {
        if (d.path.starts_with("pkgs/")) d.flags |= destination_package_cache;
        for (std::size_t n = 0; n < further_.size(); ++n) {
            const std::string directory = "envs/" + options_.base->environments[n].name + "/";
            if (!d.path.starts_with(directory)) continue;
            d.root = further_environment(n);
            d.path.erase(0, directory.size());
            return;
        }
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
            if (rest.empty() || rest.starts_with(' '))
                reloc.text = fmt::format("#!\x01/{}{}", env_.python->executable, rest);
        }
    }

    // One path, one destination. Directories merge; of two files the later one in link order wins, as with conda
    // and pip, but it is said.
    Status place(Destination d, const std::string& who, Origin origin = {}) {
        auto& by_path = prefix(d.root).by_path;
        auto found = by_path.find(d.path);
        if (found == by_path.end()) {
            by_path.emplace(d.path, image_.table.destinations.size());
            image_.table.destinations.push_back(std::move(d));
            origins_.push_back(origin);
            return {};
        }
        Destination& old = image_.table.destinations[found->second];
        if (old.kind == EntryKind::directory && d.kind == EntryKind::directory) return {};
        if (old.kind == EntryKind::directory || d.kind == EntryKind::directory)
            return make_error(ErrorKind::usage, "{}: '{}' is a directory in one package and a file in another ({})",
                              who, d.path, image_.manifest.packages[old.package].name);
        bool same = old.kind == d.kind && old.link == d.link &&
                    (old.kind != EntryKind::file ||
                     image_.table.contents[old.content].sha256 == image_.table.contents[d.content].sha256);
        // Some wheels ship bytecode of their own; pip compiles over it without a word, too.
        bool bytecode =
            (d.flags & destination_bytecode) != 0 || (d.path.ends_with(".pyc") && old.path.ends_with(".pyc"));
        if (!same && !bytecode)
            image_.warnings.push_back(
                fmt::format("{} replaces '{}' of {}", who, d.path, image_.manifest.packages[old.package].name));
        old = std::move(d);
        origins_[found->second] = origin;
        return {};
    }

    // What is always installed first: a directory that only the package cache needs is made with it alone.
    Status add_parent_directories() {
        for (LinkedPrefix* one : prefixes())
            for (std::uint8_t flags : {destination_none, destination_package_cache}) TRY(add_parents(*one, flags));
        return {};
    }

    Status add_parents(LinkedPrefix& to, std::uint8_t flags) {
        std::set<std::string> missing;
        for (const Destination& d : image_.table.destinations) {
            if (d.root != to.root || (d.flags & destination_package_cache) != flags) continue;
            for (auto slash = d.path.rfind('/'); slash != std::string::npos; slash = d.path.rfind('/', slash - 1)) {
                std::string parent = d.path.substr(0, slash);
                if (auto there = to.by_path.find(parent); there != to.by_path.end()) {
                    const Destination& other = image_.table.destinations[there->second];
                    if (other.kind == EntryKind::directory) break;
                    // Conda would remove the directory with all that is in it, or write through the link.
                    return make_error(
                        ErrorKind::usage,
                        "'{}' is a {} in {}, and a directory with '{}' in {}; leave one of the packages out", parent,
                        other.kind == EntryKind::symlink ? "link" : "file",
                        image_.manifest.packages[other.package].name, d.path, image_.manifest.packages[d.package].name);
                }
                if (!missing.insert(parent).second) break;
            }
        }
        for (const std::string& path : missing) {
            Destination d;
            d.root = to.root;
            d.kind = EntryKind::directory;
            d.flags = flags;
            d.mode = 0755;
            d.mtime = lock_.source_mtime;
            d.path = path;
            d.package = generated_package_;
            to.by_path.emplace(path, image_.table.destinations.size());
            image_.table.destinations.push_back(std::move(d));
            origins_.push_back({});
        }
        return {};
    }

    // Files without relocations that lie in several places may be one inode there, as conda's hard links are – but
    // never two files of one prefix that merely have the same content. The runtime joins what has content, mode and
    // time in common, so a second such file of one content gets a content of its own (which costs no block).
    void share_files() {
        auto& destinations = image_.table.destinations;
        std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::size_t>> places; // by origin
        for (std::size_t i = 0; i < destinations.size(); ++i)
            if (origins_[i].known && destinations[i].kind == EntryKind::file &&
                image_.table.contents[destinations[i].content].relocs.empty())
                places[{origins_[i].input, origins_[i].destination}].push_back(i);
        std::set<std::uint32_t> used;
        for (const auto& [origin, members] : places) {
            if (members.size() < 2) continue;
            std::uint32_t content = destinations[members.front()].content;
            if (!used.insert(content).second) {
                image_.table.contents.push_back(Content(image_.table.contents[content]));
                content = static_cast<std::uint32_t>(image_.table.contents.size() - 1);
            }
            for (std::size_t member : members) {
                destinations[member].content = content;
                destinations[member].flags |= destination_shared;
            }
        }
    }

    // ---- generated files ------------------------------------------------------------------------------

    Status add_generated() {
        std::vector<GeneratedFile> files;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            const json& meta = inputs_[i].parcel.metadata;
            if (inputs_[i].bytecode_of || text_field(meta, "kind") != "wheel") continue;
            auto scripts = wheel_entry_points(meta, *env_.python, package_of_[i]);
            if (!scripts.ok()) return std::move(scripts).error().in(display_name(i));
            for (GeneratedFile& file : *scripts)
                // A .data/scripts file of the same name is what an entry point replaces (installer-formats.md §3).
                files.push_back(std::move(file));
        }
        for (GeneratedFile& file : environment_files(lock_, *env_.python, options_.name)) {
            file.package = generated_package_;
            if (!env_.by_path.contains(file.path)) files.push_back(std::move(file)); // a captured venv has its own
        }
        TRY(place_generated(files));
        TRY(add_conda_records(env_));
        if (options_.base) TRY(add_conda_records(base_));
        for (LinkedPrefix& one : further_) TRY(add_conda_records(one));
        // RECORD comes last: it lists everything that the wheel's package now owns.
        std::vector<GeneratedFile> records;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            const json& meta = inputs_[i].parcel.metadata;
            if (inputs_[i].bytecode_of || text_field(meta, "kind") != "wheel") continue;
            auto own = wheel_dist_info(meta, *env_.python, package_of_[i], inputs_[i].artifact);
            TRY(place_generated(own));
            records.push_back(wheel_record(meta, *env_.python, package_of_[i], image_.table, holes_by_content_));
        }
        return place_generated(records);
    }

    // ---- conda ----------------------------------------------------------------------------------------

    static HoledText holed(const CondaText& text) {
        HoledText out;
        for (const CondaTextPiece& piece : text.pieces) switch (piece.kind) {
            case CondaTextPiece::Kind::literal:
                out << piece.text;
                break;
            case CondaTextPiece::Kind::prefix:
                out.prefix();
                break;
            case CondaTextPiece::Kind::shebang:
                out.shebang(piece.text);
                break;
            case CondaTextPiece::Kind::sha256_of:
                out.digest(RelocKind::digest_hex, piece.text);
                break;
            }
        return out;
    }

    static GeneratedFile generated(CondaGenerated&& from, std::uint32_t package) {
        return {std::move(from.path), from.mode, package, holed(from.content)};
    }

    // Indexes of the conda packages of a prefix, in link order.
    std::vector<std::size_t> conda_packages(Root root) const {
        std::vector<std::size_t> out;
        for (std::size_t i = 0; i < inputs_.size(); ++i)
            if (inputs_[i].root == root && !inputs_[i].bytecode_of && !inputs_[i].info_of &&
                is_kind(inputs_[i].parcel.metadata, "conda"))
                out.push_back(i);
        return out;
    }

    Status add_conda_records(LinkedPrefix& to) {
        CondaHistory history;
        history.date = lock_.source_mtime;
        std::vector<GeneratedFile> scripts, records;
        const std::vector<std::size_t> packages = conda_packages(to.root);
        for (std::size_t i : packages) {
            if (!to.python) break; // then none of them is noarch: python
            for (CondaGenerated& script : conda_entry_points(inputs_[i].parcel.metadata, *to.python))
                scripts.push_back(generated(std::move(script), package_of_[i]));
        }
        TRY(place_generated(scripts, to.root));
        for (std::size_t i : packages) {
            const json meta = record_metadata(i);
            TRY_ASSIGN(CondaGenerated record,
                       conda_record(meta, to.python, record_input(i), [&](const std::string& path) {
                           return installed_at(to, path);
                       }).in(display_name(i)));
            records.push_back(generated(std::move(record), package_of_[i]));
            const LockedArtifact& artifact = *inputs_[i].artifact;
            // As conda derives it from the record: otherwise its next transaction notes every package as replaced.
            history.dists.push_back(conda_dist_string(
                without_credentials(artifact.url), artifact.channel, text_field(meta["conda"]["index"], "subdir"),
                fmt::format("{}-{}-{}", artifact.name, artifact.version, artifact.build)));
            if (artifact.requested) history.update_specs.push_back(conda_requested_spec(meta, artifact.requirement));
        }
        // A history makes the directory an environment for conda, also when it has no conda package.
        CondaGenerated text = conda_history(history);
        if (!to.by_path.contains(text.path)) records.push_back(generated(std::move(text), generated_package_));
        return place_generated(records, to.root);
    }

    // conda takes the record that an installer ships for a package in place of its index.json.
    json record_metadata(std::size_t index) const {
        json meta = inputs_[index].parcel.metadata;
        json shipped = json::parse(inputs_[index].repodata_record, nullptr, false);
        if (!shipped.is_object()) return meta;
        json& known = meta["conda"]["index"];
        for (const char* field : {"name", "version", "build", "build_number", "depends", "constrains", "subdir"})
            if (!shipped.contains(field) && known.contains(field)) shipped[field] = known[field];
        known = std::move(shipped);
        return meta;
    }

    CondaRecordInput record_input(std::size_t index) const {
        CondaRecordInput in;
        const LockedArtifact& a = *inputs_[index].artifact;
        in.file_name = a.file_name;
        in.url = without_credentials(a.url);
        in.channel = a.channel;
        in.sha256 = a.sha256;
        // A list may name only the SHA-256; conda's own records have both.
        in.md5 = a.md5.empty() ? text_field(inputs_[index].parcel.metadata, "md5") : a.md5;
        in.size = a.size;
        in.requested = a.requested;
        in.requirement = a.requirement;
        const LinkedPrefix& to = prefix(inputs_[index].root);
        if (is_of_base(to.root)) {
            // As `conda install --file` of the installer's explicit list records it.
            const json& meta = inputs_[index].parcel.metadata;
            in.link_type = 1;
            // A relocation knows the prefix that it is in, and no other.
            if (to.root >= Root::further) in.packages = "\x01/../../pkgs";
            in.requested = true;
            const std::string channel =
                in.url.empty() ? ""
                               : conda_spec_channel(in.url) + "/" + text_field(meta["conda"]["index"], "subdir") + "::";
            in.spec = fmt::format("{}{}=={}={}", channel, a.name, a.version, a.build);
        }
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            if (inputs_[i].bytecode_of != index) continue;
            for (const Destination& d : inputs_[i].parcel.table.destinations)
                if (d.kind == EntryKind::file)
                    in.bytecode.push_back(final_path(*to.python, inputs_[index].parcel.metadata, d.root, d.path));
        }
        return in;
    }

    std::optional<CondaInstalled> installed_at(const LinkedPrefix& in, const std::string& path) const {
        auto found = in.by_path.find(path);
        if (found == in.by_path.end()) return std::nullopt;
        const Destination& d = image_.table.destinations[found->second];
        CondaInstalled out;
        if (d.kind != EntryKind::file) return out;
        const Content& content = image_.table.contents[d.content];
        out.sha256 = to_hex(content.sha256);
        out.size = content.size;
        auto holes = holes_by_content_.find(d.content);
        out.changes = !content.relocs.empty() || (holes != holes_by_content_.end() && !holes->second.empty());
        out.recompiled = recompiled_at_target(in, path);
        return out;
    }

    // Bytecode of a source whose bytes only the target knows (runtime/install/finish.cpp has the same rule).
    bool recompiled_at_target(const LinkedPrefix& in, const std::string& path) const {
        const fs::path file = path;
        if (in.root != Root::env || !in.python || file.extension() != ".pyc" ||
            file.parent_path().filename() != "__pycache__")
            return false;
        const fs::path source = file.parent_path().parent_path() / file.stem().replace_extension(".py");
        if (file.stem().extension() != "." + in.python->cache_tag) return false;
        auto found = in.by_path.find(source.string());
        if (found == in.by_path.end()) return false;
        const Destination& d = image_.table.destinations[found->second];
        return d.kind == EntryKind::file &&
               (image_.manifest.bytecode == "install" || !image_.table.contents[d.content].relocs.empty());
    }

    // ---- the base -------------------------------------------------------------------------------------

    // What the installer leaves beside its packages and what depends on who installs; the rest is a parcel of its own.
    Status add_base_files() {
        std::vector<GeneratedFile> files;
        for (const ConstructorFile& file : options_.base->installer.files) {
            if (file.is_link || !file.has_prefix) continue;
            GeneratedFile out{file.path, file.mode, base_package(), {}};
            out.content.marked(file.content);
            files.push_back(std::move(out));
        }
        TRY(place_generated(files, Root::base));
        if (options_.base->installer.writes_nonadmin)
            TRY(place_generated({{".nonadmin", 0644, base_package(), {}}}, Root::base, destination_unless_root));
        return {};
    }

    std::uint32_t base_package() const {
        for (std::size_t i = 0; i < inputs_.size(); ++i)
            if (is_kind(inputs_[i].parcel.metadata, "base")) return package_of_[i];
        return generated_package_;
    }

    // pkgs/ as conda's cache has it: each package extracted, with its placeholders, beside its repodata record.
    Status add_package_cache() {
        std::vector<GeneratedFile> records;
        std::string urls, urls_with_md5; // a line each: URL, URL#MD5
        for (std::size_t i : cached_packages()) {
            const LockedArtifact& a = *inputs_[i].artifact;
            const std::string directory = fmt::format("pkgs/{}-{}-{}/", a.name, a.version, a.build);
            TRY(add_extracted(i, directory));
            GeneratedFile record{directory + "info/repodata_record.json", 0644, package_of_[i], {}};
            record.content << (inputs_[i].repodata_record.empty()
                                   ? conda_repodata_record(record_metadata(i), record_input(i))
                                   : inputs_[i].repodata_record);
            if (!base_.by_path.contains(record.path)) records.push_back(std::move(record));
            const std::string url = without_credentials(a.url);
            urls += url + "\n";
            urls_with_md5 += url + (a.md5.empty() ? "" : "#" + a.md5) + "\n";
        }
        for (std::size_t i = 0; i < inputs_.size(); ++i)
            if (inputs_[i].info_of) TRY(add_info(i));
        for (const auto& [path, text] : {std::pair{"pkgs/urls", urls_with_md5}, {"pkgs/urls.txt", urls}}) {
            if (base_.by_path.contains(path)) continue;
            GeneratedFile list{path, 0644, base_package(), {}};
            list.content << text;
            records.push_back(std::move(list));
        }
        return place_generated(records, Root::base, destination_package_cache);
    }

    // Every package of the base and its further environments, once.
    std::vector<std::size_t> cached_packages() const {
        std::vector<std::size_t> out;
        std::set<std::string_view> seen;
        for (const LinkedPrefix* one : bases())
            for (std::size_t i : conda_packages(one->root))
                if (seen.insert(inputs_[i].artifact->file_name).second) out.push_back(i);
        return out;
    }

    std::vector<const LinkedPrefix*> bases() const {
        std::vector<const LinkedPrefix*> out = {&base_};
        for (const LinkedPrefix& one : further_) out.push_back(&one);
        return out;
    }

    Status add_extracted(std::size_t index, const std::string& directory) {
        const Parcel& parcel = inputs_[index].parcel;
        for (std::size_t i = 0; i < parcel.table.destinations.size(); ++i) {
            const Destination& from = parcel.table.destinations[i];
            Destination d = from;
            d.root = Root::base;
            d.flags |= destination_package_cache;
            d.path = directory +
                     (from.root == Root::site_packages ? "site-packages/"
                      : from.root == Root::scripts     ? "python-scripts/"
                                                       : "") +
                     from.path;
            d.package = package_of_[index];
            if (d.kind == EntryKind::file) d.content = as_archived(d.content + first_content_[index]);
            TRY(place(std::move(d), display_name(index), {first_input_[index], static_cast<std::uint32_t>(i), true}));
        }
        return {};
    }

    Status add_info(std::size_t index) {
        const LinkInput& input = inputs_[index];
        const LockedArtifact& a = *inputs_[*input.info_of].artifact;
        for (const Destination& from : input.parcel.table.destinations) {
            Destination d = from;
            d.root = Root::base;
            d.flags |= destination_package_cache;
            d.path = fmt::format("pkgs/{}-{}-{}/{}", a.name, a.version, a.build, from.path);
            d.package = package_of_[index];
            if (d.kind == EntryKind::file) d.content += first_content_[index];
            TRY(place(std::move(d), display_name(index)));
        }
        return {};
    }

    // The same bytes with the old prefix left in: what is extracted is not installed.
    std::uint32_t as_archived(std::uint32_t content) {
        if (image_.table.contents[content].relocs.empty()) return content;
        auto [known, added] = archived_.emplace(content, static_cast<std::uint32_t>(image_.table.contents.size()));
        if (added) {
            Content copy = image_.table.contents[content];
            copy.relocs.clear();
            image_.table.contents.push_back(std::move(copy));
        }
        return known->second;
    }

    Status place_generated(const std::vector<GeneratedFile>& files, Root root = Root::env,
                           std::uint8_t flags = destination_none) {
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
            root_of_holes_[static_cast<std::uint32_t>(image_.table.contents.size())] = root;
            Destination d;
            d.root = root;
            d.flags = destination_generated | flags;
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
        std::ranges::sort(destinations, [](const Destination& a, const Destination& b) {
            return std::tie(a.root, a.path) < std::tie(b.root, b.path);
        });
        std::vector<std::unordered_map<std::string_view, std::uint32_t>> indexes(2 + further_.size());
        for (std::uint32_t i = 0; i < destinations.size(); ++i)
            indexes[prefix_index(destinations[i].root)].emplace(destinations[i].path, i);
        for (auto& [content, holes] : holes_by_content_) {
            const auto& index = indexes[prefix_index(root_of_holes_.at(content))];
            for (const HoledText::Hole& hole : holes) {
                Reloc reloc;
                reloc.kind = hole.kind;
                reloc.offset = hole.offset;
                reloc.length = hole.length;
                reloc.text = hole.text;
                if (!hole.target.empty()) {
                    auto found = index.find(hole.target);
                    if (found == index.end())
                        return make_error(ErrorKind::bug, "a generated file names '{}', which is not installed",
                                          hole.target);
                    reloc.target = found->second;
                }
                image_.table.contents[content].relocs.push_back(std::move(reloc));
            }
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
        m.python = *env_.python;
        m.request = lock_.request;
        m.variables = lock_.variables;
        describe_base();
        describe_installer();
        m.requires_ =
            environment_requirements(m, inputs_, *env_.python, [this](Root root) { return prefix(root).python; });
        if (options_.base && newer_glibc(options_.base->installer.minimum_glibc, m.requires_.glibc)) {
            m.requires_.glibc = options_.base->installer.minimum_glibc;
            m.requires_.glibc_because = options_.base->locked.file_name;
        }
        std::set<std::tuple<std::uint32_t, std::uint16_t, std::int64_t>> inodes; // shared ones: content, mode, time
        // The environment's first, then the base's: what both have is counted where it is always installed.
        for (bool cache : {false, true})
            for (const Destination& d : image_.table.destinations) {
                if (((d.flags & destination_package_cache) != 0) != cache) continue;
                bool linked = (d.flags & destination_shared) != 0 && !inodes.emplace(d.content, d.mode, d.mtime).second;
                count(d, linked, cache ? m.parts.packages : is_of_base(d.root) ? m.parts.base : m.parts.env);
            }
        m.install = {};
        add(m.install, m.parts.env);
        if (m.base_installer) add(m.install, m.parts.base);
        if (m.base_installer && m.base_installer->keeps_packages) add(m.install, m.parts.packages);
    }

    void count(const Destination& d, bool linked, InstallInfo& part) {
        PackageInfo& package = image_.manifest.packages[d.package];
        if (!linked) ++part.inodes;
        if (d.kind == EntryKind::directory) {
            part.bytes += 4096;
            return;
        }
        const bool cache = (d.flags & destination_package_cache) != 0;
        if (!cache) ++package.files;
        if (d.kind == EntryKind::symlink) return; // short targets lie in the inode
        const Content& content = image_.table.contents[d.content];
        if (!cache) package.installed_size += content.size;
        // A further environment's prefix is the base's with something behind it.
        const std::size_t behind = d.root >= Root::further ? prefix_name(d.root).size() + 1 : 0;
        for (const Reloc& r : content.relocs) {
            const std::size_t room = std::max(r.text.size(), behind + 1) - behind;
            if (r.kind == RelocKind::cstring && (part.longest_prefix == 0 || room < part.longest_prefix)) {
                part.longest_prefix = static_cast<std::uint32_t>(room);
                part.longest_prefix_because = d.path;
            }
        }
        if (linked) return;
        part.apparent_bytes += content.size;
        part.bytes += (content.size + 4095) / 4096 * 4096;
    }

    // Sizes add up; the limit of the environment's prefix is the environment's own.
    static void add(InstallInfo& to, const InstallInfo& part) {
        to.bytes += part.bytes;
        to.apparent_bytes += part.apparent_bytes;
        to.inodes += part.inodes;
        if (part.longest_prefix != 0 && to.longest_prefix == 0) {
            to.longest_prefix = part.longest_prefix;
            to.longest_prefix_because = part.longest_prefix_because;
        }
    }

    void describe_base() {
        if (!options_.base) return;
        const ConstructorInstaller& installer = options_.base->installer;
        const LockedBase& locked = options_.base->locked;
        BaseInfo out;
        out.kind = locked.kind;
        out.name = installer.name;
        out.version = installer.version;
        out.url = without_credentials(locked.url);
        out.file_name = locked.file_name;
        out.sha256 = locked.sha256;
        out.size = locked.size;
        out.license = installer.license;
        out.keeps_packages = installer.keeps_packages;
        out.initialises = installer.initialises_by_default;
        out.registers = installer.registers_environments;
        out.pre_install = installer.pre_install;
        out.post_install = installer.post_install;
        out.variables = installer.script_variables;
        out.python = options_.base->python;
        out.environments = options_.base->environments;
        image_.manifest.base = fmt::format("{} {}", out.kind == "installer" ? out.name : out.kind, out.version);
        put_license_first(out.name, out.version, out.license);
        image_.manifest.base_installer = std::move(out);
    }

    // Because it is what the installer itself asks to accept, as constructor's does.
    void put_license_first(const std::string& name, const std::string& version, const std::string& text) {
        if (!text.empty())
            image_.licenses = fmt::format("==== {} {} ====\n\n{}\n\n", name, version, text) + image_.licenses;
    }

    void describe_installer() {
        if (!lock_.installer) return;
        const LockedInstaller& from = *lock_.installer;
        auto text = [](const std::optional<LockedText>& one) { return one ? one->text : std::string(); };
        InstallerInfo out{from.version, text(from.license), text(from.pre_install), text(from.post_install),
                          from.variables};
        put_license_first(lock_.name, out.version, out.license);
        image_.manifest.installer = std::move(out);
    }

    const Lock& lock_;
    const std::vector<LinkInput>& inputs_;
    const LinkOptions& options_;
    Image image_;
    std::vector<std::uint32_t> package_of_;
    std::uint32_t generated_package_ = 0;
    LinkedPrefix env_, base_;
    std::vector<LinkedPrefix> further_;                      // of the base's further environments
    std::vector<Origin> origins_;                            // by destination, until they are sorted
    std::vector<std::uint32_t> first_content_, first_input_; // by input
    std::map<std::uint32_t, std::uint32_t> archived_;        // content → the same without relocations
    std::map<std::uint32_t, std::vector<HoledText::Hole>> holes_by_content_;
    std::map<std::uint32_t, Root> root_of_holes_;
    Bytes generated_block_;
};

} // namespace

std::string final_path(const PythonInfo& python, const json& metadata, Root root, const std::string& path) {
    switch (root) {
    case Root::env:
    case Root::base:
    case Root::further:
    case Root::data:
        return path;
    case Root::site_packages:
        return python.site_packages + "/" + path;
    case Root::scripts:
        return "bin/" + path;
    case Root::stdlib:
        return python.stdlib + "/" + path;
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
