#include "common/machine/probe.hpp"

#include "common/base/file.hpp"
#include "common/machine/probe_events.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace tinderbox::machine {
namespace {

std::vector<std::string> usual_directories() {
    std::vector<std::string> out;
    auto add_variable = [&](const char* name) {
        if (const char* value = std::getenv(name); value && *value == '/') out.emplace_back(value);
    };
    add_variable("TMPDIR");
    out.insert(out.end(), {"/tmp", "/var/tmp", "/dev/shm"});
    add_variable("XDG_RUNTIME_DIR");
    add_variable("HOME");
    return out;
}

bool may_execute(const std::string& directory) {
    struct statvfs info {};
    return ::access(directory.c_str(), W_OK | X_OK) == 0 &&
           (::statvfs(directory.c_str(), &info) != 0 || (info.f_flag & ST_NOEXEC) == 0);
}

ProbeResult not_started(std::string sentence, std::string advice) {
    ProbeResult out;
    out.problems.push_back({0, -1, std::nullopt, "NOT_STARTED", std::move(sentence), std::move(advice)});
    return out;
}

} // namespace

ProbeResult run_probe(ByteView program, const format::Requirements& needs, const ProbeRun& run) {
    std::string last_error = "no directory was found in which a program can be written and started";
    for (const std::string& parent : run.directories.empty() ? usual_directories() : run.directories) {
        if (!may_execute(parent)) continue;
        auto directory = TemporaryDirectory::make(parent);
        if (!directory.ok()) continue;
        const fs::path path = directory->path() / "cuda_probe";
        if (auto written = write_atomically(path, program, 0700); !written.ok()) {
            last_error = written.error().message;
            continue;
        }
        ProcessSpec spec;
        spec.argv = {path.string()};
        spec.argv.insert(spec.argv.end(), run.arguments.begin(), run.arguments.end());
        spec.argv.insert(spec.argv.end(), {"--seconds", std::to_string(run.seconds)});
        // A preloaded library or a debugger's settings must not reach NVIDIA's libraries.
        spec.unset = {"LD_*"};
        spec.set = run.environment;
        spec.directory = "/";
        // The probe watches its own children; this limit is for a probe that hangs itself.
        spec.timeout_seconds = run.seconds + 10;
        spec.output_limit = 4u << 20;
        auto process = run_process(spec);
        if (!process.ok()) {
            last_error = process.error().message;
            continue;
        }
        return parse_probe(process->output, *process, needs);
    }
    return not_started(fmt::format("the CUDA probe could not be started: {}", last_error),
                       "set TMPDIR to a directory that is not mounted noexec; on a system without glibc's "
                       "loader nothing was tested");
}

ProbeResult run_probe_as_user(ByteView program, const format::Requirements& needs, const ProbeRun& clean,
                              const std::map<std::string, std::string>& user) {
    ProbeResult result = run_probe(program, needs, clean);
    auto path = user.find("LD_LIBRARY_PATH");
    if (result.ok || path == user.end() || path->second.empty()) return result;
    ProbeRun as_user = clean;
    as_user.environment["LD_LIBRARY_PATH"] = path->second;
    ProbeResult second = run_probe(program, needs, as_user);
    // The run that came farther tells more about the fault.
    const bool farther = second.ok || (second.stage1 == "passed" && result.stage1 != "passed") ||
                         (result.libcuda.empty() && !second.libcuda.empty());
    return farther ? second : result;
}

std::string choose_probe(const std::vector<std::string>& carried, std::optional<int> cuda_major) {
    auto has = [&](const std::string& name) { return std::ranges::find(carried, name) != carried.end(); };
    if (cuda_major)
        if (std::string own = fmt::format("cuda_probe_{}", *cuda_major); has(own)) return own;
    // A probe of another major has a stage 2 with another floor, so it is no replacement.
    return has("cuda_probe_0") ? "cuda_probe_0" : "";
}

std::optional<int> ask_driver_api(ByteView program, const std::map<std::string, std::string>& environment) {
    ProbeRun run;
    run.arguments = {"--stage", "1"};
    run.environment = environment;
    run.seconds = 20;
    ProbeResult result = run_probe(program, {}, run);
    return result.api_version > 0 ? std::optional(result.api_version) : std::nullopt;
}

} // namespace tinderbox::machine
