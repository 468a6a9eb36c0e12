#include "runtime/verify/imports.hpp"

#include "common/base/text.hpp"
#include "common/machine/host.hpp"
#include "runtime/verify/check_scripts.hpp"
#include "runtime/verify/shell_compare.hpp"

#include <algorithm>
#include <atomic>

namespace tinderbox::verify {
namespace {

constexpr std::size_t shown_names = 8; // in one sentence
constexpr std::size_t shown_reasons = 4;
constexpr std::uint64_t memory_of_process = 1536ull << 20; // torch with what builds on it takes half of that

unsigned processes_for(unsigned jobs) {
    const std::uint64_t free = machine::available_memory(machine::SystemRoot::from_environment());
    if (free == 0) return jobs;
    return static_cast<unsigned>(std::clamp<std::uint64_t>(free / memory_of_process, 1, std::max(jobs, 1u)));
}

class Checker {
  public:
    Checker(const format::Manifest& manifest, const ImportOptions& options)
        : manifest_(manifest), options_(options),
          python_(manifest, options.prefix, options.user, options.timeout_seconds) {}

    ImportChecks run() {
        if (!manifest_.python || !check_python()) return std::move(out_);
        jobs_ = processes_for(options_.jobs);
        plan_ = plan_imports(python_, manifest_, options_.all_packages, jobs_);
        total_ = plan_.packages + plan_.frameworks;
        PassOptions pass_options{options_.expect_gpu, jobs_, [this](const std::string& name) { begun(name); }};
        const ImportPass pass(python_, plan_, pass_options);
        const PassResult clean = pass.run(python_.clean());
        tell_clean(clean);
        const ShellCompare shell = compare_shell(python_, manifest_, clean.used);
        python_.suspect(shell.variables);
        out_.shell_reasons = shell.reasons;
        if (!shell.starts) {
            add(not_started_in_shell(shell.answer));
            return std::move(out_);
        }
        tell_shell(shell);
        if (!shell.reasons.empty() && !plan_.empty()) {
            total_ += plan_.packages + plan_.frameworks;
            const PassResult user = pass.run(python_.user());
            pass_options.on_begin = {}; // the search for a culprit tries things again and again
            tell_user(pass, clean, user);
        }
        return std::move(out_);
    }

  private:
    ImportCheck& add(ImportCheck check) {
        out_.peak_memory = std::max(out_.peak_memory, check.peak_memory);
        out_.checks.push_back(std::move(check));
        return out_.checks.back();
    }

    void begun(const std::string& name) {
        if (options_.progress) options_.progress(std::min(++begun_, total_.load()), total_, name);
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
                                     a.with_last_words());
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
    ImportCheck not_started_in_shell(const PythonAnswer& answer) const {
        ImportCheck c;
        c.name = "python";
        c.environment = "user";
        c.seconds = answer.seconds;
        c.sentence = "Python did not start in your shell's environment: ";
        const auto works = [&](const Variables& e) {
            PythonAnswer ignored;
            return starts(e, ignored);
        };
        if (const std::string name = python_.culprit_variable(works); !name.empty()) {
            c.sentence += fmt::format("{} is set to '{}'; unset it", name, options_.user.at(name));
            c.advice = "unset " + name;
        } else {
            c.sentence += answer.with_last_words();
            c.advice = python_.culprit(works);
        }
        return c;
    }

    void tell_clean(const PassResult& clean) {
        for (const auto& [module, failed] : clean.failed) add(failed_import(module, "clean", failed.reason));
        if (!clean.done.empty()) add(imported(clean));
        for (const auto& [name, result] : clean.frameworks) {
            ImportCheck check = result.check;
            check.environment = "clean";
            if (!check.ok)
                check.advice = check.gpu_related ? "the report's lines about GPU and driver say what is wrong"
                                                 : "the report's lines about the machine may name a missing library";
            add(std::move(check));
        }
    }

    // Which of the two it was: asked again, or nothing of the shell is used.
    void tell_shell(const ShellCompare& shell) {
        ImportCheck c;
        c.name = "shell";
        c.environment = "user";
        c.ok = true;
        c.seconds = shell.answer.seconds;
        c.sentence = shell.reasons.empty() ? "your shell's variables change nothing that was imported"
                                           : fmt::format("tested with your shell's variables as well, because {}",
                                                         some_of(shell.reasons, shown_reasons));
        add(std::move(c));
    }

    // What the clean pass has shown already is not said again.
    void tell_user(const ImportPass& pass, const PassResult& clean, const PassResult& user) {
        for (const auto& [module, failed] : user.failed) {
            if (clean.failed.contains(module)) continue;
            ImportCheck c = failed_import(module, "user", failed.reason);
            c.advice = python_.culprit([&, module = module, package = failed.package](const Variables& e) {
                return !(package.empty() ? pass.run(e) : pass.run_package(package, e)).failed.contains(module);
            });
            add(std::move(c));
        }
        if (!user.outside.empty()) add(shadowed(pass, user.outside.begin()->first, user.outside.begin()->second));
        for (const auto& [name, result] : user.frameworks) tell_framework(pass, clean.frameworks.at(name), result);
    }

    // A shell that hides the GPU makes no step fail; the check then fails because the framework finds no GPU.
    void tell_framework(const ImportPass& pass, const FrameworkResult& clean, const FrameworkResult& user) {
        if (!clean.check.ok) return; // the second run looks for a harmful variable; it tells nothing then
        auto elsewhere = [&](const FrameworkResult& r) { return !r.file.empty() && !python_.owns(r.file); };
        if (user.check.ok && !elsewhere(user)) return;
        ImportCheck c = user.check;
        c.environment = "user";
        c.sentence = user.check.ok ? fmt::format("in your shell Python imports '{}' instead of the installed {}",
                                                 user.file, c.name)
                                   : fmt::format("in your shell: {}{}", user.check.sentence,
                                                 elsewhere(user) ? fmt::format(" (from '{}')", user.file) : "");
        const auto framework = std::ranges::find(known_frameworks(), c.name, &Framework::name);
        c.advice = python_.culprit([&](const Variables& e) {
            const FrameworkResult again = pass.run_framework(*framework, e);
            return again.check.ok && !elsewhere(again);
        });
        add(std::move(c));
    }

    ImportCheck imported(const PassResult& pass) const {
        ImportCheck all;
        all.name = "imports";
        all.environment = "clean";
        all.ok = true;
        all.sentence = fmt::format("import {}", some_of(pass.done, shown_names));
        if (options_.all_packages)
            all.sentence = fmt::format("{} modules of {} packages imported, {} failed: {}", pass.done.size(),
                                       plan_.packages, pass.failed.size(), some_of(pass.done, shown_names));
        if (!pass.left_out.empty())
            all.sentence += "; not imported: " + some_of({pass.left_out.begin(), pass.left_out.end()}, shown_names);
        all.seconds = pass.seconds;
        all.peak_memory = pass.peak_memory;
        return all;
    }

    static ImportCheck failed_import(const std::string& module, const char* environment, const std::string& reason) {
        const bool python = module == PassResult::python_itself;
        ImportCheck c;
        c.name = python ? "python" : module;
        c.environment = environment;
        c.gpu_related = is_gpu_message(reason);
        const char* where = std::string_view(environment) == "user" ? " in your shell" : "";
        c.sentence =
            python ? fmt::format("{}{}", reason, where) : fmt::format("import {} failed{}: {}", module, where, reason);
        if (std::string_view(environment) == "clean")
            c.advice = "the report's lines about the machine may name a missing library; else the package needs "
                       "something that its metadata does not name";
        return c;
    }

    ImportCheck shadowed(const ImportPass& pass, const std::string& package, const std::string& file) const {
        ImportCheck c;
        c.name = "imports";
        c.environment = "user";
        c.ok = true;
        c.sentence = fmt::format("in your shell Python imports '{}' instead of the installed {}", file, package);
        c.advice = python_.culprit([&](const Variables& e) {
            const PassResult again = pass.run_package(package, e);
            return again.outside.empty() && again.failed.empty();
        });
        return c;
    }

    const format::Manifest& manifest_;
    const ImportOptions& options_;
    EnvironmentPython python_;
    ImportPlan plan_;
    unsigned jobs_ = 1;
    std::atomic<std::size_t> begun_ = 0, total_ = 0; // imports and checks, for the progress
    ImportChecks out_;
};

} // namespace

ImportChecks check_imports(const format::Manifest& manifest, const ImportOptions& options) {
    return Checker(manifest, options).run();
}

} // namespace tinderbox::verify
