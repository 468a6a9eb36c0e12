#include "runtime/verify/summary.hpp"

#include "common/base/file.hpp"
#include "common/base/shell_quote.hpp"
#include "common/base/text.hpp"
#include "common/machine/cuda_error_advice.hpp"
#include "common/machine/probe.hpp"
#include "common/machine/probe_events.hpp"
#include "fake_environment.hpp"
#include "source_dir.hpp"
#include "tests/unit/check_schema.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <sys/mount.h>

#include <algorithm>
#include <cstdlib>

using namespace tinderbox;
using namespace tinderbox::verify;
using nlohmann::json;

namespace {

format::Requirements cuda12() {
    format::Requirements r;
    r.cuda_major = 12;
    r.driver_floor = "525.60.13";
    return r;
}

constexpr const char* good_lines =
    R"({"event":"start","probe":1,"cudart":12090,"cubins":5,"ptxas":13000,"seconds":120}
{"event":"libcuda","stage":1,"path":"/usr/lib/x86_64-linux-gnu/libcuda.so.1","resolved":"/usr/lib/x86_64-linux-gnu/libcuda.so.550.54.14","kind":"driver","file_version":"550.54.14"}
{"event":"driver","stage":1,"api_version":12040}
{"event":"device","stage":1,"device":0,"name":"Fake GPU 3000","pci":"0000:01:00.0","compute_capability":"8.6","memory_bytes":25769803776}
{"event":"image","stage":1,"device":0,"image":"sm_86","ok":true,"ms":1.5}
{"event":"kernel","stage":1,"device":0,"kernel":"fma","image":"sm_86","ok":true,"ms":0.2,"outputs":1048576,"wrong":0}
{"event":"memory_test","stage":1,"device":0,"ok":true,"percent":10,"bytes":2147483648,"patterns":2,"ms":7.5,"wrong":0}
{"event":"bandwidth","stage":1,"device":0,"direction":"host_to_device","bytes":1,"rounds":1,"ms":1.0,"gb_per_s":12.5,"pinned":true}
{"event":"device_done","stage":1,"device":0,"ok":true,"image":"sm_86"}
{"event":"runtime","stage":2,"runtime_version":12090,"driver_version":12040}
{"event":"device_done","stage":2,"device":0,"ok":true,"image":"ptx"}
{"event":"end","ok":true,"stage1":"passed","stage2":"passed","devices":1,"devices_ok":1}
)";

ProcessResult ended(int code) {
    ProcessResult p;
    p.exit_code = code;
    return p;
}

// Runs a script in place of the probe.
machine::ProbeResult run_script(const std::string& body, int seconds = 20) {
    std::string script = "#!/bin/sh\n" + body;
    machine::ProbeRun run;
    run.seconds = seconds;
    return machine::run_probe(as_bytes(script), cuda12(), run);
}

std::string quoted_lines(std::string_view lines) { return "cat <<'LINES'\n" + std::string(lines) + "LINES\n"; }

// Enough of torch for checks/torch.py: tensors with equal elements. FAKE selects the failure.
constexpr const char* fake_torch = R"py(
import math, types
__version__ = "9.9"
FAKE = ""
DEVICES = 1
float32, bfloat16 = "float32", "bfloat16"
def _wrong(what):
    return 0.5 if FAKE == what else 0
class _Tensor:
    def __init__(self, shape, value): self.shape, self.value = tuple(shape), value
    def sum(self): return _Tensor((), self.value * math.prod(self.shape))
    def item(self): return float(self.value)
    def float(self): return self
def rand(*shape): return _Tensor(shape, 0.5)
def ones(*shape, device=None, dtype=None): return full(shape, 1.0 + _wrong("sum"))
def full(shape, value, device=None): return _Tensor(shape, value)
def matmul(a, b):
    if FAKE == "matmul": raise RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED")
    return _Tensor((a.shape[0], b.shape[1]), a.value * b.value * a.shape[1])
def _conv2d(x, w):
    if FAKE == "conv": raise RuntimeError("cuDNN error: CUDNN_STATUS_NOT_INITIALIZED")
    return _Tensor((1, 4, 6, 6), 27.0)
def _all_reduce(parts):
    total = sum(p.value for p in parts)
    for i, p in enumerate(parts): p.value = total + (1 if FAKE == "nccl" and i == 1 else 0)
nn = types.SimpleNamespace(functional=types.SimpleNamespace(conv2d=_conv2d))
backends = types.SimpleNamespace(cudnn=types.SimpleNamespace(is_available=lambda: True, version=lambda: 91002))
class version: cuda = "12.8"
class cuda:
    nccl = types.SimpleNamespace(version=lambda: (2, 27, 5), all_reduce=_all_reduce)
    @staticmethod
    def is_available():
        import os
        return os.environ.get("CUDA_VISIBLE_DEVICES") != "" and AVAILABLE
    @staticmethod
    def is_bf16_supported(): return FAKE != "old"
    @staticmethod
    def device_count(): return DEVICES
    @staticmethod
    def get_device_name(i): return "Fake GPU"
)py";

} // namespace

TEST_CASE("the probe's lines are understood") {
    auto r = machine::parse_probe(good_lines, ended(0), cuda12());
    CHECK(r.ran);
    CHECK(r.ok);
    CHECK(r.api_version == 12040);
    CHECK(r.runtime_version == 12090);
    CHECK(r.libcuda == "/usr/lib/x86_64-linux-gnu/libcuda.so.550.54.14");
    REQUIRE(r.devices.size() == 1);
    CHECK(r.devices[0].ok);
    CHECK(r.devices[0].name == "Fake GPU 3000");
    CHECK(r.devices[0].image == "sm_86");
    CHECK(r.devices[0].bandwidth.at("host_to_device") == 12.5);
    CHECK(r.problems.empty());
    CHECK(machine::to_json(r)["devices"][0]["memory_bytes"] == 25769803776);
    CHECK(machine::to_json(r)["devices"][0]["memory_test"]["bytes"] == 2147483648);
    CHECK(machine::to_json(r)["devices"][0]["kernels"][0]["kernel"] == "fma");
}

TEST_CASE("every truncation and every damaged line is an answer") {
    std::string lines = good_lines;
    for (std::size_t n = 0; n + 1 < lines.size(); n += 3) {
        auto r = machine::parse_probe(std::string_view(lines).substr(0, n), ended(1), cuda12());
        CHECK(!r.ok);
        CHECK(!r.problems.empty());
    }
    for (std::string_view odd :
         {"[]\n", "3\n", "{\"event\":3}\n", "{\"event\":\"device\",\"device\":\"x\",\"name\":7}\n", "not json\n",
          "{\"event\":\"error\"}\n", "{\"event\":\"bandwidth\",\"device\":99,\"gb_per_s\":null}\n", "\xff\xfe\n",
          "{\"event\":\"device\",\"memory_bytes\":-5}\n"})
        CHECK(machine::parse_probe(std::string(odd) + good_lines, ended(0), cuda12()).ok);
}

TEST_CASE("errors become advice") {
    auto with = [](std::string_view event) {
        return machine::parse_probe(
            std::string(event) +
                "\n{\"event\":\"end\",\"ok\":false,\"stage1\":\"failed\",\"stage2\":\"not_available\"}\n",
            ended(1), cuda12());
    };
    auto none = with(
        R"({"event":"error","stage":1,"call":"dlopen","name":"LIBRARY_NOT_FOUND","message":"libcuda.so.1: cannot open shared object file"})");
    CHECK(none.problems[0].advice ==
          "install NVIDIA's proprietary or open driver 525.60.13 or newer; nouveau has no CUDA");
    CHECK(
        none.stage2_words ==
        "stage 2 is not available for CUDA 12, whose runtime is not carried here; stage 1, the driver API, was tested");
    auto hidden = with(
        R"({"event":"error","stage":1,"call":"cuInit","code":100,"name":"CUDA_ERROR_NO_DEVICE","message":"no CUDA-capable device is detected"})");
    CHECK(hidden.problems[0].sentence == "cuInit failed: no CUDA-capable device is detected (error 100)");
    CHECK(hidden.problems[0].advice.find("CUDA_VISIBLE_DEVICES") != std::string::npos);
    auto old = with(
        "{\"event\":\"driver\",\"stage\":1,\"api_version\":11040}\n"
        R"({"event":"error","stage":2,"call":"cudaGetDeviceCount","code":35,"name":"cudaErrorInsufficientDriver","message":"CUDA driver version is insufficient for CUDA runtime version"})");
    CHECK(old.problems[0].advice == "upgrade NVIDIA's driver to 525.60.13 or newer");
    auto crash = with(R"({"event":"crash","stage":1,"during":"cuInit","signal":7,"name":"SIGBUS"})");
    CHECK(crash.problems[0].sentence == "NVIDIA's driver library crashed in cuInit (SIGBUS)");
    auto hang = with(R"({"event":"timeout","stage":1,"during":"cuInit","seconds":120,"killed":false})");
    CHECK(hang.problems[0].sentence == "NVIDIA's driver did not answer in cuInit within 120 s");
    auto wrong = with(
        R"({"event":"kernel","stage":1,"device":0,"kernel":"fma","ok":false,"outputs":100,"wrong":3,"expected":"0x1","got":"0x2"})");
    CHECK(wrong.problems[0].sentence ==
          "GPU 0 computed 3 of 100 results of the kernel 'fma' wrong (first: 0x2 instead of 0x1)");
    auto memory = with(
        R"({"event":"memory_test","stage":1,"device":0,"ok":false,"percent":10,"bytes":4000,"patterns":2,"ms":1,"wrong":3,"first_wrong":5})");
    CHECK(memory.problems[0].sentence == "GPU 0: 3 of 2000 tested words of its memory do not hold what was written");
    auto peer = with(
        R"({"event":"peer","stage":1,"device":1,"from":0,"ok":false,"access":true,"bytes":16,"gb_per_s":1.5,"wrong":1})");
    CHECK(peer.problems[0].sentence == "data from GPU 0 arrives damaged at GPU 1");
    CHECK(peer.problems[0].advice.find("NCCL_P2P_DISABLE=1") != std::string::npos);
    CHECK(machine::to_json(peer)["peers"][0]["access"] == true);
    // The same problem in both stages is reported once.
    auto twice = with(R"({"event":"error","stage":1,"call":"cuInit","code":803,"name":"X","message":"m"})"
                      "\n"
                      R"({"event":"error","stage":2,"call":"cuInit","code":803,"name":"X","message":"m"})");
    CHECK(twice.problems.size() == 1);
    // Every row of the table of causes has advice.
    for (int code : {34, 35, 100, 209, 222, 304, 802, 803, 804, 999})
        CHECK(!machine::cuda_error_advice(code, cuda12()).empty());
    CHECK(machine::cuda_error_advice(12345, cuda12()).empty());
}

TEST_CASE("the child: good, failing, dying, hanging, silent") {
    CHECK(run_script(quoted_lines(good_lines)).ok);
    auto died = run_script(quoted_lines("{\"event\":\"start\"}\n") + "kill -BUS $$\n");
    CHECK(!died.ok);
    CHECK(died.problems[0].sentence == "the CUDA probe ended before its end: killed by SIGBUS");
    auto silent = run_script("exit 0\n");
    CHECK(!silent.ran);
    CHECK(silent.problems[0].sentence == "the CUDA probe ended before its end: exit status 0");
    auto noisy = run_script("head -c 300000 /dev/zero | tr '\\0' x\n" + quoted_lines("\n") + quoted_lines(good_lines));
    CHECK(noisy.ok);
    machine::ProbeRun run;
    run.seconds = -9; // ten seconds are added: one second remains
    auto hung = machine::run_probe(as_bytes(std::string_view("#!/bin/sh\nsleep 60\n")), cuda12(), run);
    CHECK(hung.problems[0].sentence == "the CUDA probe ended before its end: no answer in time");
}

TEST_CASE("the child gets a private directory that can execute, and leaves nothing") {
    auto base = TemporaryDirectory::make().value();
    machine::ProbeRun run;
    run.directories = {"/proc/nowhere", base.path().string()};
    std::string script = "#!/bin/sh\npwd >&2\nls -ld \"$(dirname \"$0\")\" | cut -c1-10 | sed "
                         "'s/.*/{\"event\":\"libcuda\",\"path\":\"&\"}/'\n";
    auto r = machine::run_probe(as_bytes(script), cuda12(), run);
    CHECK(r.libcuda == "drwx------");
    CHECK(fs::is_empty(base.path()));
    run.directories = {"/proc/nowhere"};
    auto none = machine::run_probe(as_bytes(script), cuda12(), run);
    REQUIRE(none.problems.size() == 1);
    CHECK(none.problems[0].sentence == "the CUDA probe could not be started: no directory was found in which "
                                       "a program can be written and started");
    // A program for another loader, and a file that is no program.
    run.directories = {base.path().string()};
    auto garbage = machine::run_probe(as_bytes(std::string_view("\x7f"
                                                                "ELF nonsense")),
                                      cuda12(), run);
    CHECK(!garbage.ok);
    CHECK(garbage.problems[0].name == "NOT_STARTED");

    SECTION("a noexec directory is passed over") {
        fs::create_directories(base.path() / "noexec");
        if (::mount("tmpfs", (base.path() / "noexec").c_str(), "tmpfs", MS_NOEXEC, nullptr) != 0)
            SKIP("mount is not allowed here");
        run.directories = {(base.path() / "noexec").string(), base.path().string()};
        CHECK(machine::run_probe(as_bytes(script), cuda12(), run).libcuda == "drwx------");
        ::umount((base.path() / "noexec").c_str());
    }
}

TEST_CASE("asking the driver's API version for cuda-compat") {
    auto ask = [](const std::string& body) {
        std::string script = "#!/bin/sh\n" + body;
        return machine::ask_driver_api(as_bytes(script), {{"LD_LIBRARY_PATH", "/compat"}});
    };
    CHECK(ask("[ \"$LD_LIBRARY_PATH\" = /compat ] && [ \"$1 $2\" = '--stage 1' ] && echo "
              "'{\"event\":\"driver\",\"api_version\":12020}'\n") == 12020);
    CHECK(!ask("exit 1\n"));
}

TEST_CASE("imports with the environment's own Python") {
    FakeEnvironment e;
    if (!e.usable()) SKIP("no python3 here");
    e.package("fine", "x = 1\n");
    SECTION("all is well") {
        auto checks = e.check();
        REQUIRE(find(checks, "python", "clean"));
        CHECK(find(checks, "python", "clean")->ok);
        CHECK(find(checks, "imports", "clean")->sentence == "import fine");
        for (const auto& c : checks) CHECK(c.ok);
    }
    SECTION("a module that only fails in the company of another") {
        e.package("first", "import sys\nsys.modules['taken'] = sys\n");
        e.package("second", "import sys\nassert 'taken' not in sys.modules, 'taken'\n");
        auto checks = e.check();
        CHECK(find(checks, "imports", "clean")->sentence == "import fine, first, second");
        for (const auto& c : checks) CHECK(c.ok);
    }
    SECTION("a module that raises, and one that kills the interpreter") {
        e.package("broken", "raise RuntimeError('no such thing')\n");
        e.package("deadly", "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n");
        e.package("zlast", "");
        auto checks = e.check();
        CHECK(find(checks, "broken", "clean")->sentence == "import broken failed: RuntimeError: no such thing");
        CHECK(find(checks, "deadly", "clean")->sentence == "import deadly failed: killed by SIGSEGV");
        CHECK(find(checks, "imports", "clean")->sentence == "import fine, zlast");
        CHECK(!find(checks, "broken", "user")); // reported once
    }
    SECTION("a library of the driver is a matter of the GPU") {
        e.package("gpuish", "raise ImportError('libcuda.so.1: cannot open shared object file')\n");
        CHECK(find(e.check(), "gpuish", "clean")->gpu_related);
    }
    SECTION("a user's PYTHONPATH that breaks it is named") {
        e.write("other/fine/__init__.py", "raise ImportError('the wrong one')\n");
        auto checks = e.check({{"PYTHONPATH", e.at("other").string()}});
        REQUIRE(find(checks, "fine", "user"));
        CHECK(!find(checks, "fine", "user")->ok);
        CHECK(find(checks, "fine", "user")->advice == "unset PYTHONPATH (it is '" + e.at("other").string() + "')");
        CHECK(find(checks, "imports", "clean")->ok);
    }
    SECTION("a user's PYTHONPATH that shadows it silently is a warning") {
        auto elsewhere = TemporaryDirectory::make().value();
        fs::create_directories(elsewhere.path() / "fine");
        REQUIRE(write_atomically(elsewhere.path() / "fine/__init__.py", "").ok());
        auto checks = e.check({{"PYTHONPATH", elsewhere.path().string()}});
        REQUIRE(find(checks, "imports", "user"));
        CHECK(find(checks, "imports", "user")->ok);
        CHECK(find(checks, "imports", "user")->advice.starts_with("unset PYTHONPATH"));
    }
    SECTION("a PYTHONHOME that keeps Python from starting is named, once, as the cause") {
        const std::map<std::string, std::string> user = {
            {"PYTHONHOME", "/nowhere"}, {"PYTHONPATH", "/fine"}, {"LD_LIBRARY_PATH", "/fine"}};
        auto checks = e.check(user);
        REQUIRE(find(checks, "python", "user"));
        CHECK(find(checks, "python", "user")->sentence ==
              "Python did not start in your shell's environment: PYTHONHOME is set to '/nowhere'; unset it");
        CHECK(find(checks, "python", "user")->advice == "unset PYTHONHOME");
        CHECK(std::ranges::count(checks, "user", &ImportCheck::environment) == 1);
    }
    SECTION("a variable that is not the cause is not named") {
        const std::string script = read_text(e.at("bin/python")).value();
        e.write("bin/python",
                replace_all(script, "#!/bin/sh\n", "#!/bin/sh\n[ -z \"$ODD\" ] || { echo 'no luck' >&2; exit 3; }\n"));
        fs::permissions(e.at("bin/python"), fs::perms::owner_all);
        auto checks = e.check({{"ODD", "1"}, {"PYTHONPATH", "/fine"}});
        REQUIRE(find(checks, "python", "user"));
        CHECK(find(checks, "python", "user")->sentence ==
              "Python did not start in your shell's environment: exit status 3 (no luck)");
    }
    SECTION("a Python that does not start") {
        e.write("bin/python", "#!/bin/sh\necho 'error while loading shared libraries: libx.so' >&2\nexit 127\n");
        fs::permissions(e.at("bin/python"), fs::perms::owner_all);
        auto checks = e.check();
        REQUIRE(checks.size() == 1);
        CHECK(!checks[0].ok);
        CHECK(checks[0].sentence.find(
                  "does not start: exit status 127 (error while loading shared libraries: libx.so)") !=
              std::string::npos);
    }
}

TEST_CASE("torch") {
    FakeEnvironment e;
    if (!e.usable()) SKIP("no python3 here");
    e.manifest.requires_.frameworks = {"torch"};
    auto torch = [&](const std::string& before, const std::string& code) {
        e.write("site/torch/__init__.py", before + "\n" + code);
    };
    SECTION("a GPU that works") {
        torch("AVAILABLE = True", fake_torch);
        auto checks = e.check({}, true);
        const ImportCheck* check = find(checks, "torch", "clean");
        REQUIRE(check);
        CHECK(
            check->sentence ==
            "torch 9.9: torch.rand(5, 3), torch.cuda.is_available() is True, a sum on the GPU, a convolution on the "
            "GPU "
            "(cuDNN 91002), a matrix product in float32, a matrix product in bfloat16, NCCL (NCCL 2.27.5) on Fake GPU");
        CHECK(check->device == "Fake GPU");
        CHECK(check->steps.size() == 8);
        CHECK(!find(checks, "torch", "user"));
        CHECK(to_json(*check)["steps"][1]["name"] == "torch.rand(5, 3)");
    }
    SECTION("several GPUs: NCCL adds over all of them") {
        torch("AVAILABLE = True", std::string(fake_torch) + "\nDEVICES = 8\n");
        CHECK(find(e.check({}, true), "torch", "clean")->steps.back().words == "NCCL 2.27.5, all_reduce over 8 GPUs");
    }
    SECTION("a GPU without bfloat16 is no failure") {
        torch("AVAILABLE = True", std::string(fake_torch) + "\nFAKE = 'old'\n");
        auto checks = e.check({}, true);
        CHECK(find(checks, "torch", "clean")->ok);
        CHECK(
            find(checks, "torch", "clean")->sentence.find("a matrix product in bfloat16 (this GPU has no bfloat16)") !=
            std::string::npos);
    }
    SECTION("what fails on the GPU is named") {
        const std::pair<const char*, const char*> rows[] = {
            {"sum", "torch 9.9: a sum on the GPU failed: RuntimeError: the sum of 1000 ones is 1500.0, not 1000.0"},
            {"conv",
             "torch 9.9: a convolution on the GPU failed: RuntimeError: cuDNN error: CUDNN_STATUS_NOT_INITIALIZED"},
            {"matmul",
             "torch 9.9: a matrix product in float32 failed: RuntimeError: CUDA error: CUBLAS_STATUS_NOT_INITIALIZED"},
            {"nccl", "torch 9.9: NCCL failed: RuntimeError: NCCL's all_reduce on GPU 1 is 4000.0, not 3000.0"},
        };
        for (const auto& [fake, sentence] : rows) {
            torch("AVAILABLE = True", fmt::format("{}\nFAKE, DEVICES = '{}', 2\n", fake_torch, fake));
            auto checks = e.check({}, true);
            const ImportCheck* check = find(checks, "torch", "clean");
            CHECK(!check->ok);
            CHECK(check->gpu_related);
            CHECK(check->sentence == sentence);
        }
    }
    SECTION("no GPU, and none expected") {
        torch("AVAILABLE = False", fake_torch);
        auto checks = e.check();
        CHECK(find(checks, "torch", "clean")->ok);
        CHECK(find(checks, "torch", "clean")->sentence ==
              "torch 9.9: torch.rand(5, 3), torch.cuda.is_available() is False, a convolution on the CPU");
        CHECK(find(checks, "torch", "clean")->device.empty());
    }
    SECTION("no GPU, but one is there") {
        torch("AVAILABLE = False", fake_torch);
        auto checks = e.check({}, true);
        CHECK(!find(checks, "torch", "clean")->ok);
        CHECK(find(checks, "torch", "clean")->gpu_related);
    }
    SECTION("the user's CUDA_VISIBLE_DEVICES hides it") {
        torch("AVAILABLE = True", fake_torch);
        auto checks = e.check({{"CUDA_VISIBLE_DEVICES", ""}}, true);
        CHECK(find(checks, "torch", "clean")->ok);
        REQUIRE(find(checks, "torch", "user"));
        CHECK(!find(checks, "torch", "user")->ok);
        CHECK(find(checks, "torch", "user")->gpu_related);
        CHECK(find(checks, "torch", "user")->advice == "unset CUDA_VISIBLE_DEVICES (it is '')");
    }
    SECTION("a torch in the user site shadows it") {
        torch("AVAILABLE = True", fake_torch);
        const std::string directory = user_site(e, e.at("user base").string());
        fs::create_directories(directory + "/torch");
        REQUIRE(write_atomically(directory + "/torch/__init__.py", "raise ImportError('an old torch')\n").ok());
        auto checks = e.check({{"PYTHONUSERBASE", e.at("user base").string()}}, true);
        CHECK(find(checks, "torch", "clean")->ok);
        REQUIRE(find(checks, "torch", "user"));
        CHECK(find(checks, "torch", "user")->sentence ==
              "in your shell: import torch failed: ImportError: an old torch");
        CHECK(find(checks, "torch", "user")->advice.find("PYTHONUSERBASE") != std::string::npos);
    }
    SECTION("built without CUDA") {
        torch("AVAILABLE = False", std::string(fake_torch) + "\nversion.cuda = None\n");
        CHECK(find(e.check({}, true), "torch", "clean")->ok);
    }
    SECTION("it dies while asking for the GPU") {
        torch("AVAILABLE = False",
              std::string(fake_torch) +
                  "\nimport os, signal\ncuda.is_available = lambda: os.kill(os.getpid(), signal.SIGBUS)\n");
        auto checks = e.check();
        CHECK(!find(checks, "torch", "clean")->ok);
        CHECK(find(checks, "torch", "clean")->gpu_related);
        CHECK(find(checks, "torch", "clean")->sentence ==
              "torch 9.9: killed by SIGBUS during torch.cuda.is_available()");
    }
    SECTION("it cannot be imported: not the GPU") {
        torch("", "raise ImportError('libcudart.so.12: cannot open shared object file')\n");
        auto checks = e.check({}, true);
        CHECK(!find(checks, "torch", "clean")->ok);
        CHECK(!find(checks, "torch", "clean")->gpu_related);
    }
}

// A row: the module's text, whether a GPU is expected, and the expected sentence. Only failures are tested here;
// tests/e2e/frameworks.sh runs real packages.
TEST_CASE("jax, cupy, tensorflow, numba: what each must say") {
    struct Row {
        const char *name, *code;
        bool expect_gpu, ok, gpu_related;
        const char* sentence;
    };
    static constexpr const char* arrays = R"py(
import types
class A:
    def __init__(self, v): self.v = v
    def sum(self): return self.v
    def __float__(self): return float(self.v)
)py";
    static constexpr const char* jax = R"py(
import contextlib, sys
__version__ = "0.9"
numpy = types.SimpleNamespace(ones=lambda *a, **k: A(1000.0), bfloat16="bf16", float32="f32")
sys.modules["jax.numpy"] = numpy
default_device = lambda d: contextlib.nullcontext()
)py";
    static constexpr const char* cupy = R"py(
__version__ = "13.6"
def _count(): raise RuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient")
_runtime = types.SimpleNamespace(getDeviceCount=_count, getDeviceProperties=lambda i: {"name": b"Fake GPU"})
cuda = types.SimpleNamespace(runtime=_runtime, get_local_runtime_version=lambda: 12090)
class B(A):
    def __matmul__(self, other): return A(64.0 ** 3)
arange = lambda n: A(499500)
ones = lambda shape, dtype=None: B(1)
float32 = "f32"
)py";
    static constexpr const char* numba = R"py(
__version__ = "0.62"
float32 = "f32"
njit = lambda f: f
_cuda = types.ModuleType("numba.cuda")
import sys
sys.modules["numba.cuda"] = _cuda
cuda = _cuda
_cuda.is_available = lambda: False
_cuda.cuda_error = lambda: "driver missing"
_nvvm = types.ModuleType("numba.cuda.cudadrv.nvvm")
_nvvm.is_available = lambda: True
_cuda.cudadrv = types.ModuleType("numba.cuda.cudadrv")
_cuda.cudadrv.nvvm = _nvvm
sys.modules.update({"numba.cuda.cudadrv": _cuda.cudadrv, "numba.cuda.cudadrv.nvvm": _nvvm})
__path__ = _cuda.__path__ = _cuda.cudadrv.__path__ = []
)py";
    const Row rows[] = {
        {"jax",
         "devices = lambda kind: [object()] if kind == 'cpu' else (_ for _ in ()).throw(RuntimeError('no GPU here'))\n",
         true, true, false, "jax 0.9: a sum on the CPU, jax.devices('gpu') is False; this jax is built without CUDA"},
        {"jax", "numpy.ones = lambda *a, **k: A(999.0)\ndevices = lambda kind: [object()]\n", true, false, false,
         "jax 0.9: a sum on the CPU failed: RuntimeError: the sum of 1000 ones is 999.0, not 1000.0"},
        {"jax", "raise ImportError('libcuda.so.1: cannot open shared object file')\n", true, false, true,
         "import jax failed: ImportError: libcuda.so.1: cannot open shared object file"},
        {"cupy", "", true, false, true,
         "cupy 13.6: cupy.cuda.runtime.getDeviceCount() is False (cudaErrorInsufficientDriver: CUDA driver version is "
         "insufficient)"},
        {"cupy", "", false, true, true,
         "cupy 13.6: cupy.cuda.runtime.getDeviceCount() is False (cudaErrorInsufficientDriver: CUDA driver version is "
         "insufficient)"},
        {"cupy", "_runtime.getDeviceCount = lambda: 2\n", true, true, false,
         "cupy 13.6: cupy.cuda.runtime.getDeviceCount() is True, a kernel compiled and run on the GPU, a matrix "
         "product in "
         "float32 on Fake GPU"},
        {"cupy", "_runtime.getDeviceCount = lambda: 2\narange = lambda n: A(7)\n", true, false, true,
         "cupy 13.6: a kernel compiled and run on the GPU failed: RuntimeError: the sum of 0 to 999 is 7, not "
         "499500"},
        {"tensorflow", "raise SystemError('no')\n", true, false, false, "import tensorflow failed: SystemError: no"},
        {"tensorflow",
         "__version__ = '2.21'\n"
         "sysconfig = types.SimpleNamespace(get_build_info=lambda: {'cuda_version': '12.5.1'})\n"
         "config = types.SimpleNamespace(list_physical_devices=lambda kind: [])\n"
         "import contextlib\ndevice = lambda d: contextlib.nullcontext()\n"
         "ones = lambda s: A(1000.0)\nreduce_sum = lambda t: t\n",
         true, false, true, "tensorflow 2.21: tf.config.list_physical_devices('GPU') is False, a sum on the CPU"},
        {"numba", "", true, false, true,
         "numba 0.62: a function compiled for the CPU, numba.cuda.is_available() is False (driver missing)"},
        {"numba", "_nvvm.is_available = lambda: False\n", true, true, false,
         "numba 0.62: a function compiled for the CPU, numba.cuda.is_available() is False; the environment has no "
         "NVVM, "
         "which numba.cuda compiles with"},
        {"numba", "import os, signal\n_cuda.is_available = lambda: os.kill(os.getpid(), signal.SIGSEGV)\n", true, false,
         true, "numba 0.62: killed by SIGSEGV during numba.cuda.is_available()"},
        {"numba", "import time\nnjit = lambda f: time.sleep(60)\n", true, false, false,
         "numba 0.62: no answer within 3 s during a function compiled for the CPU"},
    };
    for (const Row& row : rows) {
        FakeEnvironment e;
        if (!e.usable()) SKIP("no python3 here");
        const std::string name = row.name;
        e.write("site/numpy/__init__.py", "ones = lambda n: [1.0] * n\n");
        e.write("site/" + name + "/__init__.py", std::string(arrays) +
                                                     (name == "jax"     ? jax
                                                      : name == "cupy"  ? cupy
                                                      : name == "numba" ? numba
                                                                        : "") +
                                                     row.code);
        auto checks = e.check({}, row.expect_gpu, 3);
        const ImportCheck* check = find(checks, name, "clean");
        INFO(name << "\n" << row.code);
        REQUIRE(check);
        CHECK(check->sentence == row.sentence);
        CHECK(check->ok == row.ok);
        CHECK(check->gpu_related == row.gpu_related);
    }
}

TEST_CASE("a framework elsewhere is not the environment's") {
    FakeEnvironment e;
    if (!e.usable()) SKIP("no python3 here");
    auto elsewhere = TemporaryDirectory::make().value();
    fs::create_directories(elsewhere.path() / "torch");
    REQUIRE(write_atomically(elsewhere.path() / "torch/__init__.py", "").ok());
    CHECK(!find(e.check({{"PYTHONPATH", elsewhere.path().string()}}), "torch", "clean"));
    e.manifest.requires_.frameworks = {"torch"}; // required by the manifest and missing
    auto checks = e.check();
    REQUIRE(find(checks, "torch", "clean"));
    CHECK(find(checks, "torch", "clean")->sentence ==
          "import torch failed: ModuleNotFoundError: No module named 'torch'");
}

TEST_CASE("probe and imports together") {
    FakeEnvironment e;
    if (!e.usable()) SKIP("no python3 here");
    e.manifest.requires_ = cuda12();
    e.manifest.requires_.frameworks = {"torch"};
    machine::GpuVerdict verdict;
    verdict.outcome = machine::GpuVerdict::Outcome::usable;
    std::string script = "#!/bin/sh\n" + quoted_lines(good_lines);
    auto inputs = [&]() {
        VerifyInputs in{e.manifest, verdict, e.at("").string(), {{"PATH", "/usr/bin:/bin"}}};
        in.probe_program = [&]() -> Result<Bytes> {
            ByteView v = as_bytes(script);
            return Bytes(v.begin(), v.end());
        };
        return in;
    };
    auto torch = [&](const std::string& before) { e.write("site/torch/__init__.py", before + "\n" + fake_torch); };
    SECTION("verified") {
        torch("AVAILABLE = True");
        auto v = verify_environment(inputs());
        CHECK(v.gpu == Verification::Gpu::verified);
        CHECK(!v.failure);
        CHECK(to_json(v)["probe"]["ok"] == true);
    }
    SECTION("how much memory is tested") {
        torch("AVAILABLE = True");
        script = "#!/bin/sh\n[ \"$1 $2\" = '--memory 42' ] || exit 1\n" + quoted_lines(good_lines);
        auto asked = inputs();
        asked.gpu_memory = 42;
        CHECK(verify_environment(asked).gpu == Verification::Gpu::verified);
        CHECK(verify_environment(inputs()).gpu == Verification::Gpu::failed);
    }
    SECTION("the probe fails: 6") {
        torch("AVAILABLE = True");
        script = "#!/bin/sh\nexit 1\n";
        auto v = verify_environment(inputs());
        CHECK(v.gpu == Verification::Gpu::failed);
        CHECK(v.failure == ErrorKind::gpu);
        auto forced = inputs();
        forced.no_gpu = true;
        CHECK(!verify_environment(forced).failure);
    }
    SECTION("torch fails on the GPU: 6") {
        torch("AVAILABLE = False");
        auto v = verify_environment(inputs());
        CHECK(v.gpu == Verification::Gpu::failed);
        CHECK(v.failure == ErrorKind::gpu);
    }
    SECTION("with --no-gpu a failed GPU is told, and another failure stays one") {
        auto forced = inputs();
        forced.no_gpu = true;
        torch("AVAILABLE = False");
        auto v = verify_environment(forced);
        CHECK(v.gpu == Verification::Gpu::failed);
        CHECK(!v.failure);
        REQUIRE(!v.imports.checks.empty());
        CHECK(std::ranges::any_of(v.imports.checks, [](const ImportCheck& c) { return !c.ok && c.gpu_related; }));
        torch("AVAILABLE = True");
        e.write("site/torch/__init__.py", "raise ImportError('no')\n");
        CHECK(verify_environment(forced).failure == ErrorKind::script);
    }
    SECTION("an import fails: 10; with the GPU, too: 6") {
        e.write("site/torch/__init__.py", "raise ImportError('no')\n");
        CHECK(verify_environment(inputs()).failure == ErrorKind::script);
        script = "#!/bin/sh\nexit 1\n";
        CHECK(verify_environment(inputs()).failure == ErrorKind::gpu);
    }
    SECTION("no GPU: not verified, exit 0, no probe is run") {
        torch("AVAILABLE = False");
        verdict.outcome = machine::GpuVerdict::Outcome::not_verified;
        verdict.reason = "no NVIDIA GPU was found";
        script = "#!/bin/sh\nexit 1\n";
        auto v = verify_environment(inputs());
        CHECK(v.gpu == Verification::Gpu::not_verified);
        CHECK(v.reason == "no NVIDIA GPU was found");
        CHECK(!v.probe);
        CHECK(!v.failure);
    }
}

TEST_CASE("a whole report is what the schema says") {
    json schema = json::parse(*read_text(fs::path(TINDERBOX_SOURCE_DIR) / "docs/inside/report.schema.json"));
    FakeEnvironment e;
    if (!e.usable()) SKIP("no python3 here");
    e.package("fine", "");
    e.manifest.requires_ = cuda12();
    preflight::PreflightOptions options;
    place::InstallRequest request;
    request.prefix = e.at("new");
    options.place = place::decide(e.manifest, std::string(64, '0'), request);
    const std::string prefix = request.prefix.string();
    preflight::Preflight preflight =
        preflight::run_preflight(e.manifest, machine::SystemRoot(e.at("root").string()), options);
    preflight.gpu.devices.push_back({"0000:01:00.0", 0x2204, "GeForce RTX 3090", 86, "nvidia"});
    Verification verification;
    verification.gpu = Verification::Gpu::failed;
    verification.probe = machine::parse_probe(good_lines, ended(0), cuda12());
    verification.probe->problems.push_back({1, 0, 999, "X", "s", "a"});
    verification.imports.checks = e.check();
    InstallFacts facts;
    facts.stages = {{"extract", 1.0}};
    facts.warnings = {"a warning"};
    ReportFacts report{ReportMode::install, "demo.run", 123,        std::string(64, '0'),
                       e.manifest,          prefix,     &preflight, &facts,
                       &verification,       6,          1763934600};
    json value = make_report(report);
    test::check_schema(schema, value, "report");
    CHECK(value["created"] == "2025-11-23T21:50:00Z");
    CHECK(value["activate"] == "source " + shell_quote(prefix + "/bin/activate"));
    CHECK(value["summary"] == fmt::format("installed in '{}'; GPU: failed", prefix));
    report.host = machine::HostFacts{"node1", "a processor", 8, 1ull << 34};
    report.verification = nullptr;
    ::setenv("TZ", "CET-1", 1);
    report.included = {prefix + "/share/demo/course"};
    report.start = first_program(e.manifest);
    report.activate_with_conda = "conda activate demo";
    test::check_schema(schema, make_report(report), "report of a host");
    CHECK(make_report(report)["local_time"] == json({{"time", "2025-11-23T22:50:00+01:00"}, {"zone", "CET"}}));
    ::unsetenv("TZ");
    CHECK(make_report(report)["start"] == "python");
    e.manifest.packages.push_back({.kind = "wheel", .name = "jupyterlab"});
    CHECK(first_program(e.manifest) == "jupyter lab");
    CHECK(make_report(report)["host"]["name"] == "node1");
    report.verification = &verification;
    // The worst is said, with the number and where it fails.
    auto headline = [&](std::vector<std::pair<std::string, std::string>> failed, Verification::Gpu gpu) {
        verification.gpu = gpu;
        verification.imports.checks.clear();
        for (auto& [name, where] : failed) {
            ImportCheck check;
            check.name = name;
            check.environment = where;
            verification.imports.checks.push_back(check);
        }
        return summary_sentence(report).substr(fmt::format("installed in '{}'", prefix).size());
    };
    using Gpu = Verification::Gpu;
    CHECK(headline({}, Gpu::not_needed) == "; GPU: not needed");
    CHECK(headline({}, Gpu::not_verified) == "; GPU: not verified");
    CHECK(headline({{"six", "user"}, {"yaml", "user"}}, Gpu::not_needed) == "; 2 imports fail in your shell");
    CHECK(headline({{"six", "clean"}}, Gpu::not_verified) == "; 1 import fails; GPU: not verified");
    verification.imports.checks.clear();
    verification.imports.checks.push_back({.name = "torch", .environment = "clean", .gpu_related = true});
    CHECK(summary_sentence(report).ends_with("; 1 import fails without a GPU driver; GPU: not verified"));
    CHECK(headline({{"six", "clean"}, {"yaml", "user"}}, Gpu::failed) ==
          "; GPU: failed; 1 import fails; 1 more in your shell");
    CHECK(headline({{"python", "clean"}}, Gpu::not_needed) == "; Python does not start");
    report.mode = ReportMode::verify_only;
    verification.imports.checks.clear();
    verification.gpu = Gpu::failed;
    CHECK(summary_sentence(report) == "does not work as it should; GPU: failed");
    report.exit_code = 0; // --no-gpu
    CHECK(summary_sentence(report) == "works without a GPU; GPU: failed");
    verification.gpu = Gpu::not_verified;
    CHECK(summary_sentence(report) == "works; GPU: not verified");
    report.mode = ReportMode::check;
    CHECK(summary_sentence(report) == "this machine can run it; GPU: not verified");
    verification.gpu = Gpu::failed;
    CHECK(summary_sentence(report) == "this machine can run it without a GPU; GPU: failed");
    report.mode = ReportMode::install;
    facts.script_failure = "the script failed";
    CHECK(headline({}, Gpu::verified) == "; a package's script failed; GPU: verified");
    for (ReportMode mode : {ReportMode::check, ReportMode::verify_only, ReportMode::extract}) {
        ReportFacts partial{mode,
                            "demo.run",
                            123,
                            std::string(64, '0'),
                            e.manifest,
                            "/x",
                            mode == ReportMode::check ? &preflight : nullptr,
                            nullptr,
                            nullptr,
                            0,
                            0};
        test::check_schema(schema, make_report(partial), std::string(to_string(mode)));
    }
}

TEST_CASE("which probe") {
    const std::vector<std::string> all = {"cuda_probe_0", "cuda_probe_12", "cuda_probe_13"};
    CHECK(machine::choose_probe({}, 12) == "");
    CHECK(machine::choose_probe(all, std::nullopt) == "cuda_probe_0");
    CHECK(machine::choose_probe(all, 13) == "cuda_probe_13");
    CHECK(machine::choose_probe(all, 11) == "cuda_probe_0");
    CHECK(machine::choose_probe({"cuda_probe_12"}, 11) == "");
}
