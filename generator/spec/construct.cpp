// construct.yaml of conda's constructor: the same environment, as NAME.run. It implies --base none: PREFIX holds the
// packages that `specs` names, a conda among them or not.
//
// Source: constructor's _schema.py (what a key means) and header.sh (what scripts see). Read: name, version, channels,
// channels_remap (src), specs, packages, environment_file, user_requested_specs, exclude, extra_files, pre_install,
// post_install, script_env_variables, license_file, with selectors and jinja. Every other key is listed under `ignored`
// with what to do instead.
#include "common/base/input_file.hpp"
#include "common/base/lines.hpp"
#include "common/base/member_path.hpp"
#include "common/base/names.hpp"
#include "common/base/shell_quote.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/base/utf8.hpp"
#include "common/format/entry.hpp"
#include "generator/spec/spec_text.hpp"
#include "generator/spec/template.hpp"
#include "generator/spec/yaml.hpp"

#include <algorithm>
#include <map>

namespace tinderbox::spec {
namespace {

struct KeyNote {
    std::string_view key, why;
};

constexpr std::string_view other_system = "it is for installers of Windows or macOS";
constexpr std::string_view no_ui = "an installer of Tinderbox has its own dialogue";

constexpr KeyNote unsupported[] = {
    {"virtual_specs", "the needs of the environment are read from its files and checked before it is installed"},
    {"menu_packages", "an installer leaves no menu entries"},
    {"ignore_duplicate_files", "two packages with one file are a warning; --strict makes it an error"},
    {"install_in_dependency_order", "it is obsolete in constructor too"},
    {"attempt_hardlinks", "it is obsolete in constructor too"},
    {"transmute_file_type", "packages are repacked anyway"},
    {"conda_default_channels", "no .condarc is written; carry one with extra_files"},
    {"conda_channel_alias", "no .condarc is written; carry one with extra_files"},
    {"mirrored_channels", "no .condarc is written; carry one with extra_files"},
    {"write_condarc", "no .condarc is written; carry one with extra_files"},
    {"condarc", "no .condarc is written; carry one with extra_files"},
    {"extra_envs", "one installer carries one environment; build one NAME.run for each"},
    {"register_envs", "the environment is registered in ~/.conda/environments.txt"},
    {"installer_filename", "write -o NAME.run"},
    {"installer_type", "the installer is a NAME.run"},
    {"keep_pkgs", "there is no package cache to keep"},
    {"batch_mode", "-b is chosen when it is installed"},
    {"default_prefix", "the prefix is $HOME/NAME, or chosen with -p"},
    {"initialize_conda", "conda init is chosen with -c when it is installed"},
    {"initialize_by_default", "conda init is chosen with -c when it is installed"},
    {"check_path_length", "the prefix's length is checked anyway"},
    {"check_path_spaces", "a prefix with spaces is checked anyway"},
    {"conclusion_text", no_ui},
    {"conclusion_file", no_ui},
    {"welcome_text", no_ui},
    {"welcome_file", no_ui},
    {"readme_text", no_ui},
    {"readme_file", no_ui},
    {"post_install_desc", no_ui},
    {"pre_install_desc", no_ui},
    {"post_install_pages", other_system},
    {"pre_uninstall", other_system},
    {"company", other_system},
    {"uninstall_name", other_system},
    {"uninstall_with_conda_exe", other_system},
    {"reverse_domain_identifier", other_system},
    {"signing_identity_name", other_system},
    {"notarization_identity_name", other_system},
    {"windows_signing_tool", other_system},
    {"signing_certificate", other_system},
    {"default_prefix_domain_user", other_system},
    {"default_prefix_all_users", other_system},
    {"default_location_pkg", other_system},
    {"pkg_domains", other_system},
    {"pkg_name", other_system},
    {"install_path_exists_error_text", other_system},
    {"progress_notifications", other_system},
    {"welcome_image", other_system},
    {"header_image", other_system},
    {"icon_image", other_system},
    {"default_image_color", other_system},
    {"welcome_image_text", other_system},
    {"header_image_text", other_system},
    {"register_python", other_system},
    {"register_python_default", other_system},
    {"build_outputs", "use lock --format, inspect or sbom instead"},
    {"temp_extra_files", "no script runs before the installation that could use them"},
    {"freeze_base", "carry conda-meta/frozen with extra_files"},
    {"freeze_env", "carry conda-meta/frozen with extra_files"},
    {"docker_base_image", "the installer is a NAME.run"},
    {"docker_tag", "the installer is a NAME.run"},
    {"docker_labels", "the installer is a NAME.run"},
    {"$schema", "it is for editors"},
};

class ConstructReader {
  public:
    ConstructReader(const YamlFile& file, const std::string& path, const LockChoice& choice, Request& request)
        : file_(file), path_(path), choice_(choice), request_(request) {}

    Status read() {
        if (!file_.root().IsMap())
            return line_error(file_.at(file_.root()), "it is not a mapping; a construct.yaml begins with 'name:'");
        TRY_ASSIGN(pairs_, file_.pairs(file_.root(), "it"));
        for (const auto& [key, node] : pairs_)
            if (std::ranges::find(unsupported, key.Scalar(), &KeyNote::key) == std::end(unsupported))
                TRY(refuse_misspelt(key.Scalar(),
                                    {"name", "version", "channels", "channels_remap", "specs", "packages",
                                     "environment_file", "environment", "user_requested_specs", "exclude",
                                     "extra_files", "pre_install", "post_install", "script_env_variables",
                                     "license_file"},
                                    file_.at(key)));
        request_.base = "none";
        for (const char* key : {"name", "version"})
            if (!value(key))
                return make_error(ErrorKind::usage,
                                  "{}: it has no '{}:', which constructor requires; write '{}: VALUE'", path_, key,
                                  key);
        TRY_ASSIGN(request_.name, file_.scalar(*value("name"), "'name'"));
        request_.name_line = file_.at(*value("name"));
        TRY_ASSIGN(request_.version, file_.scalar(*value("version"), "'version'"));
        TRY(channels());
        TRY(packages());
        TRY(names("user_requested_specs", request_.user_requested, true));
        TRY(names("exclude", request_.exclude, false));
        TRY(extra_files());
        TRY(text("pre_install", read_script, request_.pre_install));
        TRY(text("post_install", read_script, request_.post_install));
        TRY(script_variables());
        TRY(license());
        for (const auto& [key, node] : pairs_) note(key);
        return {};
    }

  private:
    const YAML::Node* value(std::string_view key) {
        for (const auto& [name, node] : pairs_)
            if (name.Scalar() == key) {
                used_.push_back(name.Scalar());
                return node.IsNull() ? nullptr : &node;
            }
        return nullptr;
    }

    void note(const YAML::Node& key) {
        const std::string& name = key.Scalar();
        if (std::ranges::find(used_, name) != used_.end()) return;
        auto known = std::ranges::find(unsupported, name, &KeyNote::key);
        std::string why = known != std::end(unsupported) ? std::string(known->why) : "constructor has no such key";
        request_.ignored.push_back({name, std::move(why), file_.at(key)});
    }

    Status channels() {
        if (const YAML::Node* node = value("channels")) {
            TRY_ASSIGN(auto entries, file_.list(*node, "'channels'", "- NAME"));
            for (const YAML::Node& entry : entries) {
                TRY_ASSIGN(std::string name, file_.scalar(entry, "a channel"));
                request_.channels.push_back(std::move(name));
            }
        }
        if (const YAML::Node* node = value("channels_remap")) {
            TRY_ASSIGN(auto entries, file_.list(*node, "'channels_remap'", "- src: URL"));
            for (const YAML::Node& entry : entries) {
                TRY_ASSIGN(std::string source, file_.required(entry, "src", "an entry of 'channels_remap'"));
                request_.channels.push_back(std::move(source));
                request_.ignored.push_back(
                    {"dest", "packages are recorded with the channel they come from", file_.at(entry)});
            }
        }
        return {};
    }

    // environment_file counts before specs, as it does for constructor.
    Status packages() {
        if (const YAML::Node* node = value("environment"))
            return line_error(
                file_.at(*node),
                "'environment' names a conda environment of this machine; write --from-prefix DIR instead");
        const YAML::Node* environment = value("environment_file");
        const YAML::Node* specs = value("specs");
        const YAML::Node* explicit_packages = value("packages");
        if (environment) {
            if (specs)
                request_.ignored.push_back(
                    {"specs", "environment_file takes its place, as for constructor", file_.at(*specs)});
            TRY_ASSIGN(std::string name, file_.scalar(*environment, "'environment_file'"));
            LockChoice choice;
            choice.platform = choice_.platform;
            TRY(refuse_construct(*environment, beside(path_, name)));
            Request own = std::move(request_);
            auto read = read_spec(beside(path_, name), choice);
            request_ = std::move(own);
            if (!read.ok()) return std::move(read.error()).in(file_.at(*environment).str());
            take(std::move(*read));
            return {};
        }
        if (!specs && !explicit_packages)
            return make_error(ErrorKind::usage,
                              "{}: it has no 'specs:' and no 'environment_file:'; write the packages under 'specs:'",
                              path_);
        for (const YAML::Node* node : {specs, explicit_packages})
            if (node) TRY(spec_list(*node));
        return {};
    }

    // It could name itself, or others in a circle. What cannot be read is read_spec's to say.
    Status refuse_construct(const YAML::Node& node, const std::string& path) const {
        auto text = read_text(path, 64u << 20);
        if (!text.ok() || recognise_spec(*text) != SpecKind::construct) return {};
        return line_error(file_.at(node),
                          "'environment_file' names '{}', which is a construct.yaml, too; name an environment.yml or a "
                          "list of packages",
                          path);
    }

    // A list, or the name of a file with one entry a line.
    Status spec_list(const YAML::Node& node) {
        if (node.IsScalar()) {
            const std::string name = beside(path_, node.Scalar());
            auto text = read_input(name, spec_limit);
            if (!text.ok()) return line_error(file_.at(node), "{}", text.error().message);
            int number = 0;
            for (std::string_view line : Lines(*text)) {
                ++number;
                if (auto spec = trim(line.substr(0, line.find(" #")));
                    !spec.empty() && !spec.starts_with('#') && spec != "@EXPLICIT")
                    TRY(spec_entry(spec, {name, number}));
            }
            return {};
        }
        TRY_ASSIGN(auto entries, file_.list(node, "'specs'", "- PACKAGE"));
        for (const YAML::Node& entry : entries) {
            if (entry.IsMap() && entry.size() == 1 && entry.begin()->second.IsScalar())
                return line_error(file_.at(entry), "'{0}: {1}' is a mapping; write '{0}={1}'",
                                  entry.begin()->first.Scalar(), entry.begin()->second.Scalar());
            TRY_ASSIGN(std::string text, file_.scalar(entry, "an entry of 'specs'"));
            TRY(spec_entry(trim(text), {path_, file_.at(entry).line}));
        }
        return {};
    }

    Status spec_entry(std::string_view text, const pip::SourceLine& line) {
        const bool file = text.find("://") != std::string_view::npos && text.find("::") == std::string_view::npos;
        TRY_ASSIGN(CondaSpec spec,
                   file ? read_conda_url(text, line, directory_of(path_)) : read_match_spec(text, line));
        request_.conda.push_back(std::move(spec));
        return {};
    }

    // What the environment's own file says, beside what construct.yaml says around it.
    void take(Request other) {
        if (request_.channels.empty()) request_.channels = std::move(other.channels);
        request_.conda = std::move(other.conda);
        request_.pip = std::move(other.pip);
        request_.pip_constraints = std::move(other.pip_constraints);
        request_.pip_options = std::move(other.pip_options);
        request_.variables = std::move(other.variables);
        request_.locks = std::move(other.locks);
        for (IgnoredItem& item : other.ignored) request_.ignored.push_back(std::move(item));
    }

    Status names(const char* key, std::vector<std::string>& out, bool specs) {
        const YAML::Node* node = value(key);
        if (!node) return {};
        TRY_ASSIGN(auto entries, file_.list(*node, fmt::format("'{}'", key), "- NAME"));
        for (const YAML::Node& entry : entries) {
            TRY_ASSIGN(std::string text, file_.scalar(entry, fmt::format("an entry of '{}'", key)));
            if (specs) {
                TRY_ASSIGN(CondaSpec spec, read_match_spec(text, {path_, file_.at(entry).line}));
                text = spec.text;
            }
            out.push_back(std::move(text));
        }
        return {};
    }

    // Relative to the construct.yaml's own directory.
    Result<std::string> existing(const YAML::Node& node, const std::string& name) {
        std::error_code ec;
        fs::path path = fs::absolute(beside(path_, name), ec).lexically_normal();
        if (!fs::exists(path, ec))
            return line_error(file_.at(node), "the file '{}' does not exist (looked for {})", name, path.string());
        return path.string();
    }

    // "- FILE" goes into the prefix itself, "- SOURCE: DESTINATION" to DESTINATION below it.
    Status extra_files() {
        const YAML::Node* node = value("extra_files");
        if (!node) return {};
        TRY_ASSIGN(auto entries, file_.list(*node, "'extra_files'", "- FILE: DESTINATION"));
        for (const YAML::Node& entry : entries) {
            if (entry.IsScalar()) {
                TRY_ASSIGN(std::string source, existing(entry, entry.Scalar()));
                std::string name = fs::path(source).filename().string();
                TRY(include(entry, std::move(source), name));
                continue;
            }
            TRY_ASSIGN(auto pairs, file_.pairs(entry, "an entry of 'extra_files'"));
            for (const auto& [from, to] : pairs) {
                TRY_ASSIGN(std::string destination, file_.scalar(to, "the destination in 'extra_files'"));
                TRY_ASSIGN(std::string source, existing(from, from.Scalar()));
                // Constructor would write a file of the directory's name.
                if (destination.ends_with('/'))
                    return line_error(file_.at(to), "'{0}' is a directory; write '{0}{1}', where '{1}' is to lie",
                                      destination, fs::path(source).filename().string());
                TRY(include(to, std::move(source), destination));
            }
        }
        return {};
    }

    Status include(const YAML::Node& node, std::string source, const std::string& destination) {
        auto safe = safe_relative_path(destination);
        if (!safe.ok()) return std::move(safe.error()).in(file_.at(node).str());
        if (Status good = format::check_path(format::Root::env, *safe); !good.ok())
            return line_error(file_.at(node), "'{}': {}; choose another destination", *safe, good.error().message);
        auto [known, added] = destinations_.emplace(*safe, file_.at(node).line);
        if (!added)
            return line_error(file_.at(node), "'{}' is carried by line {} already; choose another destination", *safe,
                              known->second);
        request_.includes.push_back({std::move(source), std::move(*safe), file_.at(node)});
        return {};
    }

    // A file whose text travels in the manifest. It is read again, and hashed, when it is locked.
    Status text(const char* key, Result<std::string> (*read)(const std::string&), std::string& out) {
        const YAML::Node* node = value(key);
        if (!node) return {};
        TRY_ASSIGN(std::string name, file_.scalar(*node, fmt::format("'{}'", key)));
        TRY_ASSIGN(out, existing(*node, name));
        if (auto content = read(out); !content.ok())
            return line_error(file_.at(*node), "'{}': {}", key, content.error().message);
        return {};
    }

    // Constructor's header puts each value between single quotes, so that '\'' in it is a quote.
    Status script_variables() {
        const YAML::Node* node = value("script_env_variables");
        if (!node) return {};
        TRY_ASSIGN(auto pairs, file_.pairs(*node, "'script_env_variables'"));
        for (const auto& [key, value] : pairs) {
            TRY_ASSIGN(std::string text, file_.scalar(value, "a value of 'script_env_variables'"));
            const std::string& name = key.Scalar();
            TRY(check_variable_name(name).in(file_.at(key).str()));
            std::string plain = replace_all(text, "'\\''", "\x01");
            if (plain.find('\'') != std::string::npos)
                return line_error(file_.at(value),
                                  "the single quote in the value of {} has to be written '\\'' (as for constructor)",
                                  name);
            request_.script_variables[name] = replace_all(plain, "\x01", "'");
        }
        return {};
    }

    // Shown and accepted, and left behind as LICENSE.txt, as by constructor's .sh.
    Status license() {
        TRY(text("license_file", read_license, request_.license_file));
        constexpr std::string_view left = "LICENSE.txt";
        if (request_.license_file.empty() || destinations_.contains(left)) return {};
        request_.includes.push_back({request_.license_file, std::string(left), file_.at(*value("license_file"))});
        return {};
    }

    const YamlFile& file_;
    const std::string& path_;
    const LockChoice& choice_;
    Request& request_;
    std::vector<YamlFile::Pair> pairs_;
    std::vector<std::string> used_;
    std::map<std::string, int, std::less<>> destinations_; // of extra_files: the line that took each
};

} // namespace

Result<std::string> read_script(const std::string& path) {
    const std::string suffix = to_lower(fs::path(path).extension().string());
    if (suffix == ".bat" || suffix == ".cmd" || suffix == ".ps1")
        return make_error(
            ErrorKind::usage,
            "{} is a script for Windows; name a shell script, and mark the line for Windows with '# [win]'", path);
    TRY_ASSIGN(std::string text, read_input(path, 4u << 20));
    if (text.find('\0') != std::string::npos || !is_valid_utf8(text))
        return make_error(ErrorKind::usage,
                          "{} is no text in UTF-8; name a script, which may start a program that extra_files carry",
                          path);
    if (const auto end = text.find('\n'); end != std::string::npos && end > 0 && text[end - 1] == '\r')
        return make_error(
            ErrorKind::usage,
            "the lines of {0} end in CR LF, which no shell of Linux runs; convert them: sed -i 's/\\r$//' {1}", path,
            shell_quote(path));
    return text;
}

Result<std::string> read_license(const std::string& path) {
    TRY_ASSIGN(std::string text, read_input(path, 16u << 20));
    for (const auto& [magic, what] : {std::pair("{\\rtf", "RTF"), std::pair("%PDF-", "PDF")})
        if (text.starts_with(magic))
            return make_error(ErrorKind::usage, "{} is {}; a terminal shows plain text: save it as .txt", path, what);
    return decode_spec(std::move(text), path);
}

Status read_construct(std::string_view text, const std::string& path, const LockChoice& choice, Request& request) {
    TRY_ASSIGN(std::string rendered, render_template(text, path, choice.platform));
    TRY_ASSIGN(YamlFile file, YamlFile::parse(rendered, path, "a construct.yaml"));
    return ConstructReader(file, path, choice, request).read();
}

} // namespace tinderbox::spec
