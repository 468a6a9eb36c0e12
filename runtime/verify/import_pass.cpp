#include "runtime/verify/import_pass.hpp"

#include "common/base/parallel.hpp"
#include "common/format/json_read.hpp"
#include "runtime/verify/check_scripts.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace tinderbox::verify {
namespace {

using nlohmann::json;

// When more modules fail, the cause is not the company of the others.
constexpr std::size_t most_to_repeat = 8;

std::string_view package_of_word(std::string_view word) { return word.substr(0, word.find('=')); }

// One process after another imports the packages of a group.
class GroupRun {
  public:
    GroupRun(const EnvironmentPython& python, const PassOptions& options, const Variables& environment)
        : python_(python), options_(options), environment_(environment) {}

    // Modules in the company of others are quick to import but unlike real use: setuptools refuses its import after
    // another package has imported distutils. So what fails among others is tried once more alone.
    PassResult run(const ImportGroup& group) {
        import_together(group);
        repeat_modules();
        for (const Framework* framework : group.frameworks) {
            const auto found = out_.frameworks.find(framework->name);
            const bool good = found != out_.frameworks.end() && found->second.check.ok &&
                              (found->second.file.empty() || python_.owns(found->second.file));
            if (!good) out_.frameworks.insert_or_assign(framework->name, framework_alone(*framework));
        }
        return std::move(out_);
    }

    FrameworkResult framework_alone(const Framework& framework) {
        begun(std::string(framework.name));
        const std::string script = std::string(scripts::watch()) + framework_script(framework);
        const PythonAnswer a = python_.run(script, {}, environment_);
        out_.used.add(a);
        add_cost(a);
        return judge_framework(framework, a, options_.expect_gpu);
    }

  private:
    // The import that had begun and not ended at the last answer.
    struct Begun {
        std::string module, package;
    };

    void begun(const std::string& name) const {
        if (options_.on_begin) options_.on_begin(name);
    }

    void add_cost(const PythonAnswer& a) {
        out_.seconds += a.seconds;
        out_.peak_memory = std::max(out_.peak_memory, a.peak_memory);
    }

    PythonAnswer ask(const std::vector<std::string>& packages, const std::vector<const Framework*>& frameworks) {
        json checks = json::object();
        for (const Framework* f : frameworks) checks[std::string(f->name)] = framework_script(*f);
        // JSON without other characters than ASCII is an expression of Python.
        const std::string script = fmt::format("{}frameworks = {}\n{}{}", scripts::watch(),
                                               checks.dump(-1, ' ', true, json::error_handler_t::replace),
                                               scripts::metadata(), scripts::imports());
        std::string last;
        PythonAnswer a = python_.run(script, packages, environment_, [&](const json& answer) {
            std::string name = format::text_field(answer, "framework");
            if (name.empty() && answer.contains("begin")) name = format::text_field(answer, "package");
            if (!name.empty() && std::exchange(last, name) != name) begun(name);
        });
        out_.used.add(a);
        add_cost(a);
        return a;
    }

    void import_together(const ImportGroup& group) {
        std::vector<std::string> left = group.packages;
        // When a module ends the interpreter, the next round continues after its package.
        while (!left.empty()) {
            const PythonAnswer a = ask(left, group.frameworks);
            const Begun open = read_answers(a);
            if (!open.module.empty()) {
                out_.failed[open.module] = {a.failure.empty() ? "no answer" : a.with_last_words(), open.package};
            } else if (!a.failure.empty() && !in_framework(a)) {
                out_.failed[PassResult::python_itself] = {fmt::format("Python ended badly {} the imports: {}",
                                                                      a.complete ? "after" : "during",
                                                                      a.with_last_words()),
                                                          ""};
            }
            if (open.module.empty() || a.complete) return take_frameworks(a, group);
            const auto at = std::ranges::find(left, open.package, package_of_word);
            if (at == left.end()) return;
            left.erase(left.begin(), at + 1);
        }
    }

    static bool in_framework(const PythonAnswer& a) {
        return !a.complete && std::ranges::any_of(a.lines, [](const json& line) { return line.contains("framework"); });
    }

    void take_frameworks(const PythonAnswer& a, const ImportGroup& group) {
        for (const Framework* framework : group.frameworks)
            out_.frameworks.insert_or_assign(
                framework->name, judge_framework(*framework, a.of_framework(framework->name), options_.expect_gpu));
    }

    // Up to the first check of a framework.
    Begun read_answers(const PythonAnswer& answer) {
        Begun open;
        for (const json& line : answer.lines) {
            if (line.contains("framework")) break;
            auto value = [&](const char* key) { return format::text_field(line, key); };
            if (auto name = value("begin"); !name.empty()) open = {name, value("package")};
            if (auto name = value("left_out"); !name.empty()) out_.left_out.insert(name);
            if (auto name = value("done"); !name.empty()) {
                out_.done.push_back(name);
                if (auto file = value("file"); !file.empty() && !python_.owns(file))
                    out_.outside.emplace(value("package"), file);
                open = {};
            }
            if (auto name = value("failed"); !name.empty()) {
                out_.failed[name] = {value("error"), value("package")};
                raised_.insert(name);
                open = {};
            }
        }
        return open;
    }

    void repeat_modules() {
        if (out_.done.empty() || raised_.size() > most_to_repeat) return; // nothing was imported before it, or …
        for (const std::string& module : std::exchange(raised_, {})) {
            const std::string package = out_.failed[module].package;
            GroupRun alone(python_, options_, environment_);
            const PassResult again = alone.run_alone(fmt::format("{}={}", package, module));
            out_.seconds += again.seconds;
            if (!again.failed.empty() || again.done.empty()) continue;
            out_.failed.erase(module);
            out_.done.push_back(module);
            out_.outside.insert(again.outside.begin(), again.outside.end());
        }
    }

    PassResult run_alone(const std::string& word) {
        import_together({{word}, {}});
        return std::move(out_);
    }

    const EnvironmentPython& python_;
    const PassOptions& options_;
    const Variables& environment_;
    PassResult out_;
    std::set<std::string> raised_; // modules whose import ended with an exception
};

void merge(PassResult some, PassResult& into) {
    into.done.insert(into.done.end(), some.done.begin(), some.done.end());
    into.outside.merge(some.outside);
    into.left_out.merge(some.left_out);
    into.failed.merge(some.failed);
    into.frameworks.merge(some.frameworks);
    into.used.variables.merge(some.used.variables);
    into.used.modules.merge(some.used.modules);
    into.used.startup.merge(some.used.startup);
    into.seconds = std::max(into.seconds, some.seconds);
    into.peak_memory = std::max(into.peak_memory, some.peak_memory);
}

} // namespace

void Used::add(const PythonAnswer& answer) {
    for (std::string& name : answer.texts("read")) variables.insert(std::move(name));
    for (std::string& name : answer.texts("modules")) modules.insert(std::move(name));
    for (std::string& name : answer.texts("startup")) startup.insert(std::move(name));
}

PassResult ImportPass::run(const Variables& environment) const {
    PassResult out;
    std::mutex mutex, gpu;
    (void)parallel_for(plan_.groups.size(), options_.jobs, [&](std::size_t i) -> Status {
        std::unique_lock one_at_a_time(gpu, std::defer_lock); // each framework may take most of the GPU's memory
        if (options_.expect_gpu && !plan_.groups[i].frameworks.empty()) one_at_a_time.lock();
        PassResult some = GroupRun(python_, options_, environment).run(plan_.groups[i]);
        std::lock_guard lock(mutex);
        merge(std::move(some), out);
        return {};
    });
    std::ranges::sort(out.done);
    const auto repeated = std::ranges::unique(out.done); // a namespace that several packages share
    out.done.erase(repeated.begin(), repeated.end());
    return out;
}

PassResult ImportPass::run_package(const std::string& package, const Variables& environment) const {
    for (const ImportGroup& group : plan_.groups)
        for (const std::string& word : group.packages)
            if (package_of_word(word) == package) return GroupRun(python_, options_, environment).run({{word}, {}});
    return {};
}

FrameworkResult ImportPass::run_framework(const Framework& framework, const Variables& environment) const {
    return GroupRun(python_, options_, environment).framework_alone(framework);
}

} // namespace tinderbox::verify
