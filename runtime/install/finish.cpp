#include "runtime/install/finish.hpp"

#include "common/base/parallel.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "common/format/prefix_name.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <set>

namespace tinderbox {
namespace {

constexpr std::size_t sources_a_process = 200; // a slow file must not keep one process busy at the end

// Reads one path a line, answers with the .pyc's path, or "!" when a file does not compile. What a process compiled
// before does not change what it writes, because nothing but the file's own code is marshalled.
constexpr std::string_view compile_program = R"py(
import sys
sys.path[:] = [p for p in sys.path if p]
import os, py_compile
for line in sys.stdin.buffer.read().split(b"\n"):
    if not line:
        continue
    try:
        made = py_compile.compile(os.fsdecode(line), doraise=True,
                                  invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
        sys.stdout.buffer.write(os.fsencode(made) + b"\n")
    except Exception:
        sys.stdout.buffer.write(b"!\n")
)py";

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

// "exit status 1: MemoryError": how, and the last line of what the program said.
std::string how_it_failed(const Result<ProcessResult>& result, std::string ProcessResult::*said) {
    if (!result.ok()) return result.error().message;
    std::string_view last = split(trim((*result).*said), '\n').back();
    return result->describe() + (last.empty() ? "" : ": " + std::string(last));
}

bool below(std::string_view path, std::string_view directory) {
    return !directory.empty() && path.starts_with(directory) && path.size() > directory.size() &&
           path[directory.size()] == '/';
}

fs::path environments_file() {
    std::string home = variable("HOME");
    return home.empty() ? fs::path() : fs::path(home) / ".conda" / "environments.txt";
}

ProcessSpec compiler(const fs::path& prefix, const PythonInfo& python) {
    ProcessSpec spec;
    // -S and -s: neither site-packages nor the user's may decide what is compiled; -I would ignore PYTHONHASHSEED.
    // -B: what is merely imported for it keeps the bytecode that it has.
    spec.argv = {(prefix / python.executable).string(), "-B", "-S", "-s", "-W", "ignore", "-c",
                 std::string(compile_program)};
    spec.unset = {"PYTHON*", "LD_PRELOAD", "LD_LIBRARY_PATH"};
    spec.set = {{"PYTHONHASHSEED", "0"}};
    spec.directory = prefix.string();
    return spec;
}

std::vector<std::string> base_sources(const Manifest& manifest, const Table& table, Root root) {
    std::vector<std::string> out;
    const bool all = manifest.bytecode == "install";
    if (!python_of(manifest, root) || (!all && manifest.bytecode != "build")) return out;
    const PythonInfo& python = *python_of(manifest, root);
    std::set<std::string_view> there;
    for (const Destination& d : table.destinations)
        if (d.root == root && d.path.ends_with(".pyc")) there.insert(d.path);
    for (const Destination& d : table.destinations) {
        if (d.root != root || d.kind != EntryKind::file || !d.path.ends_with(".py") ||
            !below(d.path, python.site_packages))
            continue;
        if (!all && table.contents[d.content].relocs.empty()) continue;
        fs::path path = d.path;
        std::string compiled =
            (path.parent_path() / "__pycache__" / (path.stem().string() + "." + python.cache_tag + ".pyc")).string();
        if (!there.contains(compiled)) out.push_back(d.path);
    }
    return out;
}

} // namespace

const PythonInfo* python_of(const Manifest& manifest, Root root) {
    auto pointer = [](const std::optional<PythonInfo>& python) { return python ? &*python : nullptr; };
    if (root == Root::env) return pointer(manifest.python);
    if (!manifest.base_installer) return nullptr;
    if (root == Root::base) return pointer(manifest.base_installer->python);
    const std::size_t n = prefix_index(root) - 2;
    return n < manifest.base_installer->environments.size() ? pointer(manifest.base_installer->environments[n].python)
                                                            : nullptr;
}

std::vector<std::string> sources_to_compile(const Manifest& manifest, const Table& table, Root root) {
    std::vector<std::string> out;
    if (root != Root::env) return base_sources(manifest, table, root);
    if (!manifest.python || (manifest.bytecode != "install" && manifest.bytecode != "build")) return out;
    const bool all = manifest.bytecode == "install";
    for (const Destination& d : table.destinations)
        if (d.kind == EntryKind::file && d.root == Root::env && d.path.ends_with(".py") &&
            (below(d.path, manifest.python->site_packages) || below(d.path, manifest.python->stdlib)) &&
            (all || !table.contents[d.content].relocs.empty()))
            out.push_back(d.path);
    return out;
}

Compiled compile_sources(const fs::path& prefix, const PythonInfo& python, const std::vector<std::string>& sources,
                         unsigned jobs, const std::function<void(std::uint64_t)>& progress) {
    Compiled out;
    std::mutex mutex;
    const std::string front = prefix.string() + "/";
    std::size_t batches = (sources.size() + sources_a_process - 1) / sources_a_process, done = 0;
    (void)parallel_for(batches, jobs, [&](std::size_t batch) -> Status {
        ProcessSpec spec = compiler(prefix, python);
        std::size_t first = batch * sources_a_process, last = std::min(first + sources_a_process, sources.size());
        for (std::size_t i = first; i < last; ++i) spec.input += front + sources[i] + "\n";
        auto result = run_process(spec);
        std::lock_guard lock(mutex);
        if (!result.ok() || !result->succeeded()) {
            out.problem = how_it_failed(result, &ProcessResult::error_output);
            return make_error(ErrorKind::script, "the interpreter failed");
        }
        for (std::string_view line : split(result->output, '\n')) {
            if (line == "!") ++out.failed;
            else if (line.starts_with(front)) out.files.emplace_back(line.substr(front.size()));
        }
        done += last - first;
        if (progress) progress(done);
        return {};
    });
    std::ranges::sort(out.files);
    return out;
}

namespace {

std::map<std::string, std::string> script_variables(const InstallPlace& place, const fs::path& prefix) {
    const fs::path conda = place.selection.base ? place.root : place.conda.empty() ? place.environment : place.conda;
    std::string path = variable("PATH");
    return {{"PREFIX", prefix.string()},
            {"ROOT_PREFIX", conda.string()},
            {"CONDA_PREFIX", prefix.string()},
            {"PATH", (prefix / "bin").string() + ":" + (path.empty() ? "/usr/bin:/bin" : path)}};
}

std::vector<Script> package_scripts(const Manifest& manifest, const InstallPlace& place, Root root,
                                    std::string_view action) {
    std::vector<Script> out;
    const fs::path& prefix = place.prefix(root);
    const std::string name =
        prefix_name(root, manifest.base_installer ? &manifest.base_installer->environments : nullptr);
    for (const ScriptInfo& script : manifest.scripts) {
        if (script.prefix != name || script.action != action) continue;
        Script one{script.path, script.package + " " + script.version, script.path, "",
                   prefix,      script_variables(place, prefix)};
        one.variables["PKG_NAME"] = script.package;
        one.variables["PKG_VERSION"] = script.version;
        one.variables["PKG_BUILDNUM"] = script.build_number;
        out.push_back(std::move(one));
    }
    return out;
}

} // namespace

std::vector<Script> scripts_of(const Manifest& manifest, const InstallPlace& place, const ScriptFacts& facts) {
    std::vector<Script> out;
    auto of_packages = [&](Root root) {
        std::ranges::move(package_scripts(manifest, place, root, "post-link"), std::back_inserter(out));
    };
    // `own`: what the installer says, which counts before what every installer of constructor sets.
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
        one.variables.merge(script_variables(place, prefix));
        one.variables["PREFIX"] = prefix.string();
        out.push_back(std::move(one));
    };
    if (place.selection.base && manifest.base_installer) {
        const BaseInfo& base = *manifest.base_installer;
        of_installer("pre_install.sh", base.pre_install, base.name, base.version, place.root, base.variables);
        for (Root root : place.roots())
            if (root != Root::env) of_packages(root);
        of_installer("post_install.sh", base.post_install, base.name, base.version, place.root, base.variables);
    }
    const InstallerInfo installer = manifest.installer.value_or(InstallerInfo{});
    of_installer("pre_install.sh", installer.pre_install, manifest.env_name, installer.version, place.environment,
                 installer.variables);
    of_packages(Root::env);
    of_installer("post_install.sh", installer.post_install, manifest.env_name, installer.version, place.environment,
                 installer.variables);
    return out;
}

std::vector<Script> removal_scripts_of(const Manifest& manifest, const InstallPlace& place) {
    std::vector<Script> out;
    std::vector<Root> roots = place.roots();
    std::ranges::rotate(roots, roots.begin() + 1); // the environment's were linked last
    for (Root root : roots)
        std::ranges::move(package_scripts(manifest, place, root, "pre-unlink"), std::back_inserter(out));
    std::error_code ec;
    std::erase_if(out, [&](const Script& script) { return !fs::is_regular_file(script.prefix / script.path, ec); });
    std::ranges::reverse(out);
    return out;
}

namespace {

// Scripts of packages are run by bash, in their own directory, as conda does it; an installer's by what their first
// line names, else by sh.
Result<ProcessSpec> command_of(const Script& script, const fs::path& control) {
    const bool bash = ::access("/bin/bash", X_OK) == 0;
    ProcessSpec spec;
    if (!script.path.empty()) {
        const fs::path file = script.prefix / script.path;
        spec.argv = {bash ? "/bin/bash" : "/bin/sh", file.string()};
        spec.directory = file.parent_path().string();
        return spec;
    }
    fs::path file = control / script.name;
    TRY(write_atomically(file, script.text, 0755));
    spec.argv = {file.string()};
    spec.directory = script.prefix.string();
    if (!script.text.starts_with("#!")) spec.argv.insert(spec.argv.begin(), "/bin/sh");
    return spec;
}

Result<ProcessResult> run_script(const Script& script, const fs::path& control) {
    const fs::path log = control / "log";
    TRY_ASSIGN(ProcessSpec spec, command_of(script, control));
    for (const auto& [name, value] : script.variables) spec.set[name] = value;
    spec.unset = {"PYTHON*", "LD_PRELOAD", "LD_LIBRARY_PATH"};
    spec.merge_stderr = true;
    TRY_ASSIGN(ProcessResult result, run_process(spec));
    if (script.path.empty()) ::unlink((control / script.name).c_str());
    TRY_ASSIGN(Fd out, open_file(log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0644));
    TRY(write_exact(
        out.get(),
        as_bytes(fmt::format("== {} ({}): {}\n{}", script.name, script.package, result.describe(), result.output)),
        log.string()));
    return result;
}

} // namespace

Status run_scripts(const std::vector<Script>& scripts, const fs::path& control, const std::atomic<bool>* interrupted) {
    for (const Script& script : scripts) {
        if (interrupted && *interrupted) return make_error(ErrorKind::interrupted, "interrupted");
        TRY_ASSIGN(ProcessResult result, run_script(script, control));
        if (!result.succeeded())
            return make_error(ErrorKind::script, "the script '{}' of {} failed ({}); its output is in '{}'",
                              script.name, script.package, result.describe(), (control / "log").string());
    }
    return {};
}

std::vector<std::string> run_removal_scripts(const std::vector<Script>& scripts, const fs::path& control) {
    std::vector<std::string> out;
    for (const Script& script : scripts) {
        auto result = run_script(script, control);
        if (result.ok() && result->succeeded()) continue;
        // The log goes with the rest: what the script said last is told here.
        std::string said = how_it_failed(result, &ProcessResult::output);
        out.push_back(fmt::format("the script '{}' of {} failed ({}); its package is removed all the same", script.name,
                                  script.package, said));
    }
    return out;
}

std::vector<std::string> take_messages(const InstallPlace& place) {
    std::vector<std::string> out;
    for (Root root : place.roots()) {
        const fs::path file = place.prefix(root) / ".messages.txt";
        auto text = read_text(file, 1u << 20);
        if (!text.ok()) continue;
        for (std::string_view line : split_lines(*text))
            if (!trim(line).empty()) out.push_back(fmt::format("a package's script says: {}", trim(line)));
        ::unlink(file.c_str());
    }
    return out;
}

Result<bool> register_environment(const fs::path& prefix) {
    fs::path file = environments_file();
    std::error_code ec;
    if (file.empty() || !fs::is_directory(prefix / "conda-meta", ec)) return false;
    std::string text;
    if (fs::exists(file, ec)) {
        TRY_ASSIGN(text, read_text(file, 16u << 20));
    }
    for (std::string_view line : split_lines(text))
        if (line == prefix.string()) return false;
    TRY(make_directories(file.parent_path()));
    TRY_ASSIGN(Fd out, open_file(file, O_WRONLY | O_CREAT | O_APPEND, 0644));
    std::string line = (text.empty() || text.ends_with('\n') ? "" : "\n") + prefix.string() + "\n";
    TRY(write_exact(out.get(), as_bytes(line), file.string()));
    return true;
}

Status unregister_environment(const fs::path& prefix) {
    fs::path file = environments_file();
    std::error_code ec;
    if (file.empty() || !fs::exists(file, ec)) return {};
    TRY_ASSIGN(std::string text, read_text(file, 16u << 20));
    std::string kept;
    bool found = false;
    for (std::string_view line : split_lines(text)) {
        if (line == prefix.string()) found = true;
        else if (!line.empty()) kept += std::string(line) + "\n";
    }
    return found ? write_atomically(file, kept) : Status();
}

} // namespace tinderbox
