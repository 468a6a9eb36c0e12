#include "runtime/verify/imports.hpp"

#include "common/base/parallel.hpp"
#include "common/base/text.hpp"
#include "common/format/json_read.hpp"
#include "runtime/verify/frameworks.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <mutex>

namespace tinderbox::verify {
namespace {

using nlohmann::json;

constexpr std::string_view python_script = R"py(
say(prefix=sys.prefix, version="%d.%d.%d" % sys.version_info[:3])
)py";

// Imports the top-level names of each distribution: modules, and packages with an __init__. Namespace packages have
// nothing to import; test folders need not work. NAME=MODULE,MODULE names the imports that a package declares itself
// (conda's tests).
constexpr std::string_view import_script = R"py(
import importlib
from importlib import metadata

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

for word in sys.argv[1:]:
    name, _, declared = word.partition("=")
    try:
        modules = declared.split(",") if declared else top_level(name)
    except metadata.PackageNotFoundError:
        continue
    for module in modules:
        say(begin=module, package=name)
        try:
            say(done=module, package=name, file=getattr(importlib.import_module(module), "__file__", None) or "")
        except BaseException as e:
            say(failed=module, package=name, error="%s: %s" % (type(e).__name__, e))
)py";

class Checker {
  public:
    Checker(const format::Manifest& manifest, const ImportOptions& options)
        : manifest_(manifest), options_(options),
          python_(manifest, options.prefix, options.user, options.timeout_seconds) {}

    std::vector<ImportCheck> run() {
        if (!manifest_.python) return {};
        if (!check_python()) return std::move(checks_);
        frameworks_ = frameworks_of(python_, manifest_);
        check_packages();
        for (const Framework* framework : frameworks_)
            for (ImportCheck& check : check_framework(python_, *framework, options_.expect_gpu)) add(std::move(check));
        return std::move(checks_);
    }

  private:
    ImportCheck& add(ImportCheck check) {
        checks_.push_back(std::move(check));
        return checks_.back();
    }

    bool check_python() {
        PythonAnswer a = python_.run(python_script, {}, python_.clean());
        ImportCheck c;
        c.name = "python";
        c.environment = "clean";
        c.ok = a.failure.empty() && !a.text("version").empty();
        c.seconds = a.seconds;
        if (c.ok) c.sentence = fmt::format("Python {} starts", a.text("version"));
        else {
            c.sentence = fmt::format("'{}/{}' does not start: {}{}", options_.prefix, manifest_.python->executable,
                                     a.failure, a.stderr_tail.empty() ? "" : " (" + a.stderr_tail + ")");
            c.advice = "the lines under Machine may say what is missing; else install again into another prefix";
        }
        return add(std::move(c)).ok;
    }

    // The framework's own check imports it.
    bool is_framework(std::string_view package) const {
        return std::ranges::any_of(frameworks_, [&](const Framework* f) {
            return std::ranges::find(f->distributions, package) != f->distributions.end();
        });
    }

    std::vector<std::string> packages_to_import() const {
        std::vector<std::string> out;
        for (const format::PackageInfo& p : manifest_.packages) {
            bool kind = (p.kind == "wheel" || p.kind == "conda") && p.prefix.is_env();
            if (kind && (p.requested || options_.all_packages) && !is_framework(p.name) && p.name != "python")
                out.push_back(options_.all_packages ? with_declared(p) : p.name);
        }
        return out;
    }

    static std::string with_declared(const format::PackageInfo& package) {
        std::string out = package.name;
        for (const std::string& module : package.imports)
            out += (out.size() == package.name.size() ? "=" : ",") + module;
        return out;
    }

    struct Imports {
        std::vector<std::string> done, outside;    // modules; files that lie outside the prefix
        std::map<std::string, std::string> failed; // module → reason
        double seconds = 0;
    };
    // -t imports many packages, so several interpreters share them.
    Imports import_all(const std::vector<std::string>& packages, const Variables& environment) const {
        const std::size_t shares =
            options_.all_packages ? std::clamp<std::size_t>(packages.size() / 4, 1, options_.jobs) : 1;
        std::vector<std::vector<std::string>> share(shares);
        for (std::size_t i = 0; i < packages.size(); ++i) share[i % shares].push_back(packages[i]);
        Imports out;
        std::mutex mutex;
        (void)parallel_for(shares, static_cast<unsigned>(shares), [&](std::size_t i) -> Status {
            Imports some = import_some(share[i], environment);
            std::lock_guard lock(mutex);
            out.done.insert(out.done.end(), some.done.begin(), some.done.end());
            out.outside.insert(out.outside.end(), some.outside.begin(), some.outside.end());
            out.failed.merge(some.failed);
            out.seconds = std::max(out.seconds, some.seconds);
            return {};
        });
        std::ranges::sort(out.done);
        return out;
    }

    // One interpreter imports all packages, which is quick but unlike real use: setuptools refuses its import after
    // another package has imported distutils. So a module that fails among others is tried once more alone.
    Imports import_some(const std::vector<std::string>& packages, const Variables& environment) const {
        std::map<std::string, std::string> package_of;
        Imports out = import_together(packages, environment, package_of);
        if (out.done.empty() || package_of.size() > 8) return out; // nothing was imported before it, or too many fail
        for (const auto& [module, package] : package_of) {
            std::map<std::string, std::string> again;
            Imports alone = import_together({fmt::format("{}={}", package, module)}, environment, again);
            out.seconds += alone.seconds;
            if (!alone.failed.empty() || alone.done.empty()) continue;
            out.failed.erase(module);
            out.done.push_back(module);
            out.outside.insert(out.outside.end(), alone.outside.begin(), alone.outside.end());
        }
        return out;
    }

    // `raised`: modules whose import ended with an exception, and the package of each.
    Imports import_together(const std::vector<std::string>& packages, const Variables& environment,
                            std::map<std::string, std::string>& raised) const {
        Imports out;
        std::vector<std::string> left = packages;
        // When a module kills the interpreter, the next round continues after its package.
        for (int round = 0; round < 8 && !left.empty(); ++round) {
            PythonAnswer a = python_.run(import_script, left, environment);
            out.seconds += a.seconds;
            std::string open, open_package;
            for (const json& line : a.lines) {
                auto value = [&](const char* key) { return format::text_field(line, key); };
                if (auto name = value("begin"); !name.empty()) open = name, open_package = value("package");
                if (auto name = value("done"); !name.empty()) {
                    out.done.push_back(name);
                    if (auto file = value("file"); !file.empty() && !file.starts_with(options_.prefix + "/"))
                        out.outside.push_back(file);
                    open.clear();
                }
                if (auto name = value("failed"); !name.empty())
                    out.failed[name] = value("error"), raised[name] = value("package"), open.clear();
            }
            if (a.failure.empty()) break;
            if (open.empty()) {
                out.failed["Python"] = a.failure + (a.stderr_tail.empty() ? "" : ": " + a.stderr_tail);
                break;
            }
            out.failed[open] = a.failure;
            auto at = std::ranges::find_if(
                left, [&](const std::string& word) { return word.substr(0, word.find('=')) == open_package; });
            if (at == left.end()) break;
            left.erase(left.begin(), at + 1);
        }
        return out;
    }

    void check_packages() {
        auto packages = packages_to_import();
        if (packages.empty()) return;
        Imports in_clean = import_all(packages, python_.clean());
        for (const auto& [module, reason] : in_clean.failed) add(failed_import(module, "clean", reason));
        if (!in_clean.done.empty()) {
            std::string names;
            for (std::size_t i = 0; i < in_clean.done.size() && i < 8; ++i) names += (i ? ", " : "") + in_clean.done[i];
            if (in_clean.done.size() > 8) names += fmt::format(" and {} more", in_clean.done.size() - 8);
            ImportCheck all;
            all.name = "imports";
            all.environment = "clean";
            all.ok = true;
            all.sentence = fmt::format("import {}", names);
            if (options_.all_packages)
                all.sentence = fmt::format("{} modules of {} packages imported, {} failed: {}", in_clean.done.size(),
                                           packages.size(), in_clean.failed.size(), names);
            all.seconds = in_clean.seconds;
            add(std::move(all));
        }
        Imports in_user = import_all(packages, python_.user());
        for (const auto& [module, reason] : in_user.failed) {
            if (in_clean.failed.contains(module)) continue;
            ImportCheck c = failed_import(module, "user", reason);
            c.advice =
                python_.culprit([&](const Variables& e) { return !import_all(packages, e).failed.contains(module); });
            add(std::move(c));
        }
        if (!in_user.outside.empty()) add(shadowed("imports", in_user.outside.front()));
    }

    ImportCheck failed_import(const std::string& module, const char* environment, const std::string& reason) const {
        ImportCheck c;
        c.name = module;
        c.environment = environment;
        c.gpu_related = is_gpu_message(reason);
        c.sentence = fmt::format("import {} failed{}: {}", module,
                                 std::string_view(environment) == "user" ? " in your shell's environment" : "", reason);
        if (std::string_view(environment) == "clean")
            c.advice = "look at the report's machine lines for a missing library; the package itself may "
                       "need more than its metadata says";
        return c;
    }

    ImportCheck shadowed(const std::string& name, const std::string& file) const {
        ImportCheck c;
        c.name = name;
        c.environment = "user";
        c.ok = true;
        c.sentence = fmt::format("your shell's environment takes '{}' instead of the environment's own", file);
        c.advice = python_.culprit([&](const Variables& e) {
            Imports i = import_all(packages_to_import(), e);
            return i.outside.empty() && i.failed.empty();
        });
        return c;
    }

    const format::Manifest& manifest_;
    const ImportOptions& options_;
    EnvironmentPython python_;
    std::vector<const Framework*> frameworks_;
    std::vector<ImportCheck> checks_;
};

} // namespace

bool is_gpu_message(std::string_view message) {
    for (std::string_view words : {"libcuda.so", "libnvidia-", "CUDA error", "CUDA driver", "NVIDIA driver",
                                   "cudaError", "CUDA_ERROR", "no CUDA-capable"})
        if (message.find(words) != std::string_view::npos) return true;
    return false;
}

std::vector<ImportCheck> check_imports(const format::Manifest& manifest, const ImportOptions& options) {
    return Checker(manifest, options).run();
}

json to_json(const ImportCheck& check) {
    json steps = json::array();
    for (const CheckStep& s : check.steps)
        steps.push_back({{"name", s.name}, {"ok", s.ok}, {"gpu", s.gpu}, {"words", s.words}, {"seconds", s.seconds}});
    json out = {{"name", check.name},
                {"environment", check.environment},
                {"ok", check.ok},
                {"gpu_related", check.gpu_related},
                {"sentence", check.sentence},
                {"advice", check.advice},
                {"seconds", check.seconds}};
    if (!check.device.empty()) out["device"] = check.device;
    if (!steps.empty()) out["steps"] = std::move(steps);
    return out;
}

} // namespace tinderbox::verify
