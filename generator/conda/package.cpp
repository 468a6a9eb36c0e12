#include "generator/conda/package.hpp"

#include "common/base/hash_file.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/base/utf8.hpp"
#include "common/format/json_read.hpp"
#include "generator/archive/file_source.hpp"
#include "generator/archive/spool.hpp"
#include "generator/archive/tar.hpp"
#include "generator/archive/zip.hpp"
#include "generator/conda/declared_imports.hpp"
#include "generator/conda/info.hpp"
#include "generator/conda/names.hpp"
#include "generator/fetch/hashes.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <unordered_map>

namespace tinderbox::conda {

using nlohmann::json;

namespace {

constexpr std::uint64_t info_limit = 128u << 20; // what is read of info/; paths.json of a package with 600,000 files
constexpr std::uint64_t all_licenses_limit = 64u << 20;
constexpr std::uint64_t test_limit = 1u << 20;

class CondaPackage final : public parcel::Artifact {
  public:
    CondaPackage(std::string name, archive::Spool spool) : name_(std::move(name)), spool_(std::move(spool)) {}
    const std::string& display_name() const override { return name_; }
    const json& metadata() const override { return metadata_; }
    std::span<const parcel::Entry> entries() const override { return entries_; }
    Result<std::unique_ptr<archive::ByteSource>> open(std::size_t entry) const override {
        if (entry >= entries_.size() || entries_[entry].kind != format::EntryKind::file)
            return make_error(ErrorKind::bug, "{}: entry {} is not a file", name_, entry);
        return spool_.open(ranges_[entry], name_ + ":" + entries_[entry].path);
    }

  private:
    friend class CondaLoader;
    std::string name_;
    archive::Spool spool_;
    json metadata_;
    std::vector<parcel::Entry> entries_;
    std::vector<archive::Spool::Range> ranges_; // one an entry
};

// A member of the archive, as it is to be installed.
struct Member {
    format::EntryKind kind = format::EntryKind::file;
    std::uint16_t mode = 0644;
    std::int64_t mtime = 0;
    std::string link;
    archive::Spool::Range range;
    bool used = false;
};

const char* path_type(format::EntryKind kind) {
    switch (kind) {
    case format::EntryKind::directory:
        return "directory";
    case format::EntryKind::symlink:
        return "softlink";
    default:
        return "hardlink";
    }
}

class CondaLoader {
  public:
    CondaLoader(std::string name, const OpenOptions& options)
        : artifact_(std::make_unique<CondaPackage>(
              std::move(name),
              archive::Spool(options.spool_directory.empty() ? cache_directory() / "spool" : options.spool_directory,
                             options.memory_limit))),
          name_(artifact_->name_), with_md5_(options.with_md5) {}

    Result<std::unique_ptr<parcel::Artifact>> load(const fs::path& path) {
        std::error_code unknown;
        const std::uint64_t packed = fs::file_size(path, unknown);
        if (!unknown) budget_ = for_packed(budget_, packed);
        if (name_.ends_with(".tar.bz2") || path.native().ends_with(".tar.bz2")) {
            TRY_ASSIGN(auto input, archive::open_file_range(path, name_));
            TRY(read_members(*input, name_));
        } else {
            TRY(read_conda(path));
        }
        TRY(read_info());
        TRY(make_entries());
        note_scripts();
        TRY(refuse_old_noarch());
        write_metadata();
        if (with_md5_) {
            TRY_ASSIGN(artifact_->metadata_["md5"], md5_of(path));
        }
        return std::unique_ptr<parcel::Artifact>(std::move(artifact_));
    }

  private:
    Result<std::string> md5_of(const fs::path& path) const {
        TRY_ASSIGN(Fd file, open_file(path, O_RDONLY));
        fetch::Hasher hash("md5");
        TRY(read_pieces(file.get(), name_, {}, [&](ByteView piece) -> Status {
            hash.update(piece);
            return {};
        }));
        return hash.finish();
    }

    // ---- the archive ----------------------------------------------------------------------------------

    Status read_conda(const fs::path& path) {
        TRY_ASSIGN(auto zip, archive::ZipReader::open(path, name_));
        const archive::ZipMember* format = zip->find("metadata.json");
        if (!format)
            return make_error(ErrorKind::usage, "{}: it has no metadata.json, so it is not a .conda package", name_);
        TRY_ASSIGN(Bytes text, zip->read(*format, 1u << 20));
        TRY(check_format(as_text(text)));
        // info first: both tars become one tree, as when conda extracts them.
        for (std::string_view part : {"info-", "pkg-"}) {
            const archive::ZipMember* found = nullptr;
            for (const archive::ZipMember& member : zip->members()) {
                if (!member.path.starts_with(part) || !member.path.ends_with(".tar.zst")) continue;
                if (found)
                    return make_error(ErrorKind::usage, "{}:{}: there is a second {}*.tar.zst; the package is refused",
                                      name_, member.path, part);
                found = &member;
            }
            if (!found)
                return make_error(ErrorKind::usage, "{}: it has no {}*.tar.zst; the package is damaged", name_, part);
            TRY_ASSIGN(auto input, zip->open_member(*found));
            TRY(read_members(*input, name_ + ":" + found->path));
        }
        return {};
    }

    // Some packages of today's Miniconda (_libgcc_mutex-0.1-main among them) have an empty one.
    Status check_format(std::string_view text) {
        if (text.empty()) return {};
        TRY_ASSIGN(json document, parse_info_json(text, name_ + ":metadata.json"));
        auto version = document.is_object() ? document.find("conda_pkg_format_version") : document.end();
        if (document.is_object() && version != document.end() && *version == 2) return {};
        return make_error(
            ErrorKind::usage,
            "{}:metadata.json: conda_pkg_format_version is not 2; use a newer Tinderbox, or the package's .tar.bz2",
            name_);
    }

    Status read_members(archive::ByteSource& input, const std::string& where) {
        archive::TarOptions options;
        options.name = where;
        options.budget = budget_;
        options.warnings = &warnings_;
        return archive::read_tar(
            input, options, [&](const archive::TarMember& member, archive::ByteSource& content) -> Status {
                if (member.path == "info" || member.path.starts_with("info/")) return keep_info(member, content, where);
                Member out;
                out.kind = member.kind;
                out.mode = static_cast<std::uint16_t>(member.mode & 0777);
                out.mtime = member.mtime;
                out.link = member.link;
                if (!member.hard_link.empty()) {
                    auto first = members_.find(member.hard_link);
                    if (first == members_.end() || first->second.kind != format::EntryKind::file)
                        return make_error(ErrorKind::usage,
                                          "{}:{}: it is a hard link to '{}', which is no earlier file", where,
                                          member.path, member.hard_link);
                    out.range = first->second.range;
                } else if (member.kind == format::EntryKind::file) {
                    TRY_ASSIGN(out.range, artifact_->spool_.append(content, where + ":" + member.path));
                }
                if (!members_.emplace(member.path, std::move(out)).second &&
                    member.kind != format::EntryKind::directory)
                    return make_error(ErrorKind::usage, "{}:{}: the package has this member twice", where, member.path);
                return {};
            });
    }

    static bool is_license(std::string_view path) {
        return path.starts_with("info/licenses/") || path == "info/LICENSE.txt" || path == "info/LICENSE";
    }

    // Recipes and tests under info/ can be large, and an installation does not need them.
    Status keep_info(const archive::TarMember& member, archive::ByteSource& content, const std::string& where) {
        static constexpr std::string_view wanted[] = {"paths.json", "index.json", "link.json",  "package_metadata.json",
                                                      "about.json", "files",      "has_prefix", "no_link",
                                                      "no_softlink"};
        std::string_view name = std::string_view(member.path).substr(member.path.size() > 5 ? 5 : 4);
        bool license = is_license(member.path);
        const bool test = declares_imports(member.path) && member.size <= test_limit;
        if (member.kind != format::EntryKind::file ||
            (!license && !test && std::ranges::find(wanted, name) == std::end(wanted)))
            return {};
        if (license && (member.size > parcel::license_limit || license_bytes_ + member.size > all_licenses_limit)) {
            warnings_.push_back(fmt::format("its licence text '{}' ({}) is too long to be shown", member.path,
                                            format_bytes(member.size)));
            return {};
        }
        std::string inside = where + ":" + member.path;
        std::string text;
        if (!member.hard_link.empty()) { // deduplicated licence texts
            auto first = info_.find(member.hard_link);
            if (first == info_.end()) return {};
            text = first->second;
        } else {
            TRY(info_spending_.bytes(member.size));
            TRY_ASSIGN(Bytes bytes, archive::read_all(content, info_limit, inside));
            text = as_text(bytes);
        }
        if (license) license_bytes_ += text.size();
        auto [known, added] = info_.emplace(member.path, text);
        if (!added && known->second != text)
            return make_error(ErrorKind::usage, "{}: the package has this member twice, with different contents",
                              inside);
        return {};
    }

    const std::string* info(const std::string& name) const {
        auto found = info_.find("info/" + name);
        return found == info_.end() ? nullptr : &found->second;
    }
    std::string at(std::string_view name) const { return fmt::format("{}:info/{}", name_, name); }

    // ---- info/ ----------------------------------------------------------------------------------------

    Status read_info() {
        const std::string* index = info("index.json");
        if (!index)
            return make_error(ErrorKind::usage, "{}: it has no info/index.json, so it is not a conda package", name_);
        TRY_ASSIGN(index_, parse_index_json(*index, at("index.json")));
        TRY_ASSIGN(noarch_, noarch_of(index_, at("index.json")));
        for (const char* file : {"link.json", "package_metadata.json"}) {
            const std::string* text = info(file);
            if (!text) continue;
            TRY_ASSIGN(link_, parse_link_json(*text, at(file)));
            // Some repodata and index.json leave noarch out: then link.json decides (as in conda).
            if (noarch_ == Noarch::none) noarch_ = link_.noarch;
            break;
        }
        if (const std::string* paths = info("paths.json")) {
            TRY_ASSIGN(paths_, parse_paths_json(*paths, at("paths.json")));
            list_ = "info/paths.json";
        } else {
            auto copy = [&](const char* file) { return info(file) ? std::optional(*info(file)) : std::nullopt; };
            TRY_ASSIGN(paths_, parse_legacy_paths(
                                   {copy("files"), copy("has_prefix"), copy("no_link"), copy("no_softlink")}, name_));
            list_ = "info/files";
        }
        auto named = parse_file_name(fs::path(name_).filename().native());
        std::string dist = fmt::format("{}-{}-{}", format::text_field(index_, "name"),
                                       format::text_field(index_, "version"), format::text_field(index_, "build"));
        if (named.ok() && named->dist() != dist)
            warnings_.push_back(fmt::format("its file name says {}, its info/index.json says {}; the latter is used",
                                            named->dist(), dist));
        return {};
    }

    // ---- entries --------------------------------------------------------------------------------------

    Status make_entries() {
        artifact_->entries_.reserve(paths_.size());
        for (PathEntry& path : paths_) TRY(add_entry(path));
        for (auto& [path, member] : members_)
            if (!member.used && member.kind != format::EntryKind::directory)
                warnings_.push_back(fmt::format("{}: it is not listed in {} and is not installed", path, list_));
        return {};
    }

    Status add_entry(PathEntry& path) {
        auto found = members_.find(path.path);
        Member missing; // a directory needs no member of its own
        missing.kind = format::EntryKind::directory;
        missing.mode = 0755;
        missing.mtime = -1;
        if (found == members_.end() && !(path.kind_known && path.kind == format::EntryKind::directory))
            return make_error(ErrorKind::usage,
                              "{}:{}: {} lists it, but the archive does not hold it; the package is damaged", name_,
                              path.path, list_);
        Member& member = found == members_.end() ? missing : found->second;
        member.used = true;
        bool directory = path.kind == format::EntryKind::directory;
        if (path.kind_known && directory != (member.kind == format::EntryKind::directory))
            return make_error(ErrorKind::usage,
                              "{}:{}: {} calls it a {}, in the archive it is a {}; the package is damaged", name_,
                              path.path, list_, path_type(path.kind), path_type(member.kind));
        path.kind = member.kind; // a symlink listed as a file is still a symlink, and the other way round
        if (member.kind != format::EntryKind::file) path.prefix_mode = parcel::PrefixMode::none;

        parcel::Entry entry;
        std::tie(entry.root, entry.path) = destination(path.path);
        entry.kind = member.kind;
        entry.mode = member.mode;
        entry.mtime = member.mtime;
        entry.link = member.link;
        entry.prefix_mode = path.prefix_mode;
        if (path.prefix_mode != parcel::PrefixMode::none) entry.placeholder = path.placeholder;
        if (member.kind == format::EntryKind::file) {
            entry.size = member.range.size;
            entry.sha256 = path.sha256;
            if (path.size && *path.size != entry.size && path.sha256.empty())
                warnings_.push_back(
                    fmt::format("{}: it has {} bytes, {} says {}", path.path, entry.size, list_, *path.size));
            path.size = entry.size;
        }
        if (entry.path.empty()) // "site-packages" itself, as an empty directory of a noarch package
            return {};
        path_records_.push_back(path_record(path));
        artifact_->entries_.push_back(std::move(entry));
        artifact_->ranges_.push_back(member.range);
        return {};
    }

    std::pair<format::Root, std::string> destination(const std::string& path) const {
        if (noarch_ == Noarch::python) {
            for (auto [prefix, root] :
                 {std::pair<std::string_view, format::Root>{"site-packages", format::Root::site_packages},
                  {"python-scripts", format::Root::scripts}}) {
                if (path == prefix) return {root, ""};
                if (path.starts_with(prefix) && path[prefix.size()] == '/')
                    return {root, path.substr(prefix.size() + 1)};
            }
        }
        return {format::Root::env, path};
    }

    static json path_record(const PathEntry& path) {
        json out = {{"_path", path.path}, {"path_type", path_type(path.kind)}};
        if (!path.sha256.empty()) out["sha256"] = path.sha256;
        if (path.size) out["size_in_bytes"] = *path.size;
        if (path.no_link) out["no_link"] = true;
        if (path.prefix_mode != parcel::PrefixMode::none) {
            out["file_mode"] = path.prefix_mode == parcel::PrefixMode::text ? "text" : "binary";
            out["prefix_placeholder"] = path.placeholder;
        }
        return out;
    }

    // ---- scripts --------------------------------------------------------------------------------------

    void note_scripts() {
        const std::string name = format::text_field(index_, "name");
        for (const char* action : {"post-link", "pre-unlink", "pre-link"})
            for (const parcel::Entry& entry : artifact_->entries_) {
                std::string file = fmt::format(".{}-{}.sh", name, action);
                if (entry.kind != format::EntryKind::file) continue;
                if (!(entry.root == format::Root::env && entry.path == "bin/" + file) &&
                    !(entry.root == format::Root::scripts && entry.path == file))
                    continue;
                if (std::string_view(action) == "pre-link")
                    warnings_.push_back(
                        "its pre-link script is not run: such a script changes the package before it is "
                        "installed (rattler ignores it as well)");
                else scripts_[action] = "bin/" + file;
            }
    }

    // Packages of 2014 whose pre-link script does the installing itself: without it they would silently be
    // empty.
    Status refuse_old_noarch() {
        auto script = members_.find(fmt::format("bin/.{}-pre-link.sh", format::text_field(index_, "name")));
        if (script == members_.end() || script->second.kind != format::EntryKind::file ||
            script->second.range.size > (1u << 20))
            return {};
        auto source = artifact_->spool_.open(script->second.range, name_);
        TRY_ASSIGN(Bytes bytes, archive::read_all(*source, 1u << 20, name_));
        if (as_text(bytes).find("$SOURCE_DIR/link.py") == std::string_view::npos) return {};
        return make_error(ErrorKind::usage,
                          "{}:{}: the package is of conda's first noarch format, which installs itself by a "
                          "script; build it "
                          "anew with a current conda-build, or use another version",
                          name_, script->first);
    }

    // ---- metadata -------------------------------------------------------------------------------------

    json licenses() const {
        json out = json::array();
        for (const auto& [path, content] : info_)
            if (is_license(path)) {
                std::string name = path.substr(path.starts_with("info/licenses/") ? 14 : 5);
                out.push_back({{"name", to_utf8(name)}, {"text", to_utf8(content)}});
            }
        return out;
    }

    // The part of about.json that a person reads; the rest describes the build machine.
    json about() const {
        json out = json::object();
        const std::string* content = info("about.json");
        if (!content) return out;
        auto document = parse_info_json(*content, at("about.json"));
        if (!document.ok() || !document->is_object()) return out;
        for (const char* name : {"home", "summary", "license", "license_family", "doc_url", "dev_url", "license_url"})
            if (auto it = document->find(name); it != document->end() && (it->is_string() || it->is_array()))
                out[name] = *it;
        return out;
    }

    void write_metadata() {
        json points = json::array();
        if (noarch_ == Noarch::python)
            for (const EntryPoint& p : link_.entry_points)
                points.push_back({{"command", p.command}, {"module", p.module}, {"function", p.function}});
        json about_json = about();
        std::string license = format::text_field(index_, "license");
        if (license.empty()) license = format::text_field(about_json, "license");
        json conda = {{"index", index_},
                      {"noarch", noarch_ == Noarch::python    ? "python"
                                 : noarch_ == Noarch::generic ? "generic"
                                                              : ""},
                      {"paths", std::move(path_records_)},
                      {"entry_points", std::move(points)},
                      {"scripts", std::move(scripts_)}};
        artifact_->metadata_ = {{"kind", "conda"},
                                {"name", index_["name"]},
                                {"version", index_["version"]},
                                {"build", index_["build"]},
                                {"license", license},
                                {"licenses", licenses()},
                                {"depends", index_["depends"]},
                                {"warnings", warnings_},
                                {"about", std::move(about_json)},
                                {"imports", declared_imports(info_)},
                                {"conda", std::move(conda)}};
    }

    std::unique_ptr<CondaPackage> artifact_;
    const std::string& name_;
    bool with_md5_;
    std::map<std::string, std::string> info_; // path → content
    std::uint64_t license_bytes_ = 0;
    Budget budget_ = archive::tar_budget;
    Spending info_spending_{Budget{.bytes = info_limit}, name_ + ":info"};
    std::map<std::string, Member> members_;
    std::vector<std::string> warnings_;
    json index_;
    Noarch noarch_ = Noarch::none;
    LinkInfo link_;
    std::vector<PathEntry> paths_;
    std::string list_; // the file that lists the paths
    json path_records_ = json::array();
    json scripts_ = json::object();
};

} // namespace

Result<std::unique_ptr<parcel::Artifact>> open_package(const fs::path& path, const OpenOptions& options) {
    std::string name = options.name.empty() ? path.filename().string() : options.name;
    if (!is_package_file_name(name) && !is_package_file_name(path.native()))
        return make_error(ErrorKind::usage, "{}: a conda package ends in .conda or .tar.bz2", name);
    return CondaLoader(std::move(name), options).load(path);
}

} // namespace tinderbox::conda
