#include "generator/spec/yaml.hpp"

#include "common/base/lines.hpp"
#include "common/base/text.hpp"

#include <algorithm>
#include <set>

namespace tinderbox::spec {
namespace {

// YAML forbids tabs as indentation; the parser's own message for one does not say that.
Status refuse_tabs(std::string_view text, const std::string& path) {
    int number = 0;
    for (std::string_view line : Lines(text)) {
        ++number;
        auto first = line.find_first_not_of(" \t");
        if (first == std::string_view::npos || line[first] == '#') continue;
        if (auto tab = line.substr(0, first).find('\t'); tab != std::string_view::npos)
            return line_error({path, number, static_cast<int>(tab) + 1},
                              "it is indented with a tab, which YAML does not allow; use spaces");
    }
    return {};
}

// The parser's words, with the usual cause.
std::string explain(const std::string& message) {
    if (message.find("end of map not found") != std::string::npos ||
        message.find("illegal map value") != std::string::npos)
        return message + "; a line before it lacks its ':', or is indented differently from its neighbours";
    if (message.find("flow not found") != std::string::npos) return message + "; a '[' or '{' is not closed";
    if (message.find("end of sequence not found") != std::string::npos)
        return message + "; an entry lacks its '-', or is indented differently from its neighbours";
    if (message.find("unknown token") != std::string::npos)
        return message + "; a value that begins with %, @, ` or a bracket has to stand in quotes";
    return message;
}

} // namespace

Result<YamlFile> YamlFile::parse(std::string_view text, const std::string& path, std::string_view what,
                                 const Budget& budget) {
    TRY(refuse_tabs(text, path));
    YamlFile out;
    out.path_ = path;
    try {
        const std::string copy(text);
        TRY_ASSIGN(const conda::YamlCost cost, conda::count_yaml(copy, path, budget));
        if (cost.documents == 0)
            return make_error(ErrorKind::usage, "{}: it is empty; {} has at least one line that says something", path,
                              what);
        if (cost.documents > 1)
            return make_error(ErrorKind::usage, "{}: it holds several YAML documents; {} holds one", path, what);
        out.root_ = YAML::Load(copy);
    } catch (const YAML::Exception& e) {
        pip::SourceLine line{path};
        if (!e.mark.is_null()) line = {path, e.mark.line + 1, e.mark.column + 1};
        return line_error(line, "it is not valid YAML: {}", explain(e.msg));
    } catch (const std::exception& e) {
        return make_error(ErrorKind::usage, "{}: it is not valid YAML: {}", path, e.what());
    }
    if (!out.root_.IsDefined() || out.root_.IsNull())
        return make_error(ErrorKind::usage, "{}: it is empty; {} has at least one line that says something", path,
                          what);
    return out;
}

pip::SourceLine YamlFile::at(const YAML::Node& node) const {
    if (node.Mark().is_null()) return {path_};
    return {path_, node.Mark().line + 1, node.Mark().column + 1};
}

Status YamlFile::merge_into(const YAML::Node& from, std::set<std::string>& known, std::vector<Pair>& out,
                            int depth) const {
    if (depth > 16) return line_error(at(from), "'<<' is nested more than 16 deep");
    if (from.IsSequence()) {
        for (const YAML::Node& one : from) TRY(merge_into(one, known, out, depth + 1));
        return {};
    }
    if (!from.IsMap())
        return line_error(at(from), "'<<' does not name a mapping; write '<<: *ANCHOR' with the anchor of one");
    for (const auto& pair : from) {
        if (!pair.first.IsScalar()) return line_error(at(pair.first), "a key is not a plain word");
        if (pair.first.Scalar() == "<<") {
            TRY(merge_into(pair.second, known, out, depth + 1));
            continue;
        }
        if (known.insert(pair.first.Scalar()).second) out.emplace_back(pair.first, pair.second);
    }
    return {};
}

Result<std::vector<YamlFile::Pair>> YamlFile::pairs(const YAML::Node& map, std::string_view what) const {
    if (map.IsNull()) return std::vector<Pair>();
    if (!map.IsMap()) return line_error(at(map), "{} is not a mapping; write 'NAME: VALUE' lines", what);
    std::vector<Pair> out;
    std::map<std::string, pip::SourceLine> seen;
    std::vector<YAML::Node> merged;
    for (const auto& pair : map) {
        if (!pair.first.IsScalar()) return line_error(at(pair.first), "a key is not a plain word; write 'NAME: VALUE'");
        const std::string& key = pair.first.Scalar();
        if (key == "<<") {
            merged.push_back(pair.second);
            continue;
        }
        // A later key would win over an earlier one without a word.
        auto [found, added] = seen.emplace(key, at(pair.first));
        if (!added)
            return line_error(at(pair.first), "the key '{}' stands a second time (first in line {}); join the two", key,
                              found->second.line);
        out.emplace_back(pair.first, pair.second);
    }
    std::set<std::string> known;
    for (const auto& [key, line] : seen) known.insert(key);
    for (const YAML::Node& from : merged) TRY(merge_into(from, known, out, 0));
    return out;
}

Result<std::vector<YAML::Node>> YamlFile::list(const YAML::Node& node, std::string_view what,
                                               std::string_view hint) const {
    std::vector<YAML::Node> out;
    if (!node.IsDefined() || node.IsNull()) return out;
    if (!node.IsSequence()) return line_error(at(node), "{} is not a list; write '{}' lines", what, hint);
    for (const YAML::Node& one : node) out.push_back(one);
    return out;
}

Result<std::string> YamlFile::scalar(const YAML::Node& node, std::string_view what) const {
    if (!node.IsDefined() || !node.IsScalar())
        return line_error(at(node), "{} is not a plain value; write one word or text", what);
    return node.Scalar();
}

Result<std::string> YamlFile::text(const YAML::Node& map, const char* key) const {
    if (map.IsScalar() || map.IsSequence()) return line_error(at(map), "it is not a mapping with '{}'", key);
    YAML::Node value = map[key];
    if (!value.IsDefined() || value.IsNull()) return std::string();
    if (!value.IsScalar()) return line_error(at(value), "'{}' is not a plain value; write one word or text", key);
    return value.Scalar();
}

Result<std::string> YamlFile::required(const YAML::Node& map, const char* key, std::string_view where) const {
    TRY_ASSIGN(std::string value, text(map, key));
    if (value.empty()) return line_error(at(map), "{} has no '{}'; make the lock again", where, key);
    return value;
}

} // namespace tinderbox::spec
