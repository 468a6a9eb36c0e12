#include "runtime/install/finish.hpp"

#include "common/base/parallel.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>

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

bool below(std::string_view path, std::string_view directory) {
    return !directory.empty() && path.starts_with(directory) && path.size() > directory.size() && path[directory.size()] == '/';
}

fs::path environments_file() {
    std::string home = variable("HOME");
    return home.empty() ? fs::path() : fs::path(home) / ".conda" / "environments.txt";
}

ProcessSpec python(const fs::path& prefix, const Manifest& manifest) {
    ProcessSpec spec;
    // -S and -s: neither site-packages nor the user's may decide what is compiled; -I would ignore PYTHONHASHSEED.
    // -B: what is merely imported for it keeps the bytecode that it has.
    spec.argv = {(prefix / manifest.python->executable).string(), "-B", "-S", "-s", "-W", "ignore", "-c", std::string(compile_program)};
    spec.unset = {"PYTHON*", "LD_PRELOAD", "LD_LIBRARY_PATH"};
    spec.set = {{"PYTHONHASHSEED", "0"}};
    spec.directory = prefix.string();
    return spec;
}

} // namespace

std::vector<std::string> sources_to_compile(const Manifest& manifest, const Table& table) {
    std::vector<std::string> out;
    if (!manifest.python || (manifest.bytecode != "install" && manifest.bytecode != "build")) return out;
    const bool all = manifest.bytecode == "install";
    for (const Destination& d : table.destinations)
        if (d.kind == EntryKind::file && d.root == Root::env && d.path.ends_with(".py") &&
            (below(d.path, manifest.python->site_packages) || below(d.path, manifest.python->stdlib)) &&
            (all || !table.contents[d.content].relocs.empty()))
            out.push_back(d.path);
    return out;
}

Compiled compile_sources(const fs::path& prefix, const Manifest& manifest, const std::vector<std::string>& sources,
                         unsigned jobs, const std::function<void(std::uint64_t)>& progress) {
    Compiled out;
    std::mutex mutex;
    const std::string front = prefix.string() + "/";
    std::size_t batches = (sources.size() + sources_a_process - 1) / sources_a_process, done = 0;
    (void)parallel_for(batches, jobs, [&](std::size_t batch) -> Status {
        ProcessSpec spec = python(prefix, manifest);
        std::size_t first = batch * sources_a_process, last = std::min(first + sources_a_process, sources.size());
        for (std::size_t i = first; i < last; ++i) spec.input += front + sources[i] + "\n";
        auto result = run_process(spec);
        std::lock_guard lock(mutex);
        if (!result.ok() || !result->succeeded()) {
            out.problem = result.ok() ? result->describe() : result.error().message;
            if (result.ok())
                if (auto lines = split(trim(result->error_output), '\n'); !lines.back().empty())
                    out.problem += ", " + std::string(lines.back());
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

Status run_scripts(const fs::path& prefix, const Manifest& manifest, const fs::path& log,
                   const std::atomic<bool>* interrupted) {
    if (manifest.scripts.empty()) return {};
    TRY_ASSIGN(Fd out, open_file(log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0644));
    const bool bash = ::access("/bin/bash", X_OK) == 0; // what conda uses; some scripts rely on it
    for (const ScriptInfo& script : manifest.scripts) {
        if (interrupted && *interrupted)
            return make_error(ErrorKind::interrupted, "interrupted");
        ProcessSpec spec;
        spec.argv = {bash ? "/bin/bash" : "/bin/sh", (prefix / script.path).string()};
        std::string path = variable("PATH");
        spec.set = {{"PREFIX", prefix.string()},           {"ROOT_PREFIX", prefix.string()},
                    {"CONDA_PREFIX", prefix.string()},     {"PKG_NAME", script.package},
                    {"PKG_VERSION", script.version},       {"PKG_BUILDNUM", script.build_number},
                    {"PATH", (prefix / "bin").string() + ":" + (path.empty() ? "/usr/bin:/bin" : path)}};
        spec.unset = {"PYTHON*", "LD_PRELOAD", "LD_LIBRARY_PATH"};
        spec.directory = prefix.string();
        spec.merge_stderr = true;
        TRY_ASSIGN(ProcessResult result, run_process(spec));
        TRY(write_exact(out.get(), as_bytes(fmt::format("== {} ({}): {}\n{}", script.path, script.package, result.describe(),
                                                        result.output)), log.string()));
        if (!result.succeeded())
            return make_error(ErrorKind::script, "the script '{}' of {} {} failed ({}); its output is in '{}'", script.path,
                              script.package, script.version, result.describe(), log.string());
    }
    return {};
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
