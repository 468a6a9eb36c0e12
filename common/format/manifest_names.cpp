// The names in a manifest that become directories, words of a shell or variables, held to the generator's own rules.
#include "common/base/member_path.hpp"
#include "common/base/names.hpp"
#include "common/base/visible.hpp"
#include "common/format/manifest.hpp"

namespace tinderbox::format {
namespace {

Status check_path(std::string_view what, const std::string& path) {
    auto safe = safe_relative_path(path);
    if (safe.ok() && *safe == path) return {};
    return make_error(ErrorKind::usage, "{} '{}': {}", what, visible(path),
                      safe.ok() ? "the path is not in its normal form" : safe.error().message);
}

Status check_python(const PythonInfo& python) {
    for (const auto& [what, path] :
         {std::pair("Python's executable", &python.executable), std::pair("site-packages", &python.site_packages),
          std::pair("the standard library", &python.stdlib)})
        if (!path->empty()) TRY(check_path(what, *path));
    if (python.cache_tag.find('/') == std::string::npos && is_visible(python.cache_tag)) return {};
    return make_error(ErrorKind::usage, "'{}' is no tag of bytecode", visible(python.cache_tag));
}

// Of scripts: they are put into no text, so their values are free.
Status check_variable_names(const std::map<std::string, std::string>& variables) {
    for (const auto& [name, value] : variables) TRY(check_variable_name(name));
    return {};
}

} // namespace

Status check_names(const Manifest& m) {
    TRY(check_installer_name(m.name));
    // Without a base the environment is the prefix, and needs no name.
    if (!m.env_name.empty() || m.base_installer) TRY(check_environment_name(m.env_name));
    for (const auto& [name, value] : m.variables) TRY(check_variable(name, value));
    if (m.python) TRY(check_python(*m.python));
    for (const ScriptInfo& script : m.scripts) TRY(check_path("the script", script.path));
    if (m.installer) TRY(check_variable_names(m.installer->variables));
    if (!m.base_installer) return {};
    TRY(check_variable_names(m.base_installer->variables));
    if (m.base_installer->python) TRY(check_python(*m.base_installer->python));
    for (const FurtherEnvironment& one : m.base_installer->environments) {
        TRY(check_environment_name(one.name));
        if (one.python) TRY(check_python(*one.python));
    }
    return {};
}

} // namespace tinderbox::format
