#include "common/base/shell_quote.hpp"
#include "common/base/text.hpp"
#include "common/base/utf8.hpp"
#include "generator/capture/capture.hpp"
#include "generator/capture/distributions.hpp"
#include "generator/capture/editable.hpp"
#include "generator/capture/select.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace tinderbox::capture {

using namespace capture;
using nlohmann::json;

namespace {

// These files configure one machine, possibly with passwords in URLs.
constexpr std::array configuration_files{".condarc", "condarc", ".mambarc", "pip.conf", ".netrc", ".pypirc", "uv.toml"};
// A conda base: other environments and the package cache belong to it, not to the environment.
constexpr std::array conda_stores{"pkgs",        "envs",   "conda-bld", ".conda_envs_dir_test",
                                  "install_tmp", "_conda", "locks"};

bool is_bytecode(const fs::path& prefix, const std::string& relative) {
    if (!relative.ends_with(".pyc") && !relative.ends_with(".pyo")) return false;
    std::error_code ec; // without its source it is the module itself
    return fs::exists(prefix / relative.substr(0, relative.size() - 1), ec);
}

// Activation scripts of venv and virtualenv name the prefix and the venv's way of working; ours take their place.
bool is_venv_own(const std::string& relative) {
    if (relative == "pyvenv.cfg" || relative == ".gitignore" || relative == "CACHEDIR.TAG" || relative == ".lock")
        return true;
    if (!relative.starts_with("bin/")) return false;
    std::string_view name = std::string_view(relative).substr(4);
    for (std::string_view script :
         {"activate", "Activate.ps1", "activate_this.py", "deactivate.nu", "deactivate.bat", "pydoc.bat"})
        if (name == script || (script == "activate" && name.starts_with("activate."))) return true;
    return false;
}

class PrefixCapture {
  public:
    explicit PrefixCapture(fs::path directory) : directory_(std::move(directory)) {}

    Result<std::unique_ptr<CapturedArtifact>> run(const CaptureOptions& options) {
        std::error_code ec;
        if (!fs::is_directory(directory_, ec))
            return make_error(ErrorKind::usage,
                              "'{}' is not a directory: name a venv, a conda prefix or a Python's prefix",
                              directory_.string());
        directory_ = fs::absolute(directory_, ec).lexically_normal();
        if (!directory_.has_filename()) directory_ = directory_.parent_path();
        const bool venv = fs::exists(directory_ / "pyvenv.cfg", ec),
                   conda = fs::is_directory(directory_ / "conda-meta", ec);
        if (!venv && is_shared_prefix(fs::canonical(directory_, ec).string()))
            return make_error(ErrorKind::usage,
                              "'{}' holds more than one program: use --python-from for its Python, or name a venv",
                              directory_.string());
        selection_.display_name = "prefix " + directory_.filename().string();
        selection_.source = directory_.string();
        add_spellings(directory_.string(), selection_.rules);
        bool has_python = fs::exists(directory_ / "bin/python3", ec) || fs::exists(directory_ / "bin/python", ec);
        if (!conda || has_python) {
            TRY_ASSIGN(python_, find_interpreter(directory_));
            TRY(venv ? flatten() : check_own_python());
        }
        if (!venv) TRY(take_all(conda));
        if (python_) TRY(take_editable(options.without_editable));
        TRY(describe(conda));
        return make_artifact(std::move(selection_), options);
    }

  private:
    Status check_own_python() {
        std::error_code ec;
        if (fs::equivalent(python_->prefix, directory_, ec)) return {};
        return make_error(
            ErrorKind::usage,
            "'{}' is no prefix of its own: its python belongs to '{}'; name that, or a venv (which has a pyvenv.cfg)",
            directory_.string(), python_->prefix);
    }

    // The environment would lack these packages, and what starts them would crash.
    Error refuse_editable(const std::vector<Editable>& editable) const {
        std::string names, sources;
        for (const auto& [project, paths] : editable) {
            names += (names.empty() ? "" : ", ") + project.name;
            sources += " " + (project.directory.empty() ? "SOURCE-OF-" + project.name : shell_quote(project.directory));
        }
        const bool one = editable.size() == 1;
        return make_error(
            ErrorKind::usage,
            "'{}': {} {} installed from {} source director{} (editable), which {} not in the prefix: --with-project "
            "builds {} here with {} own build backend{} (runs {} code); or install {} there as {} ({} -m pip install "
            "--no-deps{}), or remove {} (pip uninstall)",
            directory_.string(), names, one ? "is" : "are", one ? "its" : "their", one ? "y" : "ies",
            one ? "is" : "are", one ? "its wheel" : "their wheels", one ? "its" : "their", one ? "" : "s",
            one ? "its" : "their", one ? "it" : "them", one ? "a wheel" : "wheels",
            shell_quote((directory_ / "bin/python").string()), sources, one ? "it" : "them");
    }

    Status take_editable(bool without) {
        const std::string& site = python_->info.site_packages;
        TRY_ASSIGN(const std::vector<Editable> editable, find_editable(site, selection_));
        if (editable.empty()) return {};
        if (!without) return refuse_editable(editable);
        for (const Editable& one : editable) selection_.editable.push_back(one.project);
        return leave_out_editable(editable, site, selection_);
    }

    // A venv: the base's interpreter and library, the venv's packages over them.
    Status flatten() {
        add_spellings(python_->prefix, selection_.rules);
        TRY(select_interpreter(*python_, selection_));
        TRY(base_packages());
        std::error_code ec;
        const fs::path base = fs::canonical(python_->executable, ec);
        return add_tree({directory_, "", directory_, true,
                         [&](const std::string& relative, bool is_directory) {
                             if (skip_everywhere(relative, is_directory)) return true;
                             if (is_directory) return false;
                             if (relative == "lib64" || is_venv_own(relative)) return true;
                             return relative.starts_with("bin/") && is_interpreter(relative, base);
                         }},
                        selection_);
    }

    bool is_interpreter(const std::string& relative, const fs::path& base) const {
        std::error_code ec;
        if (fs::canonical(directory_ / relative, ec) == base) return true;
        // `venv --copies`: the same under its own name
        std::string name = relative.substr(4);
        return name == "python" || name == "python3" || name == python_->info.executable.substr(4);
    }

    // include-system-site-packages: the base's packages are part of the environment, below the venv's.
    Status base_packages() {
        TRY_ASSIGN(std::string config, read_text(directory_ / "pyvenv.cfg", 1 << 20));
        bool system = false;
        for (std::string_view line : split_lines(config)) {
            auto equal = line.find('=');
            if (equal == std::string_view::npos || trim(line.substr(0, equal)) != "include-system-site-packages")
                continue;
            system = to_lower(trim(line.substr(equal + 1))) == "true";
        }
        if (!system) return {};
        if (!python_->site_alias.empty()) {
            selection_.warnings.emplace_back(
                "the venv also uses the system's packages, which are not captured: install them into it");
            return {};
        }
        const fs::path source = fs::path(python_->prefix) / python_->info.site_packages;
        std::error_code ec;
        if (!fs::is_directory(source, ec)) return {};
        return add_tree({source, python_->info.site_packages, python_->prefix, true,
                         [&](const std::string& relative, bool is_directory) {
                             return skip_bytecode(source, relative, is_directory);
                         }},
                        selection_);
    }

    Status take_all(bool conda) {
        TRY(add_tree({directory_, "", directory_, true,
                      [&](const std::string& relative, bool is_directory) {
                          if (conda && std::ranges::find(conda_stores, relative) != conda_stores.end()) {
                              selection_.left_out.push_back({relative, "conda's package cache or other environments"});
                              return true;
                          }
                          return skip_everywhere(relative, is_directory);
                      }},
                     selection_));
        if (python_) {
            add_spellings(python_->prefix, selection_.rules);
            if (std::ranges::find(selection_.rules.spellings, python_->build_prefix, &Spelling::text) ==
                selection_.rules.spellings.end())
                selection_.rules.build_prefix = python_->build_prefix;
            assign_roles(python_->info, selection_);
            add_python_names();
        }
        return {};
    }

    // Scripts and other tools start bin/python.
    void add_python_names() {
        const std::string name = python_->info.executable.substr(4);
        for (const char* alias : {"python3", "python"}) {
            Item link;
            link.path = std::string("bin/") + alias;
            link.kind = format::EntryKind::symlink;
            link.mode = 0777;
            link.link = name;
            if (!selection_.items.contains(link.path) && selection_.items.contains(python_->info.executable))
                selection_.add(std::move(link));
        }
    }

    static bool skip_bytecode(const fs::path& root, const std::string& relative, bool is_directory) {
        if (is_directory) return relative == "__pycache__" || relative.ends_with("/__pycache__");
        return is_bytecode(root, relative);
    }

    bool skip_everywhere(const std::string& relative, bool is_directory) {
        if (skip_bytecode(directory_, relative, is_directory)) return true;
        if (relative == ".tinderbox") return true; // the record of an installation of ours, for that prefix only
        if (std::ranges::find(configuration_files, relative) != configuration_files.end()) {
            selection_.left_out.push_back({relative, "configuration of this machine, which may hold passwords"});
            return true;
        }
        return python_ && relative == python_->info.stdlib + "/EXTERNALLY-MANAGED";
    }

    Status describe(bool conda) {
        json& m = selection_.metadata;
        m["kind"] = "prefix";
        std::string name = directory_.filename().string();
        m["name"] = is_valid_utf8(name) ? name : "prefix";
        m["version"] = python_ ? python_->info.version : "";
        m["build"] = "";
        m["license"] = "";
        m["licenses"] = json::array();
        m["distributions"] = json::array();
        m["conda_packages"] = json::array();
        if (python_) {
            m["python"] = python_json(python_->info);
            if (auto text = read_text(fs::path(python_->prefix) / python_->info.stdlib / "LICENSE.txt", 1 << 20);
                text.ok())
                m["licenses"].push_back({{"name", "Python/LICENSE.txt"}, {"text", *text}});
            TRY(describe_distributions(python_->info.site_packages, selection_));
        }
        return conda ? describe_conda(selection_) : Status();
    }

    fs::path directory_;
    std::optional<Interpreter> python_;
    FileSelection selection_;
};

} // namespace

Result<std::unique_ptr<CapturedArtifact>> capture_prefix(const fs::path& directory, const CaptureOptions& options) {
    return PrefixCapture(directory).run(options);
}

} // namespace tinderbox::capture
