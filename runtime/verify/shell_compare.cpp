#include "runtime/verify/shell_compare.hpp"

#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/format/json_read.hpp"
#include "runtime/verify/check_scripts.hpp"

#include <algorithm>

namespace tinderbox::verify {
namespace {

using nlohmann::json;

// Read by Python before any module, by the dynamic loader, or by libraries without Python's knowledge.
constexpr const char* families[] = {"PYTHON",    "LD_",   "GLIBC_", "MALLOC_", "OMP_",  "GOMP_", "KMP_",  "MKL_",
                                    "OPENBLAS_", "BLIS_", "TBB_",   "VECLIB",  "HDF5_", "GDAL_", "PROJ_", "OPENSSL_"};

// Read by CUDA and by frameworks, so only where there are such.
constexpr const char* families_of_gpus[] = {"CUDA",    "NVIDIA_", "CUDNN", "CUBLAS", "NCCL_", "TORCH",  "PYTORCH_",
                                            "TRITON_", "TF_",     "XLA_",  "JAX",    "CUPY_", "NUMBA_", "ONNX"};

// They change neither which modules Python finds nor how it starts, or shell.py has compared what they lead to.
constexpr const char* without_effect[] = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONSTARTUP",
                                          "PYTHONNOUSERSITE",        "PYTHONPATH",       "PYTHONUSERBASE"};

// Every shell has them, and many packages look at them: how a terminal draws, which language is spoken. The encoding is
// compared by encoding_reason().
constexpr const char* of_every_shell[] = {"PATH",   "PWD",       "OLDPWD",      "SHELL",   "SHLVL",   "_",
                                          "TERM",   "COLORTERM", "NO_COLOR",    "LINES",   "COLUMNS", "LANG",
                                          "LC_ALL", "LC_CTYPE",  "LC_MESSAGES", "LANGUAGE"};

// Their programs run without importing anything of theirs.
constexpr const char* not_imported[] = {"pip", "conda", "python", "setuptools", "wheel"};

template <std::size_t count> bool is_one_of(std::string_view name, const char* const (&names)[count]) {
    return std::ranges::find(names, name) != std::end(names);
}

template <std::size_t count> bool begins_with_one_of(std::string_view name, const char* const (&families)[count]) {
    return std::ranges::any_of(families, [&](const char* family) { return name.starts_with(family); });
}

// PROJ_LIB for the package proj.
bool belongs_to_package(std::string_view variable, const format::Manifest& manifest) {
    return std::ranges::any_of(manifest.packages, [&](const format::PackageInfo& p) {
        if (p.name.size() < 3 || is_one_of(p.name, not_imported)) return false;
        const std::string prefix = replace_all(to_lower(p.name), "-", "_") + "_";
        return to_lower(std::string(variable.substr(0, prefix.size()))) == prefix;
    });
}

// LD_LIBRARY_PATH with no directory that holds a library changes nothing.
bool has_libraries(std::string_view path) {
    return std::ranges::any_of(split(path, ':'), [](std::string_view directory) {
        std::error_code error;
        if (directory.empty()) return false;
        for (fs::directory_iterator it(std::string(directory), error), end; !error && it != end; it.increment(error))
            if (it->path().filename().string().find(".so") != std::string::npos) return true;
        return false;
    });
}

// The variable that decides the encoding; the clean environment has C.UTF-8. From 3.7 on Python takes "C" for UTF-8.
std::string encoding_reason(const Variables& user, const format::Manifest& manifest) {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const auto found = user.find(name);
        if (found == user.end() || found->second.empty()) continue;
        const std::string value = to_lower(found->second);
        const bool utf8 = value.ends_with("utf-8") || value.ends_with("utf8");
        const bool old = manifest.python &&
                         (manifest.python->version.starts_with("3.6") || manifest.python->version.starts_with("2."));
        if (utf8 || ((value == "c" || value == "posix") && !old)) return "";
        return fmt::format("{} is '{}'", name, found->second);
    }
    return "";
}

// Whether a value that is not that of the clean environment can matter.
bool can_matter(const std::string& name, const std::string& value, const format::Manifest& manifest, const Used& used) {
    if (is_one_of(name, of_every_shell) || is_one_of(name, without_effect)) return false;
    if (name == "LD_LIBRARY_PATH") return has_libraries(value);
    const bool computes = manifest.requires_.cuda_major.has_value() || !manifest.requires_.frameworks.empty();
    if (begins_with_one_of(name, families) || (computes && begins_with_one_of(name, families_of_gpus))) return true;
    return used.variables.contains(name) || belongs_to_package(name, manifest);
}

} // namespace

ShellCompare compare_shell(const EnvironmentPython& python, const format::Manifest& manifest, const Used& used) {
    ShellCompare out;
    const Variables clean = python.clean(), user = python.user();
    out.answer = python.run(std::string(scripts::watch()) + std::string(scripts::shell()),
                            {used.modules.begin(), used.modules.end()}, user);
    out.starts = out.answer.failure.empty() && !out.answer.text("version").empty();
    for (const auto& [name, value] : user) {
        const auto same = clean.find(name);
        if ((same != clean.end() && same->second == value) || !can_matter(name, value, manifest, used)) continue;
        out.reasons.push_back(name + " is set");
        out.variables.push_back(name);
    }
    if (std::string encoding = encoding_reason(user, manifest); !encoding.empty())
        out.reasons.push_back(std::move(encoding));
    for (const json& line : out.answer.lines) {
        if (auto file = format::text_field(line, "startup"); !file.empty() && !used.startup.contains(file))
            out.reasons.push_back(fmt::format("Python reads '{}' when it starts", file));
        if (auto file = format::text_field(line, "elsewhere"); !file.empty())
            out.reasons.push_back(fmt::format("'{}' comes from '{}'", format::text_field(line, "module"), file));
    }
    return out;
}

} // namespace tinderbox::verify
