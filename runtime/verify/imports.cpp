#include "runtime/verify/imports.hpp"

#include "common/base/process.hpp"
#include "common/base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <optional>

namespace tinderbox {
namespace {

using nlohmann::json;
using Environment = std::map<std::string, std::string>;

// Every answer is one line behind this mark, because an imported module may print what it likes.
constexpr std::string_view mark = "TINDERBOX-ANSWER ";

constexpr const char* python_script = R"py(
import json, sys
print("TINDERBOX-ANSWER " + json.dumps({"prefix": sys.prefix, "version": "%d.%d.%d" % sys.version_info[:3]}), flush=True)
)py";

// For each distribution: its top-level names, of which those are imported that are a package with an __init__
// or a module. Namespace packages have nothing to import; test folders are not part of the promise.
constexpr const char* import_script = R"py(
import importlib, json, sys
from importlib import metadata

def say(**answer):
    print("TINDERBOX-ANSWER " + json.dumps(answer), flush=True)

def top_level(name):
    names = set()
    for f in metadata.distribution(name).files or ():
        parts = f.parts
        if parts[0] == ".." or parts[0].endswith((".dist-info", ".egg-info", ".data")):
            continue
        if len(parts) == 2 and parts[1] == "__init__.py":
            names.add(parts[0])
        elif len(parts) == 1 and parts[0].endswith((".py", ".so")):
            names.add(parts[0].split(".")[0])
    return sorted(n for n in names if n.isidentifier() and not n.startswith("_") and n not in ("test", "tests", "conftest", "setup"))

for name in sys.argv[1:]:
    try:
        modules = top_level(name)
    except metadata.PackageNotFoundError:
        continue
    for module in modules:
        say(begin=module, package=name)
        try:
            say(done=module, package=name, file=getattr(importlib.import_module(module), "__file__", None) or "")
        except BaseException as e:
            say(failed=module, package=name, error="%s: %s" % (type(e).__name__, e))
)py";

// The check of the design: import torch; torch.rand(5, 3); torch.cuda.is_available() – and, when that is
// true, a sum computed on the GPU, because is_available() runs no kernel.
constexpr const char* torch_script = R"py(
import json, sys, warnings

def say(**answer):
    print("TINDERBOX-ANSWER " + json.dumps(answer), flush=True)

say(begin="import torch")
try:
    import torch
    say(file=torch.__file__, version=torch.__version__, built_for=torch.version.cuda or "")
    torch.rand(5, 3)
except BaseException as e:
    say(error="%s: %s" % (type(e).__name__, e))
    sys.exit(1)
say(begin="torch.cuda.is_available()")
try:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        available = torch.cuda.is_available()
    say(available=available, said=" ".join(str(w.message) for w in said)[:500])
    if available:
        say(begin="a sum on the GPU")
        total = torch.ones(1000, device="cuda").sum().item()
        say(device=torch.cuda.get_device_name(0), sum=total)
        if total != 1000.0:
            raise RuntimeError("CUDA error: the sum of 1000 ones is %r" % total)
except BaseException as e:
    say(gpu_error="%s: %s" % (type(e).__name__, e))
    sys.exit(1)
)py";

struct Answer {
    std::vector<json> lines;
    std::string failure; // of the process: "killed by SIGSEGV"; "" = it ended as it should
    std::string stderr_tail;
    double seconds = 0;

    std::string text(const char* key) const {
        for (const json& line : lines)
            if (auto found = line.find(key); found != line.end() && found->is_string())
                return found->get<std::string>();
        return {};
    }
    std::string last_begin() const {
        for (auto it = lines.rbegin(); it != lines.rend(); ++it)
            if (auto found = it->find("begin"); found != it->end() && found->is_string())
                return found->get<std::string>();
        return "Python's start";
    }
    std::optional<bool> flag(const char* key) const {
        for (const json& line : lines)
            if (auto found = line.find(key); found != line.end() && found->is_boolean())
                return found->get<bool>();
        return std::nullopt;
    }
};

std::string last_line(std::string_view text) {
    std::string out;
    for (std::string_view line : split_lines(text))
        if (!trim(line).empty()) out = trim(line);
    return out.substr(0, 400);
}

class Checker {
  public:
    Checker(const Manifest& manifest, const ImportOptions& options)
        : manifest_(manifest), options_(options) {}

    std::vector<ImportCheck> run() {
        if (!manifest_.python) return {};
        if (!check_python()) return std::move(checks_);
        check_packages();
        const auto& frameworks = manifest_.requires_.frameworks;
        if (std::ranges::find(frameworks, "torch") != frameworks.end()) check_torch();
        return std::move(checks_);
    }

  private:
    // What activation adds, so that the checks see what a user of the activated environment sees.
    void activate(Environment& e) const {
        const std::string path = e.contains("PATH") ? e["PATH"] : "/usr/bin:/bin";
        e["PATH"] = options_.prefix + "/bin:" + path;
        e["CONDA_PREFIX"] = options_.prefix;
        for (const auto& [name, value] : manifest_.variables)
            e[name] = value;
    }
    Environment clean() const {
        Environment e;
        for (const char* name : {"HOME", "TMPDIR", "USER", "LOGNAME", "XDG_RUNTIME_DIR"})
            if (auto found = options_.user.find(name); found != options_.user.end()) e[name] = found->second;
        // A scheduler's choice of GPU is kept; one that hides them all is the user's matter.
        if (auto devices = options_.user.find("CUDA_VISIBLE_DEVICES");
            devices != options_.user.end() && !devices->second.empty() && !devices->second.starts_with('-'))
            e["CUDA_VISIBLE_DEVICES"] = devices->second;
        e["PATH"] = "/usr/bin:/bin";
        e["LANG"] = "C.UTF-8";
        e["PYTHONNOUSERSITE"] = "1";
        activate(e);
        return e;
    }
    Environment user() const {
        Environment e = options_.user;
        activate(e);
        return e;
    }

    Answer python(const char* script, const std::vector<std::string>& arguments,
                  Environment environment) const {
        ProcessSpec spec;
        spec.argv = {options_.prefix + "/" + manifest_.python->executable, "-c", script};
        spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
        // The installed tree must stay as it is in the table.
        environment["PYTHONDONTWRITEBYTECODE"] = "1";
        spec.set = std::move(environment);
        spec.clear_environment = true;
        spec.directory = "/"; // "" is on sys.path with -c: not the user's directory of a numpy.py
        spec.timeout_seconds = options_.timeout_seconds;
        spec.output_limit = 4u << 20;
        auto begin = std::chrono::steady_clock::now();
        auto process = run_process(spec);
        Answer out;
        out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        if (!process.ok()) {
            out.failure = process.error().message;
            return out;
        }
        for (std::string_view line : split_lines(process->output)) {
            if (!line.starts_with(mark)) continue;
            json answer = json::parse(line.substr(mark.size()), nullptr, false);
            if (answer.is_object()) out.lines.push_back(std::move(answer));
        }
        out.stderr_tail = last_line(process->error_output);
        if (process->timed_out)
            out.failure = fmt::format("no answer within {:.0f} s", options_.timeout_seconds);
        else if (!process->succeeded())
            out.failure = process->describe();
        return out;
    }

    ImportCheck& add(ImportCheck check) {
        checks_.push_back(std::move(check));
        return checks_.back();
    }

    bool check_python() {
        Answer a = python(python_script, {}, clean());
        ImportCheck c{"python", "clean",  a.failure.empty() && !a.text("version").empty(), false, "",
                      "",       a.seconds};
        if (c.ok)
            c.sentence = fmt::format("Python {} starts", a.text("version"));
        else {
            c.sentence =
                fmt::format("'{}/{}' does not start: {}{}", options_.prefix, manifest_.python->executable,
                            a.failure, a.stderr_tail.empty() ? "" : " (" + a.stderr_tail + ")");
            c.advice =
                "the lines under Machine may say what is missing; else install again into another prefix";
        }
        return add(std::move(c)).ok;
    }

    std::vector<std::string> packages_to_import() const {
        std::vector<std::string> out;
        for (const PackageInfo& p : manifest_.packages) {
            bool kind = p.kind == "wheel" || p.kind == "conda";
            if (kind && (p.requested || options_.all_packages) && p.name != "torch" && p.name != "python")
                out.push_back(p.name);
        }
        return out;
    }

    struct Imports {
        std::vector<std::string> done, outside;    // modules; files that lie outside the prefix
        std::map<std::string, std::string> failed; // module → reason
        double seconds = 0;
    };
    Imports import_all(const std::vector<std::string>& packages, const Environment& environment) const {
        Imports out;
        std::vector<std::string> left = packages;
        // A module that kills the interpreter must not hide those after it.
        for (int round = 0; round < 8 && !left.empty(); ++round) {
            Answer a = python(import_script, left, environment);
            out.seconds += a.seconds;
            std::string open, open_package;
            for (const json& line : a.lines) {
                auto value = [&](const char* key) {
                    return line.contains(key) && line[key].is_string() ? line[key].get<std::string>()
                                                                       : std::string();
                };
                if (auto name = value("begin"); !name.empty()) open = name, open_package = value("package");
                if (auto name = value("done"); !name.empty()) {
                    out.done.push_back(name);
                    if (auto file = value("file"); !file.empty() && !file.starts_with(options_.prefix + "/"))
                        out.outside.push_back(file);
                    open.clear();
                }
                if (auto name = value("failed"); !name.empty())
                    out.failed[name] = value("error"), open.clear();
            }
            if (a.failure.empty()) break;
            if (open.empty()) {
                out.failed["Python"] = a.failure + (a.stderr_tail.empty() ? "" : ": " + a.stderr_tail);
                break;
            }
            out.failed[open] = a.failure;
            auto at = std::ranges::find(left, open_package);
            if (at == left.end()) break;
            left.erase(left.begin(), at + 1);
        }
        return out;
    }

    void check_packages() {
        auto packages = packages_to_import();
        if (packages.empty()) return;
        Imports in_clean = import_all(packages, clean());
        for (const auto& [module, reason] : in_clean.failed)
            add(failed_import(module, "clean", reason));
        if (!in_clean.done.empty()) {
            std::string names;
            for (std::size_t i = 0; i < in_clean.done.size() && i < 8; ++i)
                names += (i ? ", " : "") + in_clean.done[i];
            if (in_clean.done.size() > 8) names += fmt::format(" and {} more", in_clean.done.size() - 8);
            add({"imports", "clean", true, false, fmt::format("import {}", names), "", in_clean.seconds});
        }
        Imports in_user = import_all(packages, user());
        for (const auto& [module, reason] : in_user.failed) {
            if (in_clean.failed.contains(module)) continue;
            ImportCheck c = failed_import(module, "user", reason);
            c.advice = culprit(
                [&](const Environment& e) { return !import_all(packages, e).failed.contains(module); });
            add(std::move(c));
        }
        if (!in_user.outside.empty()) add(shadowed("imports", in_user.outside.front()));
    }

    ImportCheck failed_import(const std::string& module, const char* environment,
                              const std::string& reason) const {
        ImportCheck c{module, environment, false, is_gpu_message(reason), "", "", 0};
        c.sentence = fmt::format(
            "import {} failed{}: {}", module,
            std::string_view(environment) == "user" ? " in your shell's environment" : "", reason);
        if (std::string_view(environment) == "clean")
            c.advice = "look at the report's machine lines for a missing library; the package itself may "
                       "need more than its metadata says";
        return c;
    }

    ImportCheck shadowed(const std::string& name, const std::string& file) const {
        return {name,
                "user",
                true,
                false,
                fmt::format("your shell's environment takes '{}' instead of the environment's own", file),
                culprit([&](const Environment& e) {
                    Imports i = import_all(packages_to_import(), e);
                    return i.outside.empty() && i.failed.empty();
                }),
                0};
    }

    // Which of the user's variables is to blame: the first without which it works.
    template <class Works> std::string culprit(const Works& works) const {
        static constexpr const char* suspects[] = {"PYTHONPATH",    "PYTHONHOME",           "LD_LIBRARY_PATH",
                                                   "LD_PRELOAD",    "CUDA_VISIBLE_DEVICES", "PYTHONUSERBASE",
                                                   "PYTHONSTARTUP", "PYTHONPLATLIBDIR",     "CUDA_HOME"};
        for (const char* name : suspects) {
            Environment e = user();
            if (e.erase(name) == 0) continue;
            if (works(e)) return fmt::format("unset {} (it is '{}')", name, options_.user.at(name));
        }
        Environment e = user();
        e["PYTHONNOUSERSITE"] = "1";
        if (works(e))
            return "a package in your user site-packages shadows the environment's: remove it (pip "
                   "uninstall), or set PYTHONNOUSERSITE=1";
        return "compare your shell's variables with a login shell's (env)";
    }

    struct Torch {
        bool ok = false, gpu_related = false;
        std::string sentence, advice, file;
        double seconds = 0;
    };
    Torch try_torch(const Environment& environment) const {
        Answer a = python(torch_script, {}, environment);
        Torch t;
        t.seconds = a.seconds;
        t.file = a.text("file");
        const std::string version = a.text("version");
        if (auto error = a.text("error"); !error.empty()) {
            t.gpu_related = is_gpu_message(error);
            t.sentence = fmt::format("import torch failed: {}", error);
        } else if (auto gpu = a.text("gpu_error"); !gpu.empty()) {
            t.gpu_related = true;
            t.ok = !options_.expect_gpu;
            t.sentence = fmt::format("torch {} cannot use the GPU: {}", version, gpu);
        } else if (!a.failure.empty()) {
            t.gpu_related = a.last_begin() != "import torch" && a.last_begin() != "Python's start";
            t.sentence = fmt::format("torch: {} during {}{}", a.failure, a.last_begin(),
                                     a.stderr_tail.empty() ? "" : " (" + a.stderr_tail + ")");
        } else if (a.flag("available").value_or(false)) {
            t.ok = true;
            t.sentence =
                fmt::format("torch {}: torch.rand(5, 3), and a sum on {}", version, a.text("device"));
        } else if (a.text("built_for").empty()) {
            t.ok = true;
            t.sentence = fmt::format("torch {}: torch.rand(5, 3); this torch is built without CUDA", version);
        } else {
            t.ok = !options_.expect_gpu;
            t.gpu_related = true;
            std::string said = a.text("said");
            t.sentence = fmt::format("torch {}: torch.rand(5, 3); torch.cuda.is_available() is False{}",
                                     version, said.empty() ? "" : ": " + said);
        }
        return t;
    }

    void check_torch() {
        Torch in_clean = try_torch(clean());
        if (!in_clean.ok && in_clean.advice.empty())
            in_clean.advice = in_clean.gpu_related
                                  ? "the lines above about GPU and driver say what is wrong"
                                  : "look at the report's machine lines for a missing library";
        add({"torch", "clean", in_clean.ok, in_clean.gpu_related, in_clean.sentence,
             in_clean.ok ? "" : in_clean.advice, in_clean.seconds});
        if (!in_clean.ok) return; // the user's environment cannot be better for a reason that is ours
        Torch in_user = try_torch(user());
        const bool elsewhere = !in_user.file.empty() && !in_user.file.starts_with(options_.prefix + "/");
        if (in_user.ok && !elsewhere) return;
        ImportCheck c{"torch", "user", in_user.ok, in_user.gpu_related, "", "", in_user.seconds};
        c.sentence =
            in_user.ok
                ? fmt::format("your shell's environment takes '{}' instead of the environment's own torch",
                              in_user.file)
                : fmt::format("in your shell's environment: {}{}", in_user.sentence,
                              elsewhere ? fmt::format(" (from '{}')", in_user.file) : "");
        c.advice = culprit([&](const Environment& e) {
            Torch t = try_torch(e);
            return t.ok && (t.file.empty() || t.file.starts_with(options_.prefix + "/"));
        });
        add(std::move(c));
    }

    const Manifest& manifest_;
    const ImportOptions& options_;
    std::vector<ImportCheck> checks_;
};

} // namespace

bool is_gpu_message(std::string_view message) {
    for (std::string_view words : {"libcuda.so", "libnvidia-", "CUDA error", "CUDA driver", "NVIDIA driver",
                                   "cudaError", "CUDA_ERROR", "no CUDA-capable"})
        if (message.find(words) != std::string_view::npos) return true;
    return false;
}

std::vector<ImportCheck> check_imports(const Manifest& manifest, const ImportOptions& options) {
    return Checker(manifest, options).run();
}

json to_json(const ImportCheck& check) {
    return {{"name", check.name},
            {"environment", check.environment},
            {"ok", check.ok},
            {"gpu_related", check.gpu_related},
            {"sentence", check.sentence},
            {"advice", check.advice},
            {"seconds", check.seconds}};
}

} // namespace tinderbox
