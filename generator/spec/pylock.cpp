// pylock.toml, lock-version 1.x (PEP 751; https://packaging.python.org/specifications/pylock-toml/).
#include "common/base/text.hpp"
#include "generator/archive/endings.hpp"
#include "generator/pip/marker.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/spec/foreign_reader.hpp"
#include "generator/spec/toml.hpp"

namespace tinderbox::spec {
namespace {

class PylockReader {
  public:
    PylockReader(const TomlFile& file, const std::string& path, ForeignLock& out)
        : file_(file), path_(path), out_(out) {}

    Status read() {
        const Toml& root = file_.root();
        out_.version_is_number = false;
        TRY_ASSIGN(out_.version, file_.required(root, "lock-version", "it"));
        if (!out_.version.starts_with("1."))
            return line_error({path_}, "its lock-version is {}, and this Tinderbox reads 1.0; update Tinderbox",
                              out_.version);
        TRY_ASSIGN(out_.requires_python, file_.text(root, "requires-python"));
        if (!out_.requires_python.empty() && !pip::SpecifierSet::parse(out_.requires_python))
            return line_error({path_}, "its requires-python '{}' is no version specifier", out_.requires_python);
        TRY_ASSIGN(out_.markers, file_.texts(root, "environments"));
        for (const std::string& marker : out_.markers) TRY(check_marker(marker, {path_}));
        TRY_ASSIGN(out_.extras, file_.texts(root, "extras"));
        TRY_ASSIGN(out_.groups, file_.texts(root, "dependency-groups"));
        TRY_ASSIGN(out_.default_groups, file_.texts(root, "default-groups"));
        for (std::vector<std::string>* names : {&out_.extras, &out_.groups, &out_.default_groups})
            for (std::string& name : *names) name = pip::normalize_name(name);
        TRY_ASSIGN(const Toml* packages, file_.array(root, "packages"));
        if (!packages) return line_error({path_}, "it has no list 'packages'; a pylock.toml needs one, be it empty");
        TRY_ASSIGN(auto tables, file_.tables(root, "packages"));
        for (const Toml* table : tables) TRY(read_package(*table));
        return {};
    }

  private:
    Status check_marker(const std::string& marker, const pip::SourceLine& line) {
        if (marker.empty()) return {};
        auto parsed = pip::Marker::parse(marker);
        if (!parsed.ok()) return std::move(parsed.error()).in(line.str());
        return {};
    }

    // {name?, url | path, size?, hashes}
    Result<ForeignFile> read_file(const Toml& table, std::string_view where) {
        ForeignFile out;
        TRY_ASSIGN(std::string url, file_.text(table, "url"));
        TRY_ASSIGN(std::string path, file_.text(table, "path"));
        if (url.empty() && path.empty())
            return line_error(file_.at(table), "a file of {} has neither 'url' nor 'path'", where);
        out.url = location_of(url.empty() ? path : url, path_);
        TRY_ASSIGN(out.file_name, file_.text(table, "name"));
        if (out.file_name.empty()) out.file_name = file_name_of(out.url);
        TRY_ASSIGN(out.size, file_.number(table, "size"));
        TRY_ASSIGN(const Toml* hashes, file_.table(table, "hashes"));
        if (!hashes) return line_error(file_.at(table), "a file of {} has no 'hashes'; make the lock again", where);
        Digests digests;
        for (const auto& [algorithm, ignored] : hashes->as_table()) {
            TRY_ASSIGN(std::string digest, file_.text(*hashes, algorithm));
            digests.emplace_back(algorithm, std::move(digest));
        }
        TRY(add_hashes(out, digests, file_.at(*hashes)));
        return out;
    }

    Status read_package(const Toml& table) {
        ForeignPackage out;
        out.kind = "pypi";
        out.line = file_.at(table);
        TRY_ASSIGN(out.name, file_.required(table, "name", "an entry of 'packages'"));
        out.name = pip::normalize_name(out.name);
        const std::string where = "the package '" + out.name + "'";
        TRY_ASSIGN(out.version, file_.text(table, "version"));
        TRY_ASSIGN(out.marker, file_.text(table, "marker"));
        TRY(check_marker(out.marker, out.line));
        TRY_ASSIGN(out.requires_python, file_.text(table, "requires-python"));
        TRY_ASSIGN(auto wheels, file_.tables(table, "wheels"));
        for (const Toml* wheel : wheels) {
            TRY_ASSIGN(ForeignFile file, read_file(*wheel, where));
            out.files.push_back(std::move(file));
        }
        TRY_ASSIGN(const Toml* sdist, file_.table(table, "sdist"));
        if (sdist) {
            TRY_ASSIGN(out.sdist, read_file(*sdist, where));
        }
        TRY(read_source(table, where, out));
        set_version_of_file(out);
        if (out.files.empty() && !out.sdist && out.source.empty())
            return line_error(out.line, "{} has no wheels, sdist, archive, directory or vcs; make the lock again",
                              where);
        TRY_ASSIGN(auto needs, file_.tables(table, "dependencies"));
        for (const Toml* need : needs) {
            TRY_ASSIGN(std::string name, file_.text(*need, "name"));
            out.needs.push_back({pip::normalize_name(name), "", "", "", {}});
        }
        out_.packages.push_back(std::move(out));
        return {};
    }

    Status read_source(const Toml& table, const std::string& where, ForeignPackage& out) {
        TRY_ASSIGN(const Toml* archive, file_.table(table, "archive"));
        TRY_ASSIGN(const Toml* directory, file_.table(table, "directory"));
        TRY_ASSIGN(const Toml* vcs, file_.table(table, "vcs"));
        const int kinds = (archive != nullptr) + (directory != nullptr) + (vcs != nullptr) +
                          (out.files.empty() && !out.sdist ? 0 : 1);
        if (kinds > 1)
            return line_error(
                out.line, "{} has more than one of archive, directory, vcs, and sdist or wheels; make the lock again",
                where);
        if (archive) {
            TRY_ASSIGN(ForeignFile file, read_file(*archive, where));
            out.direct = true;
            if (archive::is_wheel(file.file_name)) out.files.push_back(std::move(file));
            else out.sdist = std::move(file);
        } else if (directory) {
            TRY_ASSIGN(std::string path, file_.text(*directory, "path"));
            out.source = fmt::format("the directory '{}'", path);
        } else if (vcs) {
            TRY_ASSIGN(std::string url, file_.text(*vcs, "url"));
            if (url.empty()) {
                TRY_ASSIGN(url, file_.text(*vcs, "path"));
            }
            TRY_ASSIGN(std::string commit, file_.text(*vcs, "commit-id"));
            out.source = fmt::format("the version control checkout '{}' at {}", pip::printable(url), commit);
        }
        return {};
    }

    const TomlFile& file_;
    const std::string& path_;
    ForeignLock& out_;
};

} // namespace

Result<ForeignLock> read_pylock(std::string_view text, const std::string& path) {
    TRY_ASSIGN(TomlFile file, TomlFile::parse(text, path));
    ForeignLock out;
    out.kind = to_string(SpecKind::pylock);
    out.path = path;
    TRY(PylockReader(file, path, out).read());
    return out;
}

} // namespace tinderbox::spec
