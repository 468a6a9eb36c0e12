#include "runtime/verify/python_run.hpp"

#include "common/base/json_cost.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "runtime/verify/check_scripts.hpp"

#include <chrono>

namespace tinderbox::verify {
namespace {

using nlohmann::json;

constexpr std::size_t shown_bytes = 400;

} // namespace

std::string PythonAnswer::text(const char* key) const {
    for (const json& line : lines)
        if (auto found = line.find(key); found != line.end() && found->is_string()) return found->get<std::string>();
    return {};
}

std::optional<bool> PythonAnswer::flag(const char* key) const {
    for (const json& line : lines)
        if (auto found = line.find(key); found != line.end() && found->is_boolean()) return found->get<bool>();
    return std::nullopt;
}

std::string PythonAnswer::last_begin() const {
    for (auto it = lines.rbegin(); it != lines.rend(); ++it)
        if (auto found = it->find("begin"); found != it->end() && found->is_string()) return found->get<std::string>();
    return "Python's start";
}

// Sets the variables that activation sets, so that the checks run as in an activated environment.
void EnvironmentPython::activate(Variables& e) const {
    const std::string path = e.contains("PATH") ? e["PATH"] : "/usr/bin:/bin";
    e["PATH"] = prefix_ + "/bin:" + path;
    e["CONDA_PREFIX"] = prefix_;
    for (const auto& [name, value] : manifest_.variables) e[name] = value;
}

Variables EnvironmentPython::clean() const {
    Variables e;
    for (const char* name : {"HOME", "TMPDIR", "USER", "LOGNAME", "XDG_RUNTIME_DIR"})
        if (auto found = user_.find(name); found != user_.end()) e[name] = found->second;
    // A scheduler's choice of GPUs is kept. A value that hides every GPU counts only in the user's environment.
    if (auto devices = user_.find("CUDA_VISIBLE_DEVICES");
        devices != user_.end() && !devices->second.empty() && !devices->second.starts_with('-'))
        e["CUDA_VISIBLE_DEVICES"] = devices->second;
    e["PATH"] = "/usr/bin:/bin";
    e["LANG"] = "C.UTF-8";
    e["PYTHONNOUSERSITE"] = "1";
    activate(e);
    return e;
}

Variables EnvironmentPython::user() const {
    Variables e = user_;
    activate(e);
    return e;
}

PythonAnswer EnvironmentPython::run(std::string_view script, const std::vector<std::string>& arguments,
                                    Variables environment) const {
    ProcessSpec spec;
    spec.argv = {executable(), "-c", fmt::format("{}{}\nend()\n", scripts::answer(), script)};
    spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
    // No .pyc may appear in the installed tree: every file must stay as the table says.
    environment["PYTHONDONTWRITEBYTECODE"] = "1";
    spec.set = std::move(environment);
    spec.clear_environment = true;
    spec.directory = "/"; // with -c Python imports from here: not from a user's directory with a numpy.py
    spec.timeout_seconds = timeout_seconds_;
    spec.output_limit = 4u << 20;
    spec.answers = true;
    spec.end_group = true; // servers and watchers that an import starts
    auto begin = std::chrono::steady_clock::now();
    auto process = run_process(spec);
    PythonAnswer out;
    out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!process.ok()) {
        out.failure = process.error().message;
        return out;
    }
    for (std::string_view line : split_lines(process->answers)) {
        json answer = is_affordable_json(line) ? json::parse(line, nullptr, false) : json();
        if (answer.is_object()) out.lines.push_back(std::move(answer));
    }
    out.complete = !out.lines.empty() && out.lines.back().contains("end");
    out.stderr_tail = last_line(process->error_output).substr(0, shown_bytes);
    if (process->timed_out) out.failure = fmt::format("no answer within {:.0f} s", timeout_seconds_);
    else if (!process->succeeded()) out.failure = process->describe();
    else if (!out.complete) out.failure = "Python was ended early, with exit status 0";
    return out;
}

std::string EnvironmentPython::culprit_variable(const std::function<bool(const Variables&)>& works) const {
    static constexpr const char* suspects[] = {"PYTHONPATH",    "PYTHONHOME",           "LD_LIBRARY_PATH",
                                               "LD_PRELOAD",    "CUDA_VISIBLE_DEVICES", "PYTHONUSERBASE",
                                               "PYTHONSTARTUP", "PYTHONPLATLIBDIR",     "CUDA_HOME"};
    for (const char* name : suspects) {
        Variables e = user();
        if (e.erase(name) == 0) continue;
        if (works(e)) return name;
    }
    return "";
}

std::string EnvironmentPython::culprit(const std::function<bool(const Variables&)>& works) const {
    if (const std::string name = culprit_variable(works); !name.empty())
        return fmt::format("unset {} (it is '{}')", name, user_.at(name));
    Variables e = user();
    e["PYTHONNOUSERSITE"] = "1";
    if (works(e))
        return "a package in your user site-packages shadows the environment's: remove it (pip uninstall), or set "
               "PYTHONNOUSERSITE=1";
    return "compare your shell's variables with a login shell's (env)";
}

} // namespace tinderbox::verify
