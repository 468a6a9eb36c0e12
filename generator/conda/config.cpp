#include "generator/conda/config.hpp"

#include "common/base/ascii.hpp"
#include "common/base/text.hpp"
#include "generator/conda/yaml_cost.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>

namespace tinderbox::conda {
namespace {

class CondarcReader {
  public:
    CondarcReader(const ConfigSources& sources, Config& out) : sources_(sources), out_(out) {}

    Status read_file(const std::string& path) {
        auto text = sources_.file(path);
        if (!text) return {};
        out_.files.push_back(path);
        path_ = path;
        try {
            TRY(count_yaml(*text, path));
            YAML::Node root = YAML::Load(*text);
            if (root.IsNull()) return {};
            if (!root.IsMap()) return make_error(ErrorKind::usage, "{}: it is not a mapping of settings", path);
            for (const auto& pair : root) {
                if (!pair.first.IsScalar()) continue;
                TRY(setting(pair.first.Scalar(), pair.second));
            }
            return {};
        } catch (const YAML::Exception& e) {
            return make_error(ErrorKind::usage, "{}:{}: it is not valid YAML: {}", path,
                              e.mark.is_null() ? 0 : e.mark.line + 1, e.msg);
        }
    }

    Status read_variables() {
        if (auto alias = set("CONDA_CHANNEL_ALIAS")) out_.channel_alias = *alias;
        if (auto list = set("CONDA_CHANNELS")) set_channels(words(*list));
        if (auto list = set("CONDA_DEFAULT_CHANNELS")) out_.default_channels = words(*list);
        if (auto priority = set("CONDA_CHANNEL_PRIORITY")) {
            TRY_ASSIGN(out_.priority, parse_channel_priority(*priority).in("CONDA_CHANNEL_PRIORITY"));
        }
        for (const char* name : {"CUDA", "GLIBC", "LINUX", "ARCHSPEC"})
            if (auto value =
                    sources_.variable(std::string("CONDA_OVERRIDE_") + name)) // set but empty: the target lacks it
                out_.virtual_overrides["__" + to_lower(name)] = std::string(trim(*value));
        return {};
    }

  private:
    std::optional<std::string> set(const char* name) const {
        auto value = sources_.variable(name);
        return value && !trim(*value).empty() ? std::optional(std::string(trim(*value))) : std::nullopt;
    }
    // "a,b" or "a&b"
    static std::vector<std::string> words(std::string text) {
        std::ranges::replace(text, '&', ',');
        std::vector<std::string> out;
        for (std::string_view word : split(text, ','))
            if (!trim(word).empty()) out.emplace_back(trim(word));
        return out;
    }
    void set_channels(const std::vector<std::string>& channels) {
        out_.channels.clear();
        std::ranges::copy_if(channels, std::back_inserter(out_.channels),
                             [](const std::string& name) { return name != "defaults" && name != "nodefaults"; });
    }

    // conda replaces $NAME and ${NAME} in .condarc: tokens are kept out of the file that way.
    std::string expanded(std::string_view text) const {
        std::string out;
        for (std::size_t i = 0; i < text.size();) {
            const bool braces = text.substr(i).starts_with("${");
            if (text[i] != '$') {
                out += text[i++];
                continue;
            }
            std::size_t begin = i + (braces ? 2 : 1), end = begin;
            while (end < text.size() && is_word(text[end])) ++end;
            auto value = end > begin && (!braces || (end < text.size() && text[end] == '}'))
                             ? sources_.variable(std::string(text.substr(begin, end - begin)))
                             : std::nullopt;
            if (value) out += *value;
            else out += text.substr(i, end + braces - i);
            i = value || braces ? std::min(end + braces, text.size()) : end;
        }
        return out;
    }

    Error wrong(const YAML::Node& node, const char* name, const char* what) const {
        return make_error(ErrorKind::usage, "{}:{}: '{}' is not {}", path_, node.Mark().line + 1, name, what);
    }
    Result<std::vector<std::string>> texts(const YAML::Node& node, const char* name) const {
        std::vector<std::string> out;
        if (node.IsNull()) return out;
        if (node.IsScalar()) return words(expanded(node.Scalar()));
        if (!node.IsSequence()) return wrong(node, name, "a list");
        for (const YAML::Node& one : node) {
            if (!one.IsScalar()) return wrong(one, name, "a list of words");
            out.push_back(expanded(one.Scalar()));
        }
        return out;
    }

    Status setting(const std::string& key, const YAML::Node& value) {
        if (key == "channel_alias") {
            if (!value.IsScalar()) return wrong(value, "channel_alias", "a URL");
            out_.channel_alias = expanded(value.Scalar());
        } else if (key == "channels") {
            TRY_ASSIGN(auto channels, texts(value, "channels"));
            set_channels(channels);
        } else if (key == "default_channels") {
            TRY_ASSIGN(out_.default_channels, texts(value, "default_channels"));
        } else if (key == "channel_priority") {
            if (!value.IsScalar()) return wrong(value, "channel_priority", "a word");
            auto priority = parse_channel_priority(value.Scalar());
            if (!priority.ok())
                return std::move(priority).error().in(fmt::format("{}:{}", path_, value.Mark().line + 1));
            out_.priority = *priority;
        } else if (key == "custom_channels") {
            if (!value.IsMap()) return wrong(value, "custom_channels", "a mapping of names to URLs");
            for (const auto& pair : value)
                if (pair.first.IsScalar() && pair.second.IsScalar())
                    out_.custom_channels[pair.first.Scalar()] = expanded(pair.second.Scalar());
        } else if (key == "custom_multichannels") {
            if (!value.IsMap()) return wrong(value, "custom_multichannels", "a mapping of names to lists");
            for (const auto& pair : value) {
                if (!pair.first.IsScalar()) continue;
                TRY_ASSIGN(out_.custom_multichannels[pair.first.Scalar()], texts(pair.second, "custom_multichannels"));
            }
        } else if (key == "ssl_verify") {
            if (value.IsScalar() && value.Scalar().find('/') != std::string::npos)
                out_.ca_file = expanded(value.Scalar());
        }
        return {};
    }

    const ConfigSources& sources_;
    Config& out_;
    std::string path_;
};

} // namespace

Result<ChannelPriority> parse_channel_priority(std::string_view text) {
    std::string word = to_lower(trim(text));
    if (word == "strict") return ChannelPriority::strict;
    if (word == "flexible" || word == "true" || word == "yes") return ChannelPriority::flexible;
    if (word == "disabled" || word == "false" || word == "no") return ChannelPriority::disabled;
    return make_error(ErrorKind::usage, "'{}' is no channel priority; write strict, flexible or disabled", text);
}

std::string_view to_string(ChannelPriority priority) {
    return priority == ChannelPriority::strict     ? "strict"
           : priority == ChannelPriority::flexible ? "flexible"
                                                   : "disabled";
}

Result<Config> read_config(const ConfigSources& sources) {
    Config out;
    CondarcReader reader(sources, out);
    auto variable = [&](const char* name) { return sources.variable(name).value_or(""); };
    std::vector<std::string> files = {"/etc/conda/.condarc", "/etc/conda/condarc", "/var/lib/conda/.condarc",
                                      "/var/lib/conda/condarc"};
    auto add = [&](const std::string& directory, std::initializer_list<const char*> names) {
        if (!directory.empty())
            for (const char* name : names) files.push_back(directory + "/" + name);
    };
    const std::string home = variable("HOME"), config = variable("XDG_CONFIG_HOME");
    add(variable("CONDA_ROOT"), {".condarc", "condarc"});
    add(config, {"conda/.condarc", "conda/condarc"});
    add(home, {".config/conda/.condarc", ".config/conda/condarc", ".conda/.condarc", ".conda/condarc", ".condarc"});
    add(variable("CONDA_PREFIX"), {".condarc", "condarc"});
    if (std::string named = variable("CONDARC"); !named.empty()) files.push_back(named);
    for (const std::string& file : files) TRY(reader.read_file(file));
    TRY(reader.read_variables());
    return out;
}

} // namespace tinderbox::conda
