#include "generator/assemble/prefixes.hpp"

#include "common/base/last_component.hpp"
#include "common/base/text.hpp"
#include "common/format/json_read.hpp"
#include "common/format/prefix_name.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::assemble {

Prefixes::Prefixes(const format::PythonInfo* python, const BaseLink* base) {
    auto add = [&](format::Root root, const format::PythonInfo* own) {
        prefixes_.push_back({root, own, format::prefix_name(root, base ? &base->environments : nullptr), {}});
    };
    add(format::Root::env, python);
    if (!base) return;
    add(format::Root::base, &base->python);
    for (std::size_t n = 0; n < base->environments.size(); ++n) {
        const auto& own = base->environments[n].python;
        add(format::further_environment(n), own ? &*own : nullptr);
    }
}

Result<std::string> path_in(const LinkedPrefix& to, const nlohmann::json& metadata, const format::Destination& from,
                            const std::string& who) {
    if (to.python) return final_path(*to.python, metadata, from.root, from.path);
    if (from.root == format::Root::env) return from.path;
    return make_error(ErrorKind::usage, "{}: it is for Python, and the environment '{}' has none", who,
                      to_string(to.name));
}

std::string final_path(const format::PythonInfo& python, const nlohmann::json& metadata, format::Root root,
                       const std::string& path) {
    switch (root) {
    case format::Root::env:
    case format::Root::base:
    case format::Root::further:
    case format::Root::data:
        return path;
    case format::Root::site_packages:
        return python.site_packages + "/" + path;
    case format::Root::scripts:
        return "bin/" + path;
    case format::Root::stdlib:
        return python.stdlib + "/" + path;
    case format::Root::headers: {
        const std::string_view directory = last_component(python.stdlib);
        return fmt::format("include/{}/{}/{}", directory, format::text_field(metadata, "name"), path);
    }
    }
    return path;
}

} // namespace tinderbox::assemble
