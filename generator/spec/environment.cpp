// environment.yml, as `conda env create` reads it: name, channels, dependencies (with a pip section), variables.
//
// conda silently ignores unknown keys; this reader lists them (Request::ignored) or refuses them with their line.
#include "common/base/lines.hpp"
#include "common/base/names.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/spec/yaml.hpp"

#include <algorithm>

namespace tinderbox::spec {
namespace {

class Reader {
  public:
    Reader(const YamlFile& file, const std::string& path, std::string platform, Request& request)
        : file_(file), path_(path), platform_(std::move(platform)), request_(request) {}

    Status read(const YAML::Node& root) {
        if (!root.IsMap())
            return line_error(file_.at(root),
                              "it is not a mapping; an environment.yml begins with 'name:', 'channels:' or "
                              "'dependencies:'");
        TRY_ASSIGN(auto pairs, file_.pairs(root, "it"));
        for (const auto& [key_node, value] : pairs) {
            const std::string& key = key_node.Scalar();
            const pip::SourceLine line = file_.at(key_node);
            if (key == "name") {
                if (value.IsNull()) continue;
                TRY(scalar(value, "name", request_.name));
                request_.name_line = file_.at(value);
            } else if (key == "channels") {
                TRY(channels(value));
            } else if (key == "dependencies") {
                TRY(dependencies(value));
            } else if (key == "variables") {
                TRY(variables(value));
            } else if (key == "prefix") {
                ignore("prefix", "an installer's prefix is chosen when it is installed (-p)", line);
            } else if (key == "platforms") {
                ignore("platforms", "an installer is for one platform (--platform)", line);
            } else {
                TRY(refuse_misspelt(key, {"name", "channels", "dependencies", "variables"}, line));
                ignore(key, "it is no key that conda knows in an environment.yml", line);
                request_.ignored.back().unknown_key = true;
            }
        }
        return {};
    }

  private:
    void ignore(std::string what, std::string why, pip::SourceLine line) {
        request_.ignored.push_back({std::move(what), std::move(why), std::move(line)});
    }

    Status scalar(const YAML::Node& node, std::string_view what, std::string& out) {
        if (!node.IsScalar())
            return line_error(file_.at(node), "'{}' is not a plain word; write '{}: WORD'", what, what);
        out = node.Scalar();
        return {};
    }

    Status channels(const YAML::Node& node) {
        if (node.IsNull()) return {};
        if (!node.IsSequence())
            return line_error(file_.at(node), "'channels' is not a list; write '  - NAME' in a line for each channel");
        for (const YAML::Node& entry : node) {
            if (!entry.IsScalar() || trim(entry.Scalar()).empty())
                return line_error(file_.at(entry),
                                  "an entry of 'channels' is not a name, a URL or a path; write '  - conda-forge'");
            std::string name(trim(entry.Scalar()));
            if (name == "nodefaults")
                ignore(name, "the defaults channel is used only where it is named", file_.at(entry));
            else if (name.starts_with('.') || name.starts_with('/') || name.starts_with("~/"))
                request_.channels.push_back(locate_path(name, directory_of(path_)));
            else request_.channels.push_back(std::move(name));
        }
        return {};
    }

    Status dependencies(const YAML::Node& node) {
        if (node.IsNull()) return {};
        if (!node.IsSequence())
            return line_error(file_.at(node),
                              "'dependencies' is not a list; write '  - PACKAGE' in a line for each package");
        Faults faults;
        for (const YAML::Node& entry : node)
            if (!faults.add(file_.at(entry), dependency(entry, faults))) break;
        return faults.result();
    }

    Status dependency(const YAML::Node& entry, Faults& faults) {
        if (entry.IsScalar()) return conda(entry);
        if (entry.IsMap()) return section(entry, faults);
        if (entry.IsSequence())
            return line_error(file_.at(entry),
                              "a list stands inside 'dependencies'; write each package behind one '-'");
        return line_error(file_.at(entry),
                          "an entry of 'dependencies' is empty; remove its '-' or write a package behind it");
    }

    Status conda(const YAML::Node& entry) {
        std::string text(trim(entry.Scalar()));
        const pip::SourceLine line{path_, file_.at(entry).line};
        if (text.empty()) return line_error(line, "an entry of 'dependencies' is empty; remove its '-'");
        pip::SourceLine begin = file_.at(entry);
        --begin.column;
        TRY(refuse_no_break_space(text, begin));
        bool file = text.find("://") != std::string::npos && text.find("::") == std::string::npos;
        if (file || ((text.starts_with('.') || text.starts_with('/') || text.starts_with("~/")) &&
                     text.find('/') != std::string::npos)) {
            TRY_ASSIGN(CondaSpec spec, read_conda_url(text, line, directory_of(path_)));
            request_.conda.push_back(std::move(spec));
        } else {
            TRY_ASSIGN(CondaSpec spec, read_match_spec(text, line));
            request_.conda.push_back(std::move(spec));
        }
        return {};
    }

    // mamba's selectors: those of conda-build's that it knows.
    Status selector(const std::string& key, const pip::SourceLine& line, const YAML::Node& value) {
        static constexpr std::pair<std::string_view, std::string_view> systems[] = {
            {"sel(linux)", "linux-"}, {"sel(osx)", "osx-"}, {"sel(win)", "win-"}, {"sel(unix)", ""}};
        const auto found =
            std::ranges::find(systems, std::string_view(key), &std::pair<std::string_view, std::string_view>::first);
        if (found == std::end(systems))
            return line_error(line, "mamba has no selector '{}'; write sel(linux), sel(osx), sel(unix) or sel(win)",
                              key);
        if (!value.IsScalar())
            return line_error(line, "'{}' does not select one package; write '- {}: PACKAGE'", key, key);
        const bool holds =
            found->second.empty() ? !platform_.starts_with("win-") : platform_.starts_with(found->second);
        if (holds) return conda(value);
        ignore(fmt::format("{}: {}", key, value.Scalar()), "it is not for " + platform_, line);
        return {};
    }

    // "- pip:" with a list, mamba's "- sel(linux): spec", or a mistake such as "- numpy: 1.0".
    Status section(const YAML::Node& entry, Faults& faults) {
        TRY_ASSIGN(auto pairs, file_.pairs(entry, "an entry of 'dependencies'"));
        for (const auto& [key_node, value] : pairs) {
            const std::string& key = key_node.Scalar();
            if (key.starts_with("sel(")) {
                TRY(selector(key, file_.at(key_node), value));
                continue;
            }
            if (key != "pip" && value.IsScalar())
                return line_error(file_.at(key_node), "'{0}: {1}' is a mapping; write '{0}={1}'", key, value.Scalar());
            if (key != "pip")
                return line_error(file_.at(key_node), "there is no section '{}:' in dependencies; only 'pip:' is", key);
            TRY(pip(value, faults));
        }
        return {};
    }

    Status pip(const YAML::Node& node, Faults& faults) {
        if (node.IsNull()) return {};
        if (!node.IsSequence())
            return line_error(file_.at(node),
                              "'pip' is not a list; write '    - REQUIREMENT' in a line for each package");
        for (const YAML::Node& entry : node) {
            if (!entry.IsScalar())
                return line_error(file_.at(entry),
                                  "an entry of 'pip' is not a requirement; write one such as 'numpy==2.3.5' "
                                  "(in quotes if it has a ': ')");
            // conda writes these lines into a requirements file for pip, so a block of several lines is legal.
            int offset = 0;
            for (std::string_view line : Lines(entry.Scalar())) {
                const pip::SourceLine at{path_, entry.Mark().line + 1 + offset++};
                if (!faults.add(at, read_requirement_line(line, at, path_, request_, reading_))) return {};
            }
        }
        return {};
    }

    Status variables(const YAML::Node& node) {
        if (node.IsNull()) return {};
        if (!node.IsMap())
            return line_error(file_.at(node), "'variables' is not a mapping; write '  NAME: VALUE' lines");
        TRY_ASSIGN(auto pairs, file_.pairs(node, "'variables'"));
        for (const auto& [key_node, value] : pairs) {
            const std::string& name = key_node.Scalar();
            if (!value.IsScalar())
                return line_error(file_.at(key_node), "the variable '{}' has no plain value; write it in quotes", name);
            TRY(check_variable_name(name).in(file_.at(key_node).str()));
            request_.variables[name] = value.Scalar();
        }
        return {};
    }

    const YamlFile& file_;
    const std::string& path_;
    const std::string platform_;
    Request& request_;
    RequirementsReading reading_{path_};
};

// "- vc  # [win]": conda installs the package, and conda-lock leaves it out. The user should know which one happens.
void note_selectors(std::string_view text, const std::string& path, Request& request) {
    int number = 0;
    for (std::string_view line : Lines(text)) {
        ++number;
        auto hash = line.find(" #");
        if (hash == std::string_view::npos || trim(line.substr(0, hash)).empty()) continue;
        std::string_view comment = trim(line.substr(hash + 2));
        if (comment.size() > 2 && comment.starts_with('[') && comment.ends_with(']') &&
            comment.find("://") == std::string_view::npos)
            request.ignored.push_back(
                {std::string(comment),
                 "conda reads no selectors in an environment.yml: the line counts for every platform",
                 {path, number, static_cast<int>(hash) + 2}});
    }
}

} // namespace

Status read_environment(std::string_view text, const std::string& path, const LockChoice& choice, Request& request) {
    TRY_ASSIGN(YamlFile file, YamlFile::parse(text, path, "an environment.yml"));
    TRY(Reader(file, path, choice.platform, request).read(file.root()));
    note_selectors(text, path, request);
    return {};
}

} // namespace tinderbox::spec
