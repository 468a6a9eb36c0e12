#include "runtime/install/scripts.hpp"

#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "common/base/ticker.hpp"
#include "common/format/prefix_name.hpp"
#include "runtime/install/process_failure.hpp"
#include "runtime/place/control_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>

namespace tinderbox::install {
namespace {

std::map<std::string, std::string> script_variables(const place::Layout& layout, const fs::path& prefix) {
    const fs::path conda = layout.parts.base ? layout.root : layout.conda.empty() ? layout.environment : layout.conda;
    std::string path = environment_variable("PATH");
    return {{"PREFIX", prefix.string()},
            {"ROOT_PREFIX", conda.string()},
            {"CONDA_PREFIX", prefix.string()},
            {"PATH", (prefix / "bin").string() + ":" + (path.empty() ? "/usr/bin:/bin" : path)}};
}

std::vector<Script> package_scripts(const format::Manifest& manifest, const place::Layout& layout, format::Root root,
                                    std::string_view action) {
    std::vector<Script> out;
    const fs::path& prefix = layout.prefix(root);
    const format::PrefixName name =
        format::prefix_name(root, manifest.base_installer ? &manifest.base_installer->environments : nullptr);
    for (const format::ScriptInfo& script : manifest.scripts) {
        if (script.prefix != name || script.action != action) continue;
        Script one{script.path, script.package + " " + script.version, script.path, "",
                   prefix,      script_variables(layout, prefix)};
        one.variables["PKG_NAME"] = script.package;
        one.variables["PKG_VERSION"] = script.version;
        one.variables["PKG_BUILDNUM"] = script.build_number;
        out.push_back(std::move(one));
    }
    return out;
}

// Tells about scripts while they run: nobody knows how long one takes.
class ScriptCount {
  public:
    ScriptCount(std::size_t total, const TreeWork& work) {
        if (!work.progress || total == 0) return;
        ticker_.emplace([this, total, &work] { work.progress({InstallProgress::Work::scripts, done_, total}); });
    }
    void next() { ++done_; }

  private:
    std::atomic<std::uint64_t> done_ = 0;
    std::optional<Ticker> ticker_;
};

} // namespace

std::vector<Script> scripts_of(const format::Manifest& manifest, const place::Layout& layout,
                               const ScriptFacts& facts) {
    std::vector<Script> out;
    auto of_packages = [&](format::Root root) {
        std::ranges::move(package_scripts(manifest, layout, root, "post-link"), std::back_inserter(out));
    };
    // `own`: the installer's own variables, which win over those that constructor sets for every installer.
    auto of_installer = [&](const char* file, const std::string& text, const std::string& name,
                            const std::string& version, const fs::path& prefix,
                            const std::map<std::string, std::string>& own) {
        if (text.empty()) return;
        Script one{file, name + " " + version, "", text, prefix, own};
        one.variables.merge(std::map<std::string, std::string>{{"INSTALLER_NAME", name},
                                                               {"INSTALLER_VER", version},
                                                               {"INSTALLER_PLAT", manifest.platform},
                                                               {"INSTALLER_TYPE", "SH"},
                                                               {"INSTALLER_PATH", facts.run_path},
                                                               {"INSTALLER_UNATTENDED", facts.unattended ? "1" : "0"}});
        one.variables.merge(script_variables(layout, prefix));
        one.variables["PREFIX"] = prefix.string();
        out.push_back(std::move(one));
    };
    if (layout.parts.base && manifest.base_installer) {
        const format::BaseInfo& base = *manifest.base_installer;
        of_installer("pre_install.sh", base.pre_install, base.name, base.version, layout.root, base.variables);
        for (format::Root root : layout.roots())
            if (root != format::Root::env) of_packages(root);
        of_installer("post_install.sh", base.post_install, base.name, base.version, layout.root, base.variables);
    }
    const format::InstallerInfo installer = manifest.installer.value_or(format::InstallerInfo{});
    of_installer("pre_install.sh", installer.pre_install, manifest.env_name, installer.version, layout.environment,
                 installer.variables);
    of_packages(format::Root::env);
    of_installer("post_install.sh", installer.post_install, manifest.env_name, installer.version, layout.environment,
                 installer.variables);
    return out;
}

std::vector<Script> removal_scripts_of(const format::Manifest& manifest, const place::Layout& layout) {
    std::vector<Script> out;
    std::vector<format::Root> roots = layout.roots();
    std::ranges::rotate(roots, roots.begin() + 1); // the environment's were linked last
    for (format::Root root : roots)
        std::ranges::move(package_scripts(manifest, layout, root, "pre-unlink"), std::back_inserter(out));
    std::erase_if(out, [](const Script& script) {
        const auto prefix = Directory::open(script.prefix);
        struct stat st;
        return !prefix.ok() || prefix->look(script.path, st) != 0 || !S_ISREG(st.st_mode);
    });
    std::ranges::reverse(out);
    return out;
}

namespace {

// Scripts of packages are run by bash, in their own directory, as conda does it; an installer's by what their first
// line names, else by sh.
Result<ProcessSpec> command_of(const Script& script, const Directory& control) {
    const bool bash = ::access("/bin/bash", X_OK) == 0;
    ProcessSpec spec;
    if (!script.path.empty()) {
        const fs::path file = script.prefix / script.path;
        spec.argv = {bash ? "/bin/bash" : "/bin/sh", file.string()};
        spec.directory = file.parent_path().string();
        return spec;
    }
    TRY(control.write_atomically(script.name, script.text, 0755));
    spec.argv = {control.shown(script.name)};
    spec.directory = script.prefix.string();
    if (!script.text.starts_with("#!")) spec.argv.insert(spec.argv.begin(), "/bin/sh");
    return spec;
}

Result<ProcessResult> run_script(const Script& script, const Directory& control) {
    TRY_ASSIGN(ProcessSpec spec, command_of(script, control));
    for (const auto& [name, value] : script.variables) spec.set[name] = value;
    spec.unset = {"PYTHON*", "LD_PRELOAD", "LD_LIBRARY_PATH"};
    spec.merge_stderr = true;
    TRY_ASSIGN(ProcessResult result, run_process(spec));
    if (script.path.empty()) (void)control.unlink(script.name);
    TRY_ASSIGN(Fd out, control.open_file(place::control::log, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, 0644));
    TRY(write_exact(
        out.get(),
        as_bytes(fmt::format("== {} ({}): {}\n{}", script.name, script.package, result.describe(), result.output)),
        control.shown(place::control::log)));
    return result;
}

} // namespace

Status run_scripts(const std::vector<Script>& scripts, const Directory& control, const TreeWork& work) {
    ScriptCount count(scripts.size(), work);
    for (const Script& script : scripts) {
        if (work.stopped()) return make_error(ErrorKind::interrupted, "interrupted");
        TRY_ASSIGN(ProcessResult result, run_script(script, control));
        if (!result.succeeded())
            return make_error(ErrorKind::script, "the script '{}' of {} failed ({}); its output is in '{}'",
                              script.name, script.package, result.describe(), control.shown(place::control::log));
        count.next();
    }
    return {};
}

std::vector<std::string> run_removal_scripts(const std::vector<Script>& scripts, const Directory& control,
                                             const TreeWork& work) {
    std::vector<std::string> out;
    ScriptCount count(scripts.size(), work);
    for (const Script& script : scripts) {
        auto result = run_script(script, control);
        count.next();
        if (result.ok() && result->succeeded()) continue;
        // The log is removed, too, so the script's last line is told here.
        const std::string said = result.ok() ? how_it_failed(*result, result->output) : result.error().message;
        out.push_back(fmt::format("the script '{}' of {} failed ({}); its package is removed all the same", script.name,
                                  script.package, said));
    }
    return out;
}

std::vector<std::string> collect_messages(const place::Layout& layout) {
    std::vector<std::string> out;
    for (format::Root root : layout.roots()) {
        constexpr std::string_view file = ".messages.txt";
        const auto prefix = Directory::open(layout.prefix(root));
        if (!prefix.ok()) continue;
        const auto text = prefix->read_text(file, 1u << 20);
        if (!text.ok()) continue;
        for (std::string_view line : split_lines(*text))
            if (!trim(line).empty()) out.push_back(fmt::format("a package's script says: {}", trim(line)));
        (void)prefix->unlink(file);
    }
    return out;
}

} // namespace tinderbox::install
