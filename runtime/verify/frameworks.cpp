#include "runtime/verify/frameworks.hpp"

#include "common/base/text.hpp"
#include "common/format/json_read.hpp"
#include "runtime/verify/check_scripts.hpp"

#include <algorithm>

namespace tinderbox::verify {
namespace {

using nlohmann::json;

std::vector<CheckStep> steps_of(const PythonAnswer& answer) {
    std::vector<CheckStep> out;
    for (const json& line : answer.lines) {
        if (!line.contains("step")) continue;
        CheckStep s;
        s.name = format::text_field(line, "step");
        s.ok = line.value("ok", json()) == json(true);
        s.gpu = line.value("gpu", json()) == json(true);
        s.words = format::text_field(line, "words");
        if (auto seconds = line.find("seconds"); seconds != line.end() && seconds->is_number())
            s.seconds = seconds->get<double>();
        out.push_back(std::move(s));
    }
    return out;
}

// The result of one run of a framework's check.
struct Attempt {
    ImportCheck check;
    std::string file; // where the framework was imported from
};

class Trial {
  public:
    Trial(const EnvironmentPython& python, const Framework& framework, bool expect_gpu)
        : python_(python), framework_(framework), expect_gpu_(expect_gpu) {}

    Attempt run(const Variables& environment) const {
        std::vector<std::string> arguments;
        if (expect_gpu_) arguments.emplace_back("--expect-gpu");
        PythonAnswer a =
            python_.run(std::string(scripts::prelude()) + std::string(framework_.script), arguments, environment);
        Attempt out;
        out.file = a.text("file");
        ImportCheck& c = out.check;
        c.name = framework_.name;
        c.seconds = a.seconds;
        c.steps = steps_of(a);
        c.device = a.text("device");
        judge(a, c);
        return out;
    }

  private:
    // "torch 2.9.1"; only "torch" before the version is known.
    std::string called(const PythonAnswer& a) const {
        const std::string version = a.text("version");
        return std::string(framework_.name) + (version.empty() ? "" : " " + version);
    }

    void judge(const PythonAnswer& a, ImportCheck& c) const {
        const auto failed = std::ranges::find_if(c.steps, [](const CheckStep& s) { return !s.ok; });
        if (failed != c.steps.end()) return judge_failure(a, *failed, c);
        if (!a.failure.empty()) {
            c.gpu_related = begun_on_gpu(a);
            c.sentence = fmt::format("{}: {} during {}{}", called(a), a.failure, a.last_begin(),
                                     a.stderr_tail.empty() ? "" : " (" + a.stderr_tail + ")");
            return;
        }
        const bool has_cuda = !a.text("built_for").empty();
        const bool available = a.flag("available").value_or(false);
        c.ok = available || !has_cuda || !expect_gpu_;
        c.gpu_related = !available && has_cuda;
        c.sentence = fmt::format("{}: {}", called(a), done(c, has_cuda ? a.text("said") : ""));
        if (available && !c.device.empty()) c.sentence += " on " + c.device;
        if (available || has_cuda) return;
        const std::string without = a.text("without");
        c.sentence +=
            "; " + (without.empty() ? fmt::format("this {} is built without CUDA", framework_.name) : without);
    }

    void judge_failure(const PythonAnswer& a, const CheckStep& failed, ImportCheck& c) const {
        // An import, too, can fail because of the driver: a missing libcuda.so.1.
        c.gpu_related = failed.gpu || is_gpu_message(failed.words);
        c.ok = failed.gpu && !expect_gpu_;
        c.sentence = failed.name.starts_with("import ")
                         ? fmt::format("{} failed: {}", failed.name, failed.words)
                         : fmt::format("{}: {} failed: {}", called(a), failed.name, failed.words);
    }

    static bool begun_on_gpu(const PythonAnswer& a) {
        for (auto it = a.lines.rbegin(); it != a.lines.rend(); ++it)
            if (it->contains("begin")) return it->value("gpu", json()) == json(true);
        return false;
    }

    // Lists the steps without the import: "torch.rand(5, 3), a sum on the GPU, a convolution (cuDNN 91002)". `said`:
    // the framework's message about a GPU that it does not find.
    static std::string done(const ImportCheck& c, const std::string& said) {
        std::string out;
        for (const CheckStep& s : c.steps) {
            if (s.name.starts_with("import ")) continue;
            out += (out.empty() ? "" : ", ") + s.name;
            if (s.words == "False" || s.words == "True")
                out += " is " + s.words + (s.words == "True" || said.empty() ? "" : " (" + said + ")");
            else if (!s.words.empty() && s.words != s.name) out += " (" + s.words + ")";
        }
        return out.empty() ? "imported" : out;
    }

    const EnvironmentPython& python_;
    const Framework& framework_;
    bool expect_gpu_;
};

} // namespace

const std::vector<Framework>& known_frameworks() {
    static const std::vector<Framework> all = {
        {"torch", {"torch", "pytorch"}, scripts::torch()},
        {"jax", {"jax"}, scripts::jax()},
        {"cupy", {"cupy", "cupy-cuda11x", "cupy-cuda12x", "cupy-cuda13x"}, scripts::cupy()},
        {"tensorflow", {"tensorflow", "tensorflow-cpu", "tensorflow-gpu"}, scripts::tensorflow()},
        {"numba", {"numba", "numba-cuda"}, scripts::numba()},
    };
    return all;
}

std::vector<const Framework*> frameworks_of(const EnvironmentPython& python, const format::Manifest& manifest) {
    std::vector<std::string> names;
    for (const Framework& f : known_frameworks()) names.emplace_back(f.name);
    PythonAnswer a = python.run(std::string(scripts::prelude()) + std::string(scripts::find()), names, python.clean());
    std::vector<const Framework*> out;
    for (const Framework& f : known_frameworks()) {
        const bool promised =
            std::ranges::find(manifest.requires_.frameworks, f.name) != manifest.requires_.frameworks.end();
        const bool found = std::ranges::any_of(a.lines, [&](const json& l) {
            return format::text_field(l, "found") == f.name && python.owns(format::text_field(l, "file"));
        });
        if (promised || found) out.push_back(&f);
    }
    return out;
}

std::vector<ImportCheck> check_framework(const EnvironmentPython& python, const Framework& framework, bool expect_gpu) {
    const Trial trial(python, framework, expect_gpu);
    std::vector<ImportCheck> out;
    Attempt in_clean = trial.run(python.clean());
    in_clean.check.environment = "clean";
    if (!in_clean.check.ok)
        in_clean.check.advice = in_clean.check.gpu_related
                                    ? "the report's lines about GPU and driver say what is wrong"
                                    : "the report's lines about the machine may name a missing library";
    const bool good = in_clean.check.ok;
    out.push_back(std::move(in_clean.check));
    if (!good) return out; // the second run looks for a harmful variable; it tells nothing when the clean run fails
    Attempt in_user = trial.run(python.user());
    auto elsewhere = [&](const Attempt& t) { return !t.file.empty() && !python.owns(t.file); };
    // A shell that hides the GPU makes no step fail; the check then fails because the framework finds no GPU.
    if (in_user.check.ok && !elsewhere(in_user)) return out;
    ImportCheck c = in_user.check;
    c.environment = "user";
    c.sentence = in_user.check.ok ? fmt::format("in your shell Python imports '{}' instead of the installed {}",
                                                in_user.file, framework.name)
                                  : fmt::format("in your shell: {}{}", in_user.check.sentence,
                                                elsewhere(in_user) ? fmt::format(" (from '{}')", in_user.file) : "");
    c.advice = python.culprit([&](const Variables& e) {
        Attempt t = trial.run(e);
        return t.check.ok && !elsewhere(t);
    });
    out.push_back(std::move(c));
    return out;
}

} // namespace tinderbox::verify
