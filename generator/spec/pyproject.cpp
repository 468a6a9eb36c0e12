// pyproject.toml: [project] (PEP 621) with optional-dependencies, and [dependency-groups] (PEP 735).
//
// SPEC[NAME,…] selects extras and groups. The group `dev` is selected without being named, as uv does it, unless -dev
// is named. `ignored` lists the others, with the words that select them.
#include "common/base/text.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/spec/own_project.hpp"
#include "generator/spec/toml.hpp"

#include <algorithm>

namespace tinderbox::spec {
namespace {

class PyprojectReader {
  public:
    PyprojectReader(const TomlFile& file, const LockChoice& choice, const std::string& path, Request& request)
        : file_(file), choice_(choice), path_(path), request_(request) {}

    Status read() {
        for (const auto& [key, value] : file_.root().as_table())
            TRY(refuse_misspelt(key, {"project", "dependency-groups", "build-system", "tool"}, file_.at(value)));
        TRY_ASSIGN(const Toml* project, file_.table(file_.root(), "project"));
        TRY_ASSIGN(groups_, file_.table(file_.root(), "dependency-groups"));
        TRY_ASSIGN(const Toml* tool, file_.table(file_.root(), "tool"));
        if (!project && !groups_ && tool && tool->contains("poetry"))
            return make_error(
                ErrorKind::usage,
                "{}: its packages are under [tool.poetry], which only Poetry reads; write a requirements.txt with "
                "'poetry export'",
                path_);
        if (!project && !groups_)
            return make_error(ErrorKind::usage,
                              "{}: it has neither [project] nor [dependency-groups]; write its packages into a "
                              "requirements.txt",
                              path_);
        if (project) TRY(read_project(*project));
        TRY_ASSIGN(request_.project, project_of_pyproject(file_, path_));
        TRY(choose());
        TRY(read_uv(file_.root()));
        return {};
    }

  private:
    Status read_project(const Toml& project) {
        for (const auto& [key, value] : project.as_table())
            TRY(refuse_misspelt(
                key, {"name",        "version",     "dependencies", "optional-dependencies", "requires-python",
                      "dynamic",     "scripts",     "gui-scripts",  "entry-points",          "urls",
                      "authors",     "readme",      "license",      "license-files",         "keywords",
                      "classifiers", "maintainers", "description",  "import-names",          "import-namespaces"},
                file_.at(value)));
        TRY_ASSIGN(request_.name, file_.text(project, "name"));
        name_ = pip::normalize_name(request_.name);
        TRY_ASSIGN(request_.requires_python, file_.text(project, "requires-python"));
        if (!request_.requires_python.empty() && !pip::SpecifierSet::parse(request_.requires_python))
            return line_error(file_.at(project.at("requires-python")),
                              "requires-python '{}' is no version specifier; write one such as '>=3.10'",
                              request_.requires_python);
        TRY_ASSIGN(auto dynamic, file_.texts(project, "dynamic"));
        for (const std::string& what : dynamic)
            if (what == "dependencies")
                return line_error(file_.at(project.at("dynamic")),
                                  "its dependencies are dynamic: only its build backend knows them; build the wheel "
                                  "('pip wheel --no-deps .') and add --pip PATH.whl instead");
        TRY_ASSIGN(extras_, file_.table(project, "optional-dependencies"));
        TRY_ASSIGN(const Toml* dependencies, file_.array(project, "dependencies"));
        if (dependencies) TRY(requirements(*dependencies, "dependencies"));
        return {};
    }

    Status requirements(const Toml& list, std::string_view what) {
        for (const Toml& entry : list.as_array()) {
            if (!entry.is_string())
                return line_error(file_.at(entry), "an entry of '{}' is not a string; write \"NAME>=VERSION\"", what);
            TRY(requirement(entry.as_string(), file_.at(entry)));
        }
        return {};
    }

    // "name[a,b]" of the project itself stands for its extras a and b.
    Status requirement(const std::string& text, const pip::SourceLine& line) {
        if (auto parsed = pip::Requirement::parse(text); parsed.ok() && !name_.empty() && parsed->name == name_) {
            for (const std::string& extra : parsed->extras) TRY(add_extra(extra, line));
            return {};
        }
        return read_pep508(text, line, request_);
    }

    // The key of a table that is `name` once normalised; nullptr without one.
    const Toml* find(const Toml* table, const std::string& name) const {
        if (!table) return nullptr;
        for (const auto& [key, value] : table->as_table())
            if (pip::normalize_name(key) == name) return &value;
        return nullptr;
    }

    Status add_extra(const std::string& name, const pip::SourceLine& line) {
        if (std::ranges::find(selected_extras_, name) != selected_extras_.end()) return {};
        selected_extras_.push_back(name);
        const Toml* list = find(extras_, name);
        if (!list) return line_error(line, "there is no extra '{}' in [project.optional-dependencies]", name);
        if (!list->is_array()) return line_error(file_.at(*list), "the extra '{}' is not a list", name);
        return requirements(*list, name);
    }

    // `open` are the groups that include each other down to here.
    Status add_group(const std::string& name, const pip::SourceLine& line, std::vector<std::string> open = {}) {
        if (std::ranges::find(open, name) != open.end())
            return line_error(line, "the dependency group '{}' includes itself", name);
        open.push_back(name);
        const Toml* list = find(groups_, name);
        if (!list) return line_error(line, "there is no group '{}' in [dependency-groups]", name);
        if (!list->is_array()) return line_error(file_.at(*list), "the dependency group '{}' is not a list", name);
        if (std::ranges::find(selected_groups_, name) != selected_groups_.end()) return {};
        for (const Toml& entry : list->as_array()) {
            if (entry.is_string()) {
                TRY(requirement(entry.as_string(), file_.at(entry)));
                continue;
            }
            if (!entry.is_table() || entry.as_table().size() != 1 || !entry.contains("include-group"))
                return line_error(
                    file_.at(entry),
                    "an entry of the group '{}' is neither a requirement nor {{include-group = \"NAME\"}}", name);
            TRY_ASSIGN(std::string other, file_.required(entry, "include-group", "an entry"));
            TRY(add_group(pip::normalize_name(other), file_.at(entry), open));
        }
        selected_groups_.push_back(name);
        return {};
    }

    Status choose() {
        std::vector<std::string> without;
        for (const std::string& raw : choice_.names)
            if (raw.starts_with('-')) without.push_back(pip::normalize_name(raw.substr(1)));
        for (const std::string& raw : choice_.names) {
            if (raw.starts_with('-')) continue;
            std::string name = pip::normalize_name(raw);
            if (!find(extras_, name) && !find(groups_, name))
                return make_error(ErrorKind::usage, "{}: it has no extra and no dependency group '{}'{}", path_, raw,
                                  known());
            if (find(extras_, name)) TRY(add_extra(name, {path_}));
            if (find(groups_, name)) TRY(add_group(name, {path_}));
        }
        if (find(groups_, "dev") && std::ranges::find(without, "dev") == without.end()) TRY(add_group("dev", {path_}));
        note_others(extras_, "extra", selected_extras_);
        note_others(groups_, "dependency group", selected_groups_);
        return {};
    }

    std::string known() const {
        std::string out;
        for (const Toml* table : {extras_, groups_})
            if (table)
                for (const auto& [key, value] : table->as_table()) out += (out.empty() ? "; there is: " : ", ") + key;
        return out;
    }

    void note_others(const Toml* table, std::string_view what, const std::vector<std::string>& selected) {
        if (!table) return;
        for (const auto& [key, value] : table->as_table())
            if (std::ranges::find(selected, pip::normalize_name(key)) == selected.end())
                request_.ignored.push_back({fmt::format("{} '{}'", what, key),
                                            fmt::format("it was not asked for; write {}[{}] to take it", path_, key),
                                            file_.at(value)});
    }

    // uv's own tables would change where packages come from: not read, but said.
    Status read_uv(const Toml& root) {
        TRY_ASSIGN(const Toml* tool, file_.table(root, "tool"));
        if (!tool) return {};
        TRY_ASSIGN(const Toml* uv, file_.table(*tool, "uv"));
        if (!uv) return {};
        TRY_ASSIGN(auto indexes, file_.tables(*uv, "index"));
        for (const Toml* index : indexes) {
            TRY_ASSIGN(std::string url, file_.text(*index, "url"));
            request_.ignored.push_back({"tool.uv.index",
                                        fmt::format("it is uv's own; write --extra-index-url {}", pip::printable(url)),
                                        file_.at(*index)});
        }
        TRY_ASSIGN(const Toml* sources, file_.table(*uv, "sources"));
        if (sources)
            request_.ignored.push_back({"tool.uv.sources",
                                        "it is uv's own; give what it names with --pip, or build from the uv.lock",
                                        file_.at(*sources)});
        return {};
    }

    const TomlFile& file_;
    const LockChoice& choice_;
    const std::string& path_;
    Request& request_;
    std::string name_;
    const Toml* extras_ = nullptr;
    const Toml* groups_ = nullptr;
    std::vector<std::string> selected_extras_, selected_groups_;
};

} // namespace

Status read_pyproject(std::string_view text, const std::string& path, const LockChoice& choice, Request& request) {
    TRY_ASSIGN(TomlFile file, TomlFile::parse(text, path));
    return PyprojectReader(file, choice, path, request).read();
}

} // namespace tinderbox::spec
