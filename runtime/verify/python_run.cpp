#include "runtime/verify/python_run.hpp"

#include "common/base/json_cost.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "common/format/json_read.hpp"
#include "runtime/verify/check_scripts.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

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

std::string PythonAnswer::with_last_words() const {
    return failure + (stderr_tail.empty() ? "" : " (" + stderr_tail + ")");
}

std::vector<std::string> PythonAnswer::texts(const char* key) const {
    std::vector<std::string> out;
    for (const json& line : lines)
        if (auto found = line.find(key); found != line.end() && found->is_array())
            for (const json& text : *found)
                if (text.is_string()) out.push_back(text.get<std::string>());
    return out;
}

PythonAnswer PythonAnswer::of_framework(std::string_view name) const {
    PythonAnswer out;
    out.failure = failure.empty() ? "no answer" : failure;
    out.stderr_tail = stderr_tail;
    out.peak_memory = peak_memory;
    bool inside = false;
    for (const json& line : lines) {
        if (line.contains("framework")) inside = format::text_field(line, "framework") == name;
        else if (inside && line.contains("framework_done")) {
            out.failure.clear();
            out.complete = true;
            out.seconds = line.value("seconds", json()).is_number() ? line["seconds"].get<double>() : 0;
            inside = false;
        } else if (inside) out.lines.push_back(line);
    }
    return out;
}

namespace {

// Cuts a stream of answers into lines.
class AnswerLines {
  public:
    explicit AnswerLines(const std::function<void(const json&)>& each) : each_(each) {}
    void add(std::string_view piece) {
        held_ += piece;
        for (auto end = held_.find('\n'); end != std::string::npos; end = held_.find('\n')) {
            if (const json answer = parse_answer(std::string_view(held_).substr(0, end)); answer.is_object())
                each_(answer);
            held_.erase(0, end + 1);
        }
    }
    static json parse_answer(std::string_view line) {
        return is_affordable_json(line) ? json::parse(line, nullptr, false) : json();
    }

  private:
    const std::function<void(const json&)>& each_;
    std::string held_;
};

} // namespace

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
                                    Variables environment, const std::function<void(const json&)>& on_answer) const {
    ProcessSpec spec;
    AnswerLines lines(on_answer);
    if (on_answer) spec.on_answers = [&](std::string_view piece) { lines.add(piece); };
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
        json answer = AnswerLines::parse_answer(line);
        if (answer.is_object()) out.lines.push_back(std::move(answer));
    }
    out.peak_memory = process->peak_memory;
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
    std::vector<std::string> names(std::begin(suspects), std::end(suspects));
    for (const std::string& name : further_suspects_)
        if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    for (const std::string& name : names) {
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
