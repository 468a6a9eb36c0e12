// environment.yml, as `conda env create` reads it: name, channels, dependencies (with a pip section), variables.
//
// conda silently ignores what it does not know; here it is said (Request::ignored) or refused with its line.
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/spec/reader.hpp"

#include <yaml-cpp/yaml.h>


namespace tinderbox {
namespace {

class Reader {
  public:
    Reader(const std::string& path, Request& request) : path_(path), request_(request) {}

    Status read(const YAML::Node& root) {
        if (!root.IsMap())
            return line_error(at(root), "it is not a mapping; an environment.yml begins with 'name:', 'channels:' or "
                                        "'dependencies:'");
        TRY(unique_keys(root));
        for (const auto& pair : root) {
            const std::string key = pair.first.Scalar();
            const YAML::Node& value = pair.second;
            if (key == "name") {
                TRY(scalar(value, "name", request_.name));
            } else if (key == "channels") {
                TRY(channels(value));
            } else if (key == "dependencies") {
                TRY(dependencies(value));
            } else if (key == "variables") {
                TRY(variables(value));
            } else if (key == "prefix") {
                ignore("prefix", "an installer's prefix is chosen when it is installed (-p)", at(pair.first));
            } else if (key == "platforms") {
                ignore("platforms", "an installer is for one platform (--platform)", at(pair.first));
            } else {
                ignore(key, "it is no key that conda knows in an environment.yml", at(pair.first));
            }
        }
        return {};
    }

  private:
    SourceLine at(const YAML::Node& node) const { return {path_, node.Mark().line + 1}; }
    void ignore(std::string what, std::string why, SourceLine line) {
        request_.ignored.push_back({std::move(what), std::move(why), std::move(line)});
    }

    // A later key would win over an earlier one without a word.
    Status unique_keys(const YAML::Node& map) {
        std::map<std::string, int> seen;
        for (const auto& pair : map) {
            if (!pair.first.IsScalar()) return line_error(at(pair.first), "a key is not a plain word");
            auto [found, added] = seen.emplace(pair.first.Scalar(), pair.first.Mark().line + 1);
            if (!added)
                return line_error(at(pair.first), "the key '{}' stands a second time (first in line {}); join the two",
                                  found->first, found->second);
        }
        return {};
    }

    Status scalar(const YAML::Node& node, std::string_view what, std::string& out) {
        if (!node.IsScalar()) return line_error(at(node), "'{}' is not a plain word; write '{}: WORD'", what, what);
        out = node.Scalar();
        return {};
    }

    Status channels(const YAML::Node& node) {
        if (node.IsNull()) return {};
        if (!node.IsSequence())
            return line_error(at(node), "'channels' is not a list; write '  - NAME' in a line for each channel");
        for (const YAML::Node& channel : node) {
            std::string name;
            TRY(scalar(channel, "channels", name));
            if (name == "nodefaults")
                ignore(name, "the defaults channel is used only where it is named", at(channel));
            else
                request_.channels.push_back(name);
        }
        return {};
    }

    Status dependencies(const YAML::Node& node) {
        if (node.IsNull()) return {};
        if (!node.IsSequence())
            return line_error(at(node), "'dependencies' is not a list; write '  - PACKAGE' in a line for each package");
        for (const YAML::Node& entry : node) {
            if (entry.IsScalar()) {
                TRY(conda(entry));
            } else if (entry.IsMap()) {
                TRY(section(entry));
            } else {
                return line_error(at(entry), "an entry of 'dependencies' is empty; remove its '-' or write a package "
                                             "behind it");
            }
        }
        return {};
    }

    Status conda(const YAML::Node& entry) {
        std::string text(trim(entry.Scalar()));
        SourceLine line = at(entry);
        if (text.empty()) return line_error(line, "an entry of 'dependencies' is empty; remove its '-'");
        bool file = text.find("://") != std::string::npos && text.find("::") == std::string::npos;
        if (file || ((text.starts_with('.') || text.starts_with('/')) && text.find('/') != std::string::npos)) {
            TRY_ASSIGN(CondaSpec spec, read_conda_url(text, line, directory_of(path_)));
            request_.conda.push_back(std::move(spec));
        } else {
            TRY_ASSIGN(CondaSpec spec, read_match_spec(text, line));
            request_.conda.push_back(std::move(spec));
        }
        return {};
    }

    // "- pip:" with a list, or a mistake such as "- numpy: 1.0".
    Status section(const YAML::Node& entry) {
        TRY(unique_keys(entry));
        for (const auto& pair : entry) {
            const std::string key = pair.first.Scalar();
            if (key.starts_with("sel("))
                return line_error(at(pair.first), "'{}' is a selector of mamba's; write what it selects for your "
                                                  "platform as a plain entry",
                                  key);
            if (key != "pip" && pair.second.IsScalar())
                return line_error(at(pair.first), "'{0}: {1}' is a mapping; write '{0}={1}'", key, pair.second.Scalar());
            if (key != "pip")
                return line_error(at(pair.first), "there is no section '{}:' in dependencies; only 'pip:' is", key);
            TRY(pip(pair.second));
        }
        return {};
    }

    Status pip(const YAML::Node& node) {
        if (node.IsNull()) return {};
        if (!node.IsSequence())
            return line_error(at(node), "'pip' is not a list; write '    - REQUIREMENT' in a line for each package");
        for (const YAML::Node& entry : node) {
            if (!entry.IsScalar())
                return line_error(at(entry), "an entry of 'pip' is not a requirement; write one such as 'numpy==2.3.5' "
                                             "(in quotes if it has a ': ')");
            // conda writes these lines into a requirements file for pip, so a block of several lines is legal.
            int offset = 0;
            for (std::string_view line : split_lines(entry.Scalar()))
                TRY(read_requirement_line(line, {path_, entry.Mark().line + 1 + offset++}, path_, request_));
        }
        return {};
    }

    Status variables(const YAML::Node& node) {
        if (node.IsNull()) return {};
        if (!node.IsMap()) return line_error(at(node), "'variables' is not a mapping; write '  NAME: VALUE' lines");
        TRY(unique_keys(node));
        for (const auto& pair : node) {
            const std::string name = pair.first.Scalar();
            if (!pair.second.IsScalar())
                return line_error(at(pair.first), "the variable '{}' has no plain value; write it in quotes", name);
            bool valid = !name.empty() && !(name[0] >= '0' && name[0] <= '9');
            for (char c : name)
                valid = valid && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_');
            if (!valid)
                return line_error(at(pair.first), "'{}' cannot be a variable's name; use letters, digits and '_'", name);
            request_.variables[name] = pair.second.Scalar();
        }
        return {};
    }

    const std::string& path_;
    Request& request_;
};

// YAML forbids tabs as indentation; the parser's own message for one does not say that.
Status refuse_tabs(std::string_view text, const std::string& path) {
    int number = 0;
    for (std::string_view line : split_lines(text)) {
        ++number;
        auto first = line.find_first_not_of(" \t");
        if (first == std::string_view::npos || line[first] == '#') continue;
        if (line.substr(0, first).find('\t') != std::string_view::npos)
            return line_error({path, number}, "it is indented with a tab, which YAML does not allow; use spaces");
    }
    return {};
}

} // namespace

Status read_environment(std::string_view text, const std::string& path, Request& request) {
    TRY(refuse_tabs(text, path));
    try {
        std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
        if (documents.size() != 1)
            return make_error(ErrorKind::usage, "{}: it holds {} YAML documents; an environment.yml holds one", path,
                              documents.size());
        return Reader(path, request).read(documents.front());
    } catch (const YAML::Exception& e) {
        return line_error({path, e.mark.is_null() ? 0 : e.mark.line + 1}, "it is not valid YAML: {}", e.msg);
    } catch (const std::exception& e) {
        return make_error(ErrorKind::usage, "{}: it is not valid YAML: {}", path, e.what());
    }
}

} // namespace tinderbox
