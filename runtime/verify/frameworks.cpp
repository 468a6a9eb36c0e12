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

class Judge {
  public:
    Judge(const Framework& framework, bool expect_gpu) : framework_(framework), expect_gpu_(expect_gpu) {}

    FrameworkResult operator()(const PythonAnswer& answer) const {
        FrameworkResult out;
        out.file = answer.text("file");
        ImportCheck& c = out.check;
        c.name = framework_.name;
        c.seconds = answer.seconds;
        c.peak_memory = answer.peak_memory;
        c.steps = steps_of(answer);
        c.device = answer.text("device");
        judge(answer, c);
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

FrameworkResult judge_framework(const Framework& framework, const PythonAnswer& answer, bool expect_gpu) {
    return Judge(framework, expect_gpu)(answer);
}

std::string framework_script(const Framework& framework) {
    return std::string(scripts::prelude()) + std::string(framework.script);
}

} // namespace tinderbox::verify
