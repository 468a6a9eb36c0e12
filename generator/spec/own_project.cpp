#include "generator/spec/own_project.hpp"

#include "common/base/input_file.hpp"
#include "generator/pip/tags.hpp"

namespace tinderbox::spec {
namespace {

// "": what comes through a pipe lies nowhere.
fs::path project_directory(const std::string& path) {
    if (is_stream(path)) return {};
    std::error_code ec;
    return fs::absolute(path, ec).lexically_normal().parent_path();
}

// tool.uv.package; nullopt: it is not said.
Result<std::optional<bool>> said_by_uv(const TomlFile& file) {
    TRY_ASSIGN(const Toml* tool, file.table(file.root(), "tool"));
    if (!tool) return std::optional<bool>();
    TRY_ASSIGN(const Toml* uv, file.table(*tool, "uv"));
    if (!uv || !uv->contains("package") || !uv->at("package").is_boolean()) return std::optional<bool>();
    return std::optional(uv->at("package").as_boolean());
}

} // namespace

Result<std::optional<OwnProject>> project_of_pyproject(const TomlFile& file, const std::string& path) {
    TRY_ASSIGN(const Toml* project, file.table(file.root(), "project"));
    if (!project) return std::optional<OwnProject>();
    TRY_ASSIGN(const Toml* backend, file.table(file.root(), "build-system"));
    TRY_ASSIGN(const std::optional<bool> said, said_by_uv(file));
    if (!said.value_or(backend != nullptr)) return std::optional<OwnProject>();
    OwnProject out;
    out.directory = project_directory(path);
    TRY_ASSIGN(out.name, file.text(*project, "name"));
    TRY_ASSIGN(out.version, file.text(*project, "version"));
    if (out.version.empty()) out.version = pip::dynamic_version;
    return std::optional(std::move(out));
}

std::optional<OwnProject> project_of_lock(const ForeignLock& lock, const std::string& path) {
    constexpr std::string_view editable = "editable ";
    if (lock.kind != to_string(SpecKind::uv_lock)) return std::nullopt;
    for (const ForeignPackage& package : lock.packages) {
        if (!package.project || !package.origin.starts_with(editable)) continue;
        OwnProject out{package.name, package.version.empty() ? pip::dynamic_version : package.version,
                       project_directory(path)};
        if (!out.directory.empty())
            out.directory = (out.directory / package.origin.substr(editable.size())).lexically_normal();
        return out;
    }
    return std::nullopt;
}

} // namespace tinderbox::spec
