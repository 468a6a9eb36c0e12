#include "generator/conda/link.hpp"

#include "common/base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace tinderbox::conda {

using nlohmann::json;

namespace {

// conda: a program that makes shortcuts for others is linked before everything that python carries.
constexpr std::string_view shortcut_maker = "menuinst";

using Graph = std::map<std::size_t, std::set<std::size_t>>; // node → what it still waits for

Graph make_graph(std::span<const LinkNode> nodes) {
    std::map<std::string, std::vector<std::size_t>> by_name;
    for (std::size_t i = 0; i < nodes.size(); ++i) by_name[to_lower(nodes[i].name)].push_back(i);
    Graph graph;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        auto& parents = graph[i];
        auto add = [&](const std::string& name) {
            auto found = by_name.find(name);
            if (found != by_name.end()) parents.insert(found->second.begin(), found->second.end());
        };
        for (const std::string& spec : nodes[i].depends) add(match_spec_name(spec));
        if (nodes[i].noarch_python) add("python");
        if (nodes[i].name == "python") std::erase_if(parents, [&](std::size_t p) { return nodes[p].name == "pip"; });
    }
    auto maker = by_name.find(std::string(shortcut_maker));
    auto python = by_name.find("python");
    if (maker != by_name.end() && python != by_name.end())
        for (auto& [node, parents] : graph)
            if (parents.contains(python->second[0]) && !graph[maker->second[0]].contains(node))
                parents.insert(maker->second[0]);
    for (auto& [node, parents] : graph) parents.erase(node);
    return graph;
}

class Sorter {
  public:
    explicit Sorter(std::span<const LinkNode> nodes) : nodes_(nodes), graph_(make_graph(nodes)) {}

    std::vector<std::size_t> run() {
        append(unbound());
        while (!graph_.empty()) {
            std::vector<std::size_t> free;
            for (const auto& [node, parents] : graph_)
                if (parents.empty()) free.push_back(node);
            if (free.empty()) free.push_back(fewest_parents());
            append(std::move(free));
        }
        return order_;
    }

  private:
    std::vector<std::size_t> unbound() const {
        std::set<std::size_t> parents_of_any;
        for (const auto& [node, parents] : graph_) parents_of_any.insert(parents.begin(), parents.end());
        std::vector<std::size_t> out;
        for (const auto& [node, parents] : graph_)
            if (parents.empty() && !parents_of_any.contains(node)) out.push_back(node);
        return out;
    }

    std::size_t fewest_parents() const {
        return std::ranges::min_element(graph_,
                                        [&](const auto& a, const auto& b) {
                                            return std::pair(a.second.size(), std::string_view(nodes_[a.first].dist)) <
                                                   std::pair(b.second.size(), std::string_view(nodes_[b.first].dist));
                                        })
            ->first;
    }

    void append(std::vector<std::size_t> nodes) {
        std::ranges::sort(nodes, [&](std::size_t a, std::size_t b) {
            return std::tie(nodes_[a].name, nodes_[a].dist, a) < std::tie(nodes_[b].name, nodes_[b].dist, b);
        });
        for (std::size_t node : nodes) graph_.erase(node);
        for (auto& [node, parents] : graph_)
            for (std::size_t gone : nodes) parents.erase(gone);
        order_.insert(order_.end(), nodes.begin(), nodes.end());
    }

    std::span<const LinkNode> nodes_;
    Graph graph_;
    std::vector<std::size_t> order_;
};

} // namespace

std::string match_spec_name(std::string_view spec) {
    if (auto colons = spec.find("::"); colons != std::string_view::npos) spec = spec.substr(colons + 2);
    spec = trim(spec);
    return to_lower(trim(spec.substr(0, spec.find_first_of(" \t=<>!~[;,"))));
}

LinkNode link_node(const json& metadata) {
    LinkNode out;
    const json& index = metadata.at("conda").at("index");
    out.name = index.at("name").get<std::string>();
    out.dist =
        fmt::format("{}-{}-{}", out.name, index.at("version").get<std::string>(), index.at("build").get<std::string>());
    for (const json& spec : index.at("depends")) out.depends.push_back(spec.get<std::string>());
    out.noarch_python = metadata.at("conda").at("noarch") == "python";
    return out;
}

std::vector<std::size_t> link_order(std::span<const LinkNode> nodes) { return Sorter(nodes).run(); }

std::vector<Clobber> find_clobbers(std::span<const std::vector<std::string>> paths) {
    std::map<std::string_view, std::vector<std::size_t>> owners;
    for (std::size_t package = 0; package < paths.size(); ++package)
        for (const std::string& path : paths[package]) {
            auto& list = owners[path];
            if (list.empty() || list.back() != package) list.push_back(package);
        }
    std::vector<Clobber> out;
    for (auto& [path, list] : owners)
        if (list.size() > 1) out.push_back({std::string(path), std::move(list)});
    return out;
}

} // namespace tinderbox::conda
