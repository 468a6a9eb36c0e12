// YAML with positions, shared by the readers of generator/spec. Not for use outside it.
#pragma once

#include "generator/conda/yaml_cost.hpp"
#include "generator/spec/reader.hpp"

#include <yaml-cpp/yaml.h>

#include <set>

namespace tinderbox::spec {

class YamlFile {
  public:
    // One document. Errors (usage): not YAML (with line and column), several documents, tabs as indentation, more than
    // the budget. `what` is the article and name of the format: "an environment.yml".
    static Result<YamlFile> parse(std::string_view text, const std::string& path, std::string_view what,
                                  const Budget& budget = conda::yaml_budget);

    const YAML::Node& root() const { return root_; }
    pip::SourceLine at(const YAML::Node& node) const;

    // Keys and values of a mapping, YAML's merge keys ("<<: *base") resolved. Errors: not a mapping, a key twice, a
    // key that is no plain word. `what` names the mapping in messages: "'metadata'".
    using Pair = std::pair<YAML::Node, YAML::Node>;
    Result<std::vector<Pair>> pairs(const YAML::Node& map, std::string_view what) const;
    // The elements of a list; none when it is empty or "~".
    Result<std::vector<YAML::Node>> list(const YAML::Node& node, std::string_view what,
                                         std::string_view hint = "- VALUE") const;
    // A plain value, as it is written.
    Result<std::string> scalar(const YAML::Node& node, std::string_view what) const;
    // The value of a key of a mapping, "" when it has none.
    Result<std::string> text(const YAML::Node& map, const char* key) const;
    Result<std::string> required(const YAML::Node& map, const char* key, std::string_view where) const;

  private:
    Status merge_into(const YAML::Node& from, std::set<std::string>& known, std::vector<Pair>& out, int depth) const;

    std::string path_;
    YAML::Node root_;
};

} // namespace tinderbox::spec
