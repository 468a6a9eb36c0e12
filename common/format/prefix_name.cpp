#include "common/format/prefix_name.hpp"

#include "common/format/manifest.hpp"
#include "common/format/table.hpp"

namespace tinderbox::format {
namespace {

constexpr std::string_view environments_directory = "envs/";

} // namespace

std::string to_string(const PrefixName& name) {
    switch (name.kind) {
    case PrefixKind::env:
        return "env";
    case PrefixKind::base:
        return "base";
    case PrefixKind::further:
        return std::string(environments_directory) + name.environment;
    }
    return "";
}

std::optional<PrefixName> prefix_named(std::string_view text) {
    if (text == "env") return PrefixName{};
    if (text == "base") return PrefixName{PrefixKind::base, ""};
    if (!text.starts_with(environments_directory) || text.size() == environments_directory.size()) return std::nullopt;
    return PrefixName{PrefixKind::further, std::string(text.substr(environments_directory.size()))};
}

PrefixName prefix_name(Root root, const std::vector<FurtherEnvironment>* environments) {
    if (root == Root::base) return {PrefixKind::base, ""};
    if (root < Root::further) return {};
    return {PrefixKind::further, environments->at(prefix_index(root) - 2).name};
}

} // namespace tinderbox::format
