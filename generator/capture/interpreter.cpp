#include "generator/capture/interpreter.hpp"

#include "common/base/json_cost.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::capture {

using nlohmann::json;

namespace {

// Runs on every Python from 3.6 on. '/P' stands for a prefix of its own: what `site` would look at there tells
// whether the distribution has changed the layout (Debian's dist-packages).
constexpr std::string_view question = R"(
import json, os, sys, sysconfig
names = {'base': '/P', 'platbase': '/P', 'installed_base': '/P', 'installed_platbase': '/P'}
def path(name):
    return sysconfig.get_path(name, 'posix_prefix', names)
try:
    build = __import__(sysconfig._get_sysconfigdata_name(), fromlist=['x']).build_time_vars
except Exception:
    build = {}
try:
    import site
    places = site.getsitepackages(['/P'])
except Exception:
    places = None
scheme = getattr(sysconfig, 'get_default_scheme', getattr(sysconfig, '_get_default_scheme', None))
def text(name):
    value = build.get(name)
    return value if isinstance(value, str) else ''
answer = json.dumps({
    'executable': sys.executable, 'prefix': sys.prefix, 'base_prefix': sys.base_prefix,
    'base_exec_prefix': sys.base_exec_prefix, 'version': list(sys.version_info)[:3], 'level': sys.version_info[3],
    'full_version': sys.version.split()[0], 'implementation': sys.implementation.name,
    'cache_tag': sys.implementation.cache_tag or '', 'abiflags': getattr(sys, 'abiflags', ''),
    'stdlib': path('stdlib'), 'platstdlib': path('platstdlib'), 'purelib': path('purelib'), 'include': path('include'),
    'os': os.__file__, 'places': places, 'scheme': scheme() if scheme else 'posix_prefix',
    'shared': bool(build.get('Py_ENABLE_SHARED')), 'library': text('INSTSONAME'), 'build_prefix': text('prefix'),
    'multiarch': text('MULTIARCH'), 'wheels': text('WHEEL_PKG_DIR'), 'no_gil': bool(build.get('Py_GIL_DISABLED')),
})
with open(int(os.environ['TINDERBOX_ANSWERS']), 'w') as answers:  # a launcher may print
    answers.write(answer)
)";

std::string text_of(const json& j, const char* name) {
    return j.at(name).is_string() ? j.at(name).get<std::string>() : "";
}

std::string first_line(const std::string& text) {
    for (std::string_view line : split_lines(text))
        if (!trim(line).empty()) return std::string(trim(line));
    return "it printed nothing";
}

Result<json> ask(const fs::path& executable) {
    ProcessSpec spec;
    spec.argv = {executable.string(), "-I", "-S", "-c", std::string(question)};
    spec.unset = {"PYTHON*", "LD_PRELOAD", "VIRTUAL_ENV", "CONDA_*", "__PYVENV_LAUNCHER__"};
    // Our own working directory: pyenv's shim looks for .python-version there; -I keeps it out of sys.path.
    spec.timeout_seconds = 60;
    spec.answers = true;
    spec.end_group = true;
    auto ran = run_process(spec);
    auto refuse = [&](const std::string& why) {
        return make_error(ErrorKind::usage,
                          "'{}' is not a usable Python 3.6 or newer: {}; name its executable or its directory",
                          executable.string(), why);
    };
    if (!ran.ok()) return refuse(ran.error().message);
    if (!ran->succeeded()) return refuse(fmt::format("{}, {}", ran->describe(), first_line(ran->error_output)));
    if (ran->answers.empty()) return refuse(first_line(ran->output));
    json answer = is_affordable_json(ran->answers) ? json::parse(ran->answers, nullptr, false) : json();
    if (!answer.is_object()) return refuse("its answer cannot be read");
    return answer;
}

// "/P/lib/python3.11" → "lib/python3.11"; "" when it does not start so.
std::string below_p(const std::string& path) { return path.starts_with("/P/") ? path.substr(3) : ""; }

// The base's own executable file. sys.executable is a symlink in a venv, and a copy in one made with --copies.
Result<fs::path> base_executable(const json& answer, const std::string& version, const std::string& abiflags) {
    const fs::path bin = fs::path(text_of(answer, "base_exec_prefix")) / "bin";
    std::error_code ec;
    for (const std::string& name :
         {"python" + version + abiflags, "python" + version, std::string("python3"), std::string("python")}) {
        fs::path real = fs::canonical(bin / name, ec);
        if (!ec && fs::is_regular_file(real)) return real;
    }
    fs::path real = fs::canonical(text_of(answer, "executable"), ec);
    if (!ec && fs::is_regular_file(real)) return real;
    return make_error(ErrorKind::usage, "the interpreter of '{}' is not found: neither {}/python{} nor '{}' exists",
                      text_of(answer, "base_prefix"), bin.string(), version, text_of(answer, "executable"));
}

// Debian's site looks into dist-packages at three places; the one beside the standard library depends on the version.
std::string alias_place(const json& places, const format::PythonInfo& info) {
    std::string alias;
    for (const json& place : places) {
        std::string path = place.is_string() ? below_p(place.get<std::string>()) : "";
        if (path == info.site_packages) return {};
        if (!path.empty() && (alias.empty() || path.starts_with(info.stdlib + "/"))) alias = path;
    }
    return alias;
}

Result<Interpreter> describe(const json& a, const fs::path& executable) {
    Interpreter out;
    out.executable = executable;
    out.prefix = text_of(a, "base_prefix");
    out.build_prefix = text_of(a, "build_prefix");
    out.abiflags = text_of(a, "abiflags");
    out.short_version = fmt::format("{}.{}", a["version"][0].get<int>(), a["version"][1].get<int>());
    out.multiarch = text_of(a, "multiarch");
    if (a["shared"].get<bool>()) out.library = text_of(a, "library");
    out.info.version = text_of(a, "full_version");
    out.info.implementation = text_of(a, "implementation");
    out.info.cache_tag = text_of(a, "cache_tag");
    out.info.gil = !a["no_gil"].get<bool>();
    out.info.stdlib = below_p(text_of(a, "stdlib"));
    out.info.site_packages = below_p(text_of(a, "purelib"));
    // Free-threaded and debug builds carry their ABI in the name, 3.6 and 3.7 ("m") have both names.
    std::error_code ec;
    std::string tagged = "python" + out.short_version + out.abiflags;
    out.info.executable = executable.filename() == tagged ? "bin/" + tagged : "bin/python" + out.short_version;
    out.include = below_p(text_of(a, "include"));
    if (!fs::is_directory(fs::path(out.prefix) / out.include, ec)) out.include.clear();
    if (std::string wheels = text_of(a, "wheels"); wheels.starts_with(out.prefix + "/")) {
        out.wheel_directory = wheels.substr(out.prefix.size() + 1);
        while (out.wheel_directory.ends_with('/')) out.wheel_directory.pop_back();
    }
    out.default_scheme_is_prefix = text_of(a, "scheme") == "posix_prefix";
    if (a["places"].is_array() && !a["places"].empty()) out.site_alias = alias_place(a["places"], out.info);
    const std::string name = executable.string();
    if (out.info.implementation != "cpython")
        return make_error(ErrorKind::usage, "'{}' is {}: only CPython can be captured", name, out.info.implementation);
    if (std::string exec = text_of(a, "base_exec_prefix"); exec != out.prefix)
        return make_error(ErrorKind::usage, "'{}' has two prefixes, '{}' and '{}': such a build cannot be moved", name,
                          out.prefix, exec);
    if (out.info.stdlib.empty() || out.info.site_packages.empty() ||
        !fs::equivalent(fs::path(out.prefix) / out.info.stdlib, fs::path(text_of(a, "os")).parent_path(), ec))
        return make_error(
            ErrorKind::usage,
            "'{}' has its standard library in '{}', not in '{}': such a layout cannot be moved (a build tree, or a "
            "zipped library); name an installed Python",
            name, fs::path(text_of(a, "os")).parent_path().string(), out.prefix + "/" + out.info.stdlib);
    if (below_p(text_of(a, "platstdlib")).empty())
        return make_error(ErrorKind::usage,
                          "'{}' has its extension modules outside its prefix: such a build cannot be moved", name);
    return out;
}

} // namespace

Result<Interpreter> find_interpreter(const fs::path& path) {
    std::error_code ec;
    fs::path executable = path;
    // A bare name is looked up in PATH, as a shell would; run_process does that, too.
    bool bare = path.string().find('/') == std::string::npos && !fs::exists(path, ec);
    if (fs::is_directory(path, ec)) {
        executable = path / "bin" / "python3";
        if (!fs::exists(executable, ec)) executable = path / "bin" / "python";
        if (!fs::exists(executable, ec))
            return make_error(ErrorKind::usage,
                              "'{}' has no bin/python3: name a Python's executable or the directory above its bin",
                              path.string());
    } else if (!bare && !fs::exists(path, ec)) {
        return make_error(ErrorKind::usage,
                          "'{}' does not exist: name a Python's executable or the directory above its bin",
                          path.string());
    }
    if (!bare) executable = fs::absolute(executable, ec);
    TRY_ASSIGN(json answer, ask(executable));
    try {
        std::string version =
            fmt::format("{}.{}", answer.at("version").at(0).get<int>(), answer.at("version").at(1).get<int>());
        if (answer["version"][0].get<int>() != 3 || answer["version"][1].get<int>() < 6)
            return make_error(ErrorKind::usage, "'{}' is Python {}: 3.6 or newer is needed", executable.string(),
                              version);
        TRY_ASSIGN(fs::path base, base_executable(answer, version, text_of(answer, "abiflags")));
        std::string given =
            fs::is_directory(path, ec) ? fs::absolute(path, ec).lexically_normal().string() : text_of(answer, "prefix");
        while (given.size() > 1 && given.ends_with('/')) given.pop_back();
        // Asked again as itself: inside a venv some answers (prefix, scheme) are the venv's.
        if (fs::canonical(text_of(answer, "executable"), ec) != base || answer["prefix"] != answer["base_prefix"]) {
            fs::path bin = fs::path(text_of(answer, "base_exec_prefix")) / "bin" / ("python" + version);
            TRY_ASSIGN(answer, ask(fs::exists(bin, ec) ? bin : base));
        }
        TRY_ASSIGN(Interpreter out, describe(answer, base));
        out.given_prefix = given;
        return out;
    } catch (const json::exception&) {
        return make_error(ErrorKind::usage, "'{}' gave an answer that cannot be read: is it a Python?",
                          executable.string());
    }
}

} // namespace tinderbox::capture
