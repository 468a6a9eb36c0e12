// uv.lock, version 1 (https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile). Its format is uv's own and not
// documented; this reader knows the files of uv 0.4 to 0.13: a graph of packages. Markers stand at the edges.
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/pip/marker.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/spec/foreign_reader.hpp"
#include "generator/spec/toml.hpp"

#include <algorithm>

namespace tinderbox::spec {
namespace {

class UvReader {
  public:
    UvReader(const TomlFile& file, const std::string& path, ForeignLock& out) : file_(file), path_(path), out_(out) {}

    Status read() {
        const Toml& root = file_.root();
        TRY_ASSIGN(std::uint64_t version, file_.number(root, "version"));
        out_.version = std::to_string(version);
        if (version != 1)
            return line_error({path_}, "its format is version {}, and this Tinderbox reads version 1; {}", version,
                              version > 1 ? "update Tinderbox" : "write it again with 'uv lock'");
        TRY_ASSIGN(out_.requires_python, file_.text(root, "requires-python"));
        TRY_ASSIGN(auto packages, file_.tables(root, "package"));
        for (const Toml* table : packages) TRY(read_package(*table));
        return find_project();
    }

  private:
    // What distinguishes two packages of one name and version: "registry https://…".
    Result<std::string> origin_of(const Toml& table, std::string* kind = nullptr, std::string* location = nullptr) {
        for (const char* key : {"registry", "url", "path", "git", "directory", "editable", "virtual"}) {
            TRY_ASSIGN(std::string value, file_.text(table, key));
            if (value.empty()) continue;
            if (kind) *kind = key;
            if (location) *location = value;
            return std::string(key) + " " + value;
        }
        return std::string();
    }

    // A file of a URL or a path may have only a name and a hash: then the package's source is its location.
    Result<ForeignFile> read_file(const Toml& table, const std::string& kind, const std::string& source,
                                  std::string_view where) {
        ForeignFile out;
        TRY_ASSIGN(std::string url, file_.text(table, "url"));
        TRY_ASSIGN(std::string path, file_.text(table, "path"));
        TRY_ASSIGN(out.file_name, file_.text(table, "filename"));
        // A registry that is a directory (find-links): its files' paths begin there.
        if (!path.empty() && kind == "registry" && !is_url(source)) path = source + "/" + path;
        std::string location = !url.empty() ? url : !path.empty() ? path : out.file_name;
        if (url.empty() && path.empty() && (kind == "path" || kind == "url")) location = source;
        if (location.empty()) return line_error(file_.at(table), "a file of {} has neither 'url' nor 'path'", where);
        out.url = location_of(location, path_);
        if (out.file_name.empty()) out.file_name = file_name_of(out.url);
        TRY_ASSIGN(std::string hash, file_.text(table, "hash"));
        TRY(add_hash(out, hash, file_.at(table)));
        TRY_ASSIGN(out.size, file_.number(table, "size"));
        return out;
    }

    Result<std::vector<ForeignEdge>> read_edges(const Toml& table, const std::string& key) {
        std::vector<ForeignEdge> out;
        TRY_ASSIGN(auto edges, file_.tables(table, key));
        for (const Toml* edge : edges) {
            ForeignEdge one;
            TRY_ASSIGN(one.name, file_.required(*edge, "name", "a dependency"));
            one.name = pip::normalize_name(one.name);
            TRY_ASSIGN(one.version, file_.text(*edge, "version"));
            TRY_ASSIGN(one.marker, file_.text(*edge, "marker"));
            if (!one.marker.empty())
                if (auto parsed = pip::Marker::parse(one.marker); !parsed.ok())
                    return std::move(parsed.error()).in(file_.at(*edge).str());
            TRY_ASSIGN(one.extras, file_.texts(*edge, "extra"));
            for (std::string& extra : one.extras) extra = pip::normalize_name(extra);
            TRY_ASSIGN(const Toml* source, file_.table(*edge, "source"));
            if (source) {
                TRY_ASSIGN(one.source, origin_of(*source));
            }
            out.push_back(std::move(one));
        }
        return out;
    }

    Result<std::map<std::string, std::vector<ForeignEdge>>> read_groups(const Toml& table, const std::string& key) {
        std::map<std::string, std::vector<ForeignEdge>> out;
        TRY_ASSIGN(const Toml* groups, file_.table(table, key));
        if (!groups) return out;
        for (const auto& [name, ignored] : groups->as_table()) {
            TRY_ASSIGN(out[pip::normalize_name(name)], read_edges(*groups, name));
        }
        return out;
    }

    Status read_package(const Toml& table) {
        ForeignPackage out;
        out.kind = "pypi";
        out.line = file_.at(table);
        TRY_ASSIGN(out.name, file_.required(table, "name", "an entry of 'package'"));
        out.name = pip::normalize_name(out.name);
        const std::string where = "the package '" + out.name + "'";
        TRY_ASSIGN(out.version, file_.text(table, "version"));
        TRY_ASSIGN(const Toml* source, file_.table(table, "source"));
        if (!source) return line_error(out.line, "{} has no 'source'; make the lock again", where);
        std::string kind, location;
        TRY_ASSIGN(out.origin, origin_of(*source, &kind, &location));
        out.direct = kind == "url" || kind == "path";
        if (kind == "git") out.source = fmt::format("the version control checkout '{}'", pip::printable(location));
        if (kind == "directory" || kind == "editable") out.source = fmt::format("the directory '{}'", location);
        if (kind == "virtual") out.project = true; // has no package of its own, only dependencies
        TRY_ASSIGN(auto wheels, file_.tables(table, "wheels"));
        for (const Toml* wheel : wheels) {
            TRY_ASSIGN(ForeignFile file, read_file(*wheel, kind, location, where));
            out.files.push_back(std::move(file));
        }
        TRY_ASSIGN(const Toml* sdist, file_.table(table, "sdist"));
        if (sdist && (kind == "registry" || out.direct)) {
            TRY_ASSIGN(out.sdist, read_file(*sdist, kind, location, where));
        }
        set_version_of_file(out);
        TRY_ASSIGN(out.needs, read_edges(table, "dependencies"));
        TRY_ASSIGN(out.extra_needs, read_groups(table, "optional-dependencies"));
        TRY_ASSIGN(out.group_needs, read_groups(table, "dev-dependencies"));
        out_.packages.push_back(std::move(out));
        return {};
    }

    // `uv sync` installs the dependencies of the project at ".".
    Status find_project() {
        ForeignPackage* root = nullptr;
        for (ForeignPackage& package : out_.packages)
            if (package.origin == "editable ." || package.origin == "virtual .") root = &package;
        if (!root)
            for (ForeignPackage& package : out_.packages)
                if (package.origin.starts_with("editable ") || package.origin.starts_with("virtual ") ||
                    package.origin.starts_with("directory ")) {
                    if (root)
                        return line_error(
                            {path_},
                            "it has no project at '.', and several others; export the one that is meant with 'uv "
                            "export --format pylock.toml --package NAME'");
                    root = &package;
                }
        if (!root)
            return line_error({path_},
                              "it has no project whose dependencies would be taken; write it again with 'uv lock'");
        for (ForeignPackage& package : out_.packages)
            package.project = &package == root || package.origin.starts_with("virtual ");
        for (const auto& [name, edges] : root->extra_needs) out_.extras.push_back(name);
        for (const auto& [name, edges] : root->group_needs) out_.groups.push_back(name);
        if (root->group_needs.contains("dev")) out_.default_groups.push_back("dev");
        std::rotate(out_.packages.begin(), out_.packages.begin() + (root - out_.packages.data()),
                    out_.packages.begin() + (root - out_.packages.data()) + 1);
        return {};
    }

    const TomlFile& file_;
    const std::string& path_;
    ForeignLock& out_;
};

} // namespace

Result<ForeignLock> read_uv_lock(std::string_view text, const std::string& path) {
    TRY_ASSIGN(TomlFile file, TomlFile::parse(text, path));
    ForeignLock out;
    out.kind = to_string(SpecKind::uv_lock);
    out.path = path;
    TRY(UvReader(file, path, out).read());
    return out;
}

} // namespace tinderbox::spec
