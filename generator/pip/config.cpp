#include "generator/pip/config.hpp"

#include "common/base/text.hpp"

#include <map>

namespace tinderbox::pip {
namespace {

using Values = std::map<std::string, std::string>;

// Python's configparser dialect: "[section]", "key = value" or "key: value", values go on in indented lines, comment
// lines begin with '#' or ';'. pip spells keys with '-' or '_'.
Status read_ini(std::string_view text, const std::string& path, std::map<std::string, Values>& sections) {
    std::string section, key;
    int number = 0;
    for (std::string_view line : split_lines(text)) {
        ++number;
        std::string_view content = trim(line);
        if (content.empty() || content[0] == '#' || content[0] == ';') continue;
        bool indented = line[0] == ' ' || line[0] == '\t';
        if (indented && !key.empty()) {
            sections[section][key] += "\n" + std::string(content);
            continue;
        }
        if (content[0] == '[') {
            if (!content.ends_with(']'))
                return make_error(ErrorKind::usage, "{}:{}: a section's '[' is not closed by ']'", path, number);
            section = std::string(content.substr(1, content.size() - 2));
            key.clear();
            continue;
        }
        auto mark = content.find_first_of("=:");
        if (section.empty() || mark == std::string_view::npos)
            return make_error(ErrorKind::usage,
                              "{}:{}: this line of pip's configuration is neither [section] nor KEY = VALUE", path,
                              number);
        key = replace_all(to_lower(trim(content.substr(0, mark))), "_", "-");
        sections[section][key] = std::string(trim(content.substr(mark + 1)));
    }
    return {};
}

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> out;
    while (true) {
        auto begin = text.find_first_not_of(" \t\r\n");
        if (begin == std::string_view::npos) return out;
        auto end = std::min(text.find_first_of(" \t\r\n", begin), text.size());
        out.emplace_back(text.substr(begin, end - begin));
        text.remove_prefix(end);
    }
}

bool truth(const std::string& text) {
    std::string value = to_lower(trim(text));
    return value == "1" || value == "true" || value == "yes" || value == "on" || value == "y" || value == "t";
}

Options options_from(const Values& values) {
    Options out;
    auto get = [&](const char* key) -> std::string {
        auto found = values.find(key);
        return found == values.end() ? std::string() : found->second;
    };
    if (auto url = get("index-url"); !url.empty()) out.index_url = url;
    out.extra_index_urls = words(get("extra-index-url"));
    out.find_links = words(get("find-links"));
    out.trusted_hosts = words(get("trusted-host"));
    out.no_index = truth(get("no-index"));
    out.pre = truth(get("pre"));
    out.require_hashes = truth(get("require-hashes"));
    out.prefer_binary = truth(get("prefer-binary"));
    out.cert = get("cert");
    out.only_binary = words(replace_all(get("only-binary"), ",", " "));
    out.no_binary = words(replace_all(get("no-binary"), ",", " "));
    return out;
}

} // namespace

Result<Config> read_config(const ConfigSources& sources) {
    Config out;
    auto get = [&](const char* name) { return sources.variable(name).value_or(""); };
    std::string named = get("PIP_CONFIG_FILE"), home = get("HOME");
    std::vector<std::string> files;
    if (named != "/dev/null") {
        std::string shared = get("XDG_CONFIG_DIRS");
        if (shared.empty()) shared = "/etc/xdg";
        for (std::string_view directory : split(shared, ':'))
            if (!directory.empty()) files.push_back(std::string(directory) + "/pip/pip.conf");
        files.push_back("/etc/pip.conf");
        std::string config = get("XDG_CONFIG_HOME");
        if (!home.empty()) files.push_back(home + "/.pip/pip.conf");
        if (!config.empty() || !home.empty())
            files.push_back((config.empty() ? home + "/.config" : config) + "/pip/pip.conf");
        if (auto environment = get("VIRTUAL_ENV"); !environment.empty()) files.push_back(environment + "/pip.conf");
        if (!named.empty()) files.push_back(named);
    }
    Values values;
    for (const std::string& path : files) {
        auto text = sources.file(path);
        if (!text) continue;
        out.files.push_back(path);
        std::map<std::string, Values> sections;
        TRY(read_ini(*text, path, sections));
        for (const char* section : {"global", "install"})
            for (const auto& [key, value] : sections[section]) values[key] = value;
    }
    for (const char* key : {"index-url", "extra-index-url", "find-links", "trusted-host", "no-index", "pre",
                            "require-hashes", "prefer-binary", "cert", "only-binary", "no-binary"}) {
        std::string name = "PIP_";
        for (char c : std::string_view(key)) name += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
        // An empty variable unsets the value of a file, as with pip.
        if (auto value = sources.variable(name)) values[key] = *value;
    }
    out.options = options_from(values);
    return out;
}

} // namespace tinderbox::pip
