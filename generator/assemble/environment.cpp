// What every environment has besides its packages: its Python is found here, its activation scripts are made here.
#include "common/base/shell_quote.hpp"
#include "common/base/text.hpp"
#include "generator/assemble/link.hpp"
#include "generator/assemble/wheel_files.hpp"
#include "generator/conda/link.hpp"
#include "generator/embed/embedded.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::assemble {

using nlohmann::json;
using parcel::GeneratedFile;

namespace {

std::optional<format::PythonInfo> captured_python(const json& metadata) {
    auto it = metadata.find("python");
    if (it == metadata.end() || !it->is_object()) return std::nullopt;
    format::PythonInfo info;
    info.version = it->value("version", "");
    info.implementation = it->value("implementation", "cpython");
    info.executable = it->value("executable", "");
    info.site_packages = it->value("site_packages", "");
    info.stdlib = it->value("stdlib", "");
    info.cache_tag = it->value("cache_tag", "");
    info.gil = it->value("gil", true);
    return info;
}

// Readers have checked names and values (common/base/names.hpp): a value is one line.
std::string variables_text(const std::map<std::string, std::string>& variables, std::string_view set,
                           std::string_view to, std::string (*quote)(std::string_view)) {
    std::string out;
    for (const auto& [name, value] : variables) out += fmt::format("{}{}{}{}\n", set, name, to, quote(value));
    return out;
}

} // namespace

Result<std::optional<format::PythonInfo>> find_python(const std::vector<LinkInput>& inputs, format::Root root) {
    for (const LinkInput& input : inputs) {
        if (input.root != root) continue;
        if (auto info = captured_python(input.parcel.metadata); info && !info->version.empty()) return info;
    }
    for (const LinkInput& input : inputs)
        if (input.root == root && input.parcel.kind() == parcel::ArtifactKind::conda &&
            input.parcel.metadata.value("name", "") == "python") {
            TRY_ASSIGN(format::PythonInfo info, conda::python_info(input.parcel.metadata));
            return std::optional(std::move(info));
        }
    return std::optional<format::PythonInfo>();
}

std::vector<GeneratedFile> environment_files(const lock::Lock& lock) {
    struct Script {
        const char* source;
        const char* path;
        const char *set, *to;
        std::string (*quote)(std::string_view);
    };
    static constexpr Script scripts[] = {
        {"templates/activate/activate", "bin/activate", "export ", "=", shell_quote},
        {"templates/activate/activate.fish", "bin/activate.fish", "set -gx ", " ", fish_quote},
        {"templates/activate/activate.csh", "bin/activate.csh", "setenv ", " ", csh_quote},
    };
    std::vector<GeneratedFile> out;
    for (const Script& script : scripts) {
        auto bytes = embed::embedded(script.source);
        if (bytes.empty()) continue;
        // The prefix first: no value becomes one.
        std::string text = replace_all(as_text(bytes), "@PREFIX@", "\x01");
        text = replace_all(text, "@NAME@", lock.name);
        text = replace_all(text, "@VARIABLES@", variables_text(lock.variables, script.set, script.to, script.quote));
        GeneratedFile file;
        file.path = script.path;
        file.mode = 0644; // sourced, never run
        file.content.marked(text);
        out.push_back(std::move(file));
    }
    // Where conda keeps them, so that `conda activate` sets and unsets them, too.
    if (!lock.variables.empty()) {
        GeneratedFile state;
        state.path = "conda-meta/state";
        state.mode = 0644;
        state.content << json{{"version", 1}, {"env_vars", lock.variables}}.dump(2, ' ', false,
                                                                                 json::error_handler_t::replace) +
                             "\n";
        out.push_back(std::move(state));
    }
    return out;
}

} // namespace tinderbox::assemble
