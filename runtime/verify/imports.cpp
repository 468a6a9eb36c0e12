#include "runtime/verify/imports.hpp"

#include "common/base/parallel.hpp"
#include "common/base/text.hpp"
#include "common/format/json_read.hpp"
#include "runtime/verify/check_scripts.hpp"
#include "runtime/verify/frameworks.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <mutex>
#include <set>

namespace tinderbox::verify {
namespace {

using nlohmann::json;

constexpr std::size_t shown_names = 8; // in one sentence

// What an Imports.failed is filed under when Python itself ended, and no module's import was the cause.
constexpr const char* python_itself = "";

// "a, b, c and 3 more"
std::string listed(const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t i = 0; i < names.size() && i < shown_names; ++i) out += (i ? ", " : "") + names[i];
    if (names.size() > shown_names) out += fmt::format(" and {} more", names.size() - shown_names);
    return out;
}

std::string with_last_words(const PythonAnswer& answer) {
    return answer.failure + (answer.stderr_tail.empty() ? "" : " (" + answer.stderr_tail + ")");
}

class Checker {
  public:
    Checker(const format::Manifest& manifest, const ImportOptions& options)
        : manifest_(manifest), options_(options),
          python_(manifest, options.prefix, options.user, options.timeout_seconds) {}

    std::vector<ImportCheck> run() {
        if (!manifest_.python) return {};
        if (!check_python()) return std::move(checks_);
        frameworks_ = frameworks_of(python_, manifest_);
        user_starts_ = check_user_python();
        check_packages();
        for (const Framework* framework : frameworks_)
            for (ImportCheck& check : check_framework(python_, *framework, options_.expect_gpu))
                if (user_starts_ || check.environment != "user") add(std::move(check));
        return std::move(checks_);
    }

  private:
    ImportCheck& add(ImportCheck check) {
        checks_.push_back(std::move(check));
        return checks_.back();
    }

    bool check_python() {
        PythonAnswer a;
        ImportCheck c;
        c.name = "python";
        c.environment = "clean";
        c.ok = starts(python_.clean(), a);
        c.seconds = a.seconds;
        if (c.ok) c.sentence = fmt::format("Python {} starts", a.text("version"));
        else {
            c.sentence = fmt::format("'{}/{}' does not start: {}", options_.prefix, manifest_.python->executable,
                                     with_last_words(a));
            c.advice =
                "the report's lines about the machine may name what is missing; else install again into another prefix";
        }
        return add(std::move(c)).ok;
    }

    bool starts(const Variables& environment, PythonAnswer& answer) const {
        answer = python_.run(scripts::start(), {}, environment);
        return answer.failure.empty() && !answer.text("version").empty();
    }

    // A variable of the shell that keeps Python from starting (PYTHONHOME) is said once, not for each import.
    bool check_user_python() {
        PythonAnswer a;
        if (starts(python_.user(), a)) return true;
        ImportCheck c;
        c.name = "python";
        c.environment = "user";
        c.seconds = a.seconds;
        c.sentence = "Python did not start in your shell's environment: ";
        const auto works = [&](const Variables& e) {
            PythonAnswer ignored;
            return starts(e, ignored);
        };
        if (const std::string name = python_.culprit_variable(works); !name.empty()) {
            c.sentence += fmt::format("{} is set to '{}'; unset it", name, options_.user.at(name));
            c.advice = "unset " + name;
        } else {
            c.sentence += with_last_words(a);
            c.advice = python_.culprit(works);
        }
        add(std::move(c));
        return false;
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
            const bool kind = (p.kind == "wheel" || p.kind == "conda" || p.kind == "captured") && p.prefix.is_env();
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
        std::set<std::string> left_out;            // names beside the modules: tests, libraries for ctypes
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
            out.left_out.merge(some.left_out);
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
        // When a module ends the interpreter, the next round continues after its package.
        while (!left.empty()) {
            PythonAnswer a = python_.run(scripts::imports(), left, environment);
            out.seconds += a.seconds;
            const Begun open = read_answers(a, out, raised);
            if (!open.module.empty()) out.failed[open.module] = a.failure.empty() ? "no answer" : with_last_words(a);
            else if (!a.failure.empty())
                out.failed[python_itself] = fmt::format("Python ended badly {} the imports: {}",
                                                        a.complete ? "after" : "during", with_last_words(a));
            if (open.module.empty() || a.complete) break;
            auto at = std::ranges::find_if(
                left, [&](const std::string& word) { return word.substr(0, word.find('=')) == open.package; });
            if (at == left.end()) break;
            left.erase(left.begin(), at + 1);
        }
        return out;
    }

    // The import that had begun and not ended at the last answer.
    struct Begun {
        std::string module, package;
    };
    Begun read_answers(const PythonAnswer& answer, Imports& out, std::map<std::string, std::string>& raised) const {
        Begun open;
        for (const json& line : answer.lines) {
            auto value = [&](const char* key) { return format::text_field(line, key); };
            if (auto name = value("begin"); !name.empty()) open = {name, value("package")};
            if (auto name = value("left_out"); !name.empty()) out.left_out.insert(name);
            if (auto name = value("done"); !name.empty()) {
                out.done.push_back(name);
                if (auto file = value("file"); !file.empty() && !file.starts_with(options_.prefix + "/"))
                    out.outside.push_back(file);
                open = {};
            }
            if (auto name = value("failed"); !name.empty()) {
                out.failed[name] = value("error");
                raised[name] = value("package");
                open = {};
            }
        }
        return open;
    }

    void check_packages() {
        auto packages = packages_to_import();
        if (packages.empty()) return;
        Imports in_clean = import_all(packages, python_.clean());
        for (const auto& [module, reason] : in_clean.failed) add(failed_import(module, "clean", reason));
        if (!in_clean.done.empty()) add(imported(in_clean, packages.size()));
        if (!user_starts_) return;
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

    ImportCheck imported(const Imports& imports, std::size_t packages) const {
        ImportCheck all;
        all.name = "imports";
        all.environment = "clean";
        all.ok = true;
        all.sentence = fmt::format("import {}", listed(imports.done));
        if (options_.all_packages)
            all.sentence = fmt::format("{} modules of {} packages imported, {} failed: {}", imports.done.size(),
                                       packages, imports.failed.size(), listed(imports.done));
        if (!imports.left_out.empty())
            all.sentence += "; not imported: " + listed({imports.left_out.begin(), imports.left_out.end()});
        all.seconds = imports.seconds;
        return all;
    }

    ImportCheck failed_import(const std::string& module, const char* environment, const std::string& reason) const {
        ImportCheck c;
        c.name = module == python_itself ? "python" : module;
        c.environment = environment;
        c.gpu_related = is_gpu_message(reason);
        const char* where = std::string_view(environment) == "user" ? " in your shell" : "";
        c.sentence = module == python_itself ? fmt::format("{}{}", reason, where)
                                             : fmt::format("import {} failed{}: {}", module, where, reason);
        if (std::string_view(environment) == "clean")
            c.advice = "the report's lines about the machine may name a missing library; else the package needs "
                       "something that its metadata does not name";
        return c;
    }

    ImportCheck shadowed(const std::string& name, const std::string& file) const {
        ImportCheck c;
        c.name = name;
        c.environment = "user";
        c.ok = true;
        c.sentence = fmt::format("in your shell Python imports '{}' instead of the installed {}", file, name);
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
    bool user_starts_ = true; // Python starts with the variables of the user's shell
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
