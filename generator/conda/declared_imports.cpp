#include "generator/conda/declared_imports.hpp"

#include "common/base/ascii.hpp"
#include "common/base/json_cost.hpp"
#include "common/base/lines.hpp"
#include "common/base/text.hpp"
#include "generator/conda/info.hpp"
#include "generator/conda/yaml_cost.hpp"

#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

namespace tinderbox::conda {
namespace {

using nlohmann::json;

constexpr std::size_t name_limit = 200;

bool is_importable(std::string_view text) {
    const bool ascii = std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    return ascii && text.size() <= name_limit && is_dotted_name(text);
}

void from_script(std::string_view text, std::set<std::string>& out) {
    constexpr std::string_view start = "print(\"import: '", end = "'\")";
    for (std::string_view line : Lines(text)) {
        line = trim(line);
        if (!line.starts_with(start) || !line.ends_with(end)) continue;
        line = line.substr(start.size(), line.size() - start.size() - end.size());
        if (is_importable(line)) out.emplace(line);
    }
}

void from_yaml(const std::string& text, std::set<std::string>& out) {
    try {
        if (!count_yaml(text, "tests.yaml").ok()) return;
        const YAML::Node root = YAML::Load(text);
        if (!root.IsSequence()) return;
        for (const YAML::Node& test : root) {
            if (!test.IsMap() || !test["python"] || !test["python"].IsMap()) continue;
            const YAML::Node imports = test["python"]["imports"];
            if (!imports || !imports.IsSequence()) continue;
            for (const YAML::Node& name : imports)
                if (name.IsScalar() && is_importable(name.Scalar())) out.insert(name.Scalar());
        }
    } catch (const YAML::Exception&) {
        return;
    }
}

void from_json(const std::string& text, std::set<std::string>& out) {
    if (!is_affordable_json(text)) return;
    const json root = json::parse(text, nullptr, false);
    auto imports = root.is_object() ? root.find("imports") : root.end();
    if (!root.is_object() || imports == root.end() || !imports->is_array()) return;
    for (const json& name : *imports)
        if (name.is_string() && is_importable(name.get<std::string>())) out.insert(name.get<std::string>());
}

bool is_numbered_test(std::string_view member) {
    return member.starts_with("info/tests/") && member.ends_with("/python_test.json");
}

} // namespace

bool declares_imports(std::string_view member) {
    return member == "info/test/run_test.py" || member == "info/tests/tests.yaml" || is_numbered_test(member);
}

std::vector<std::string> declared_imports(const std::map<std::string, std::string>& members) {
    std::set<std::string> out;
    for (const auto& [member, text] : members) {
        if (member == "info/test/run_test.py") from_script(text, out);
        else if (member == "info/tests/tests.yaml") from_yaml(text, out);
        else if (is_numbered_test(member)) from_json(text, out);
    }
    return {out.begin(), out.end()};
}

} // namespace tinderbox::conda
