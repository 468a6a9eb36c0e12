#include "generator/assemble/destinations.hpp"

#include "common/base/text.hpp"
#include "common/base/visible.hpp"
#include "common/format/entry.hpp"
#include "generator/assemble/own_paths.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <tuple>

namespace tinderbox::assemble {

using nlohmann::json;

Destinations::Destinations(Linking& linking) : linking_(linking), table_(linking.image.table) {
    std::unordered_map<std::string, std::size_t> by_key;
    for (std::size_t i = 0; i < linking_.inputs.size(); ++i) {
        const parcel::Parcel& parcel = linking_.inputs[i].parcel;
        auto [same, added] = by_key.emplace(parcel.key, i);
        // complete_shebangs changes a wheel's contents.
        if (!added && !parcel.key.empty() && parcel.kind() != parcel::ArtifactKind::wheel) {
            first_content_.push_back(first_content_[same->second]);
            first_input_.push_back(static_cast<std::uint32_t>(same->second));
            continue;
        }
        add_blocks(i);
    }
}

void Destinations::add_blocks(std::size_t input) {
    const parcel::Parcel& parcel = linking_.inputs[input].parcel;
    const auto first_block = static_cast<std::uint32_t>(table_.blocks.size());
    first_content_.push_back(static_cast<std::uint32_t>(table_.contents.size()));
    first_input_.push_back(static_cast<std::uint32_t>(input));
    for (const format::Block& block : parcel.table.blocks) {
        linking_.image.sources.push_back({static_cast<std::uint32_t>(input), block.offset});
        table_.blocks.push_back(block);
    }
    for (format::Content content : parcel.table.contents) {
        if (content.size > 0) content.block += first_block;
        if (parcel.kind() == parcel::ArtifactKind::wheel) complete_shebangs(content);
        table_.contents.push_back(std::move(content));
    }
}

// A wheel writes "#!python" and does not know the interpreter's path. A conda package or a captured environment names
// its interpreter itself.
void Destinations::complete_shebangs(format::Content& content) const {
    constexpr std::string_view unknown = "#!\x01/bin/python";
    for (format::Reloc& reloc : content.relocs) {
        if (reloc.kind != format::RelocKind::shebang || !reloc.text.starts_with(unknown)) continue;
        const std::string_view rest = std::string_view(reloc.text).substr(unknown.size());
        if (rest.empty() || rest.starts_with(' '))
            reloc.text = fmt::format("#!\x01/{}{}", linking_.prefixes.python().executable, rest);
    }
}

Status Destinations::add_parcels() {
    for (std::size_t i = 0; i < linking_.inputs.size(); ++i) {
        const LinkInput& input = linking_.inputs[i];
        if (input.info_of) continue;
        const parcel::Parcel& owner = input.bytecode_of ? linking_.inputs[*input.bytecode_of].parcel : input.parcel;
        const std::string who = display_name(input);
        for (std::size_t index = 0; index < input.parcel.table.destinations.size(); ++index) {
            format::Destination d = of_parcel(i, index);
            TRY_ASSIGN(d.path, path_in(linking_.prefixes.at(input.root), owner.metadata,
                                       input.parcel.table.destinations[index], who));
            d.root = input.root;
            if (owner.kind() == parcel::ArtifactKind::base) set_base_root(d);
            TRY(place(std::move(d), who, origin(i, index)));
        }
        warn_about(input);
    }
    return {};
}

format::Destination Destinations::of_parcel(std::size_t input, std::size_t index) const {
    format::Destination out = linking_.inputs[input].parcel.table.destinations[index];
    out.package = linking_.packages.of_input[input];
    if (out.kind == format::EntryKind::file) out.content += first_content_[input];
    return out;
}

Origin Destinations::origin(std::size_t input, std::size_t index) const {
    return {first_input_[input], static_cast<std::uint32_t>(index)};
}

// The installer's own files name their places relative to the base: below pkgs/ they belong to its package cache, below
// envs/NAME to a further environment.
void Destinations::set_base_root(format::Destination& d) const {
    if (d.path.starts_with("pkgs/")) d.flags |= format::destination_package_cache;
    for (const LinkedPrefix& further : linking_.prefixes.further()) {
        const std::string directory = to_string(further.name) + "/";
        if (!d.path.starts_with(directory)) continue;
        d.root = further.root;
        d.path.erase(0, directory.size());
        return;
    }
}

void Destinations::warn_about(const LinkInput& input) {
    const std::string who = display_name(input);
    std::vector<std::string>& warnings = linking_.image.warnings;
    for (const parcel::FileMismatch& m : input.parcel.mismatches)
        warnings.push_back(fmt::format("{}: '{}' differs from what the package declares (SHA-256 {} instead of {})",
                                       who, m.path, m.found.substr(0, 12), m.declared.substr(0, 12)));
    for (const parcel::Parcel::ElfFact& elf : input.parcel.elf)
        if (elf.device && !elf.device->problem.empty())
            warnings.push_back(fmt::format("{}: '{}': {}; what GPUs it runs on is not known for sure", who, elf.path,
                                           elf.device->problem));
    for (const char* list : {"warnings", "record_problems"}) {
        auto it = input.parcel.metadata.find(list);
        if (it == input.parcel.metadata.end() || !it->is_array()) continue;
        for (const json& warning : *it)
            if (warning.is_string()) warnings.push_back(who + ": " + warning.get<std::string>());
    }
}

std::string Destinations::owner(const format::Destination& d) const {
    return linking_.image.manifest.packages[d.package].name;
}

void Destinations::append(LinkedPrefix& to, format::Destination d, std::optional<Origin> origin) {
    to.by_path.emplace(d.path, table_.destinations.size());
    table_.destinations.push_back(std::move(d));
    origins_.push_back(origin);
}

Status Destinations::place(format::Destination d, const std::string& who, std::optional<Origin> origin) {
    d.mode = format::installed_mode(d.kind, d.mode);
    TRY(format::check_entry(d).in(fmt::format("{}:{}", who, visible(d.path.substr(0, 200)))));
    LinkedPrefix& to = linking_.prefixes.at(d.root);
    auto found = to.by_path.find(d.path);
    TRY(check_own_paths(linking_, d, found == to.by_path.end() ? nullptr : &table_.destinations[found->second], who));
    if (found == to.by_path.end()) {
        append(to, std::move(d), origin);
        return {};
    }
    format::Destination& old = table_.destinations[found->second];
    if (old.kind == format::EntryKind::directory && d.kind == format::EntryKind::directory) return {};
    if (old.kind == format::EntryKind::directory || d.kind == format::EntryKind::directory)
        return make_error(ErrorKind::usage, "{}: '{}' is a directory in one package and a file in another ({})", who,
                          d.path, owner(old));
    const bool same = old.kind == d.kind && old.link == d.link &&
                      (old.kind != format::EntryKind::file ||
                       table_.contents[old.content].sha256 == table_.contents[d.content].sha256);
    // Some wheels ship bytecode. pip compiles over it without a word, too.
    const bool bytecode =
        (d.flags & format::destination_bytecode) != 0 || (d.path.ends_with(".pyc") && old.path.ends_with(".pyc"));
    if (!same && !bytecode)
        linking_.image.warnings.push_back(fmt::format("{} replaces '{}' of {}", who, d.path, owner(old)));
    old = std::move(d);
    origins_[found->second] = origin;
    return {};
}

std::uint32_t Destinations::as_archived(std::uint32_t content) {
    if (table_.contents[content].relocs.empty()) return content;
    auto [known, added] = archived_.emplace(content, static_cast<std::uint32_t>(table_.contents.size()));
    if (added) {
        format::Content copy = table_.contents[content];
        copy.relocs.clear();
        table_.contents.push_back(std::move(copy));
    }
    return known->second;
}

// The package cache's directories come second, so that they have its flag only where nothing else needs them.
Status Destinations::add_parent_directories() {
    for (LinkedPrefix& one : linking_.prefixes.all())
        for (std::uint8_t flags : {format::destination_none, format::destination_package_cache})
            TRY(add_parents(one, flags));
    return {};
}

Status Destinations::add_parents(LinkedPrefix& to, std::uint8_t flags) {
    std::set<std::string> missing;
    for (const format::Destination& d : table_.destinations) {
        if (d.root != to.root || (d.flags & format::destination_package_cache) != flags) continue;
        for (auto slash = d.path.rfind('/'); slash != std::string::npos; slash = d.path.rfind('/', slash - 1)) {
            std::string parent = d.path.substr(0, slash);
            if (auto there = to.by_path.find(parent); there != to.by_path.end()) {
                const format::Destination& other = table_.destinations[there->second];
                if (other.kind == format::EntryKind::directory) break;
                // Conda would remove the directory with its contents, or write through the link.
                return make_error(ErrorKind::usage,
                                  "'{}' is a {} in {}, and a directory with '{}' in {}; leave one of the packages out",
                                  parent, other.kind == format::EntryKind::symlink ? "link" : "file", owner(other),
                                  d.path, owner(d));
            }
            if (!missing.insert(parent).second) break;
        }
    }
    for (const std::string& path : missing) {
        format::Destination d;
        d.root = to.root;
        d.kind = format::EntryKind::directory;
        d.flags = flags;
        d.mode = 0755;
        d.mtime = linking_.lock.source_mtime;
        d.path = path;
        d.package = linking_.packages.generated;
        append(to, std::move(d), std::nullopt);
    }
    return {};
}

// The runtime joins files that have content, mode and time in common. Two files of one prefix that merely have the same
// bytes must stay two inodes, so the second origin of a content gets a content of its own, which costs no block.
void Destinations::share_files() {
    auto& destinations = table_.destinations;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::size_t>> places; // by origin
    for (std::size_t i = 0; i < destinations.size(); ++i)
        if (origins_[i] && destinations[i].kind == format::EntryKind::file &&
            table_.contents[destinations[i].content].relocs.empty())
            places[{origins_[i]->input, origins_[i]->destination}].push_back(i);
    std::set<std::uint32_t> used;
    for (const auto& [origin, members] : places) {
        if (members.size() < 2) continue;
        std::uint32_t content = destinations[members.front()].content;
        if (!used.insert(content).second) {
            table_.contents.push_back(format::Content(table_.contents[content]));
            content = static_cast<std::uint32_t>(table_.contents.size() - 1);
        }
        for (std::size_t member : members) {
            destinations[member].content = content;
            destinations[member].flags |= format::destination_shared;
        }
    }
}

Status Destinations::check_links() const {
    TRY_ASSIGN(const auto leaving, format::leaving_link(table_));
    if (!leaving) return {};
    const format::Destination& link = table_.destinations[*leaving];
    return make_error(ErrorKind::usage,
                      "{}:{}: its link to '{}' leaves the prefix through a link of another package; leave one of the "
                      "packages out",
                      owner(link), link.path, link.link);
}

void Destinations::sort() {
    std::ranges::sort(table_.destinations, [](const format::Destination& a, const format::Destination& b) {
        return std::tie(a.root, a.path) < std::tie(b.root, b.path);
    });
    origins_.clear();
}

} // namespace tinderbox::assemble
