#include "common/machine/machine.hpp"

#include "common/base/text.hpp"
#include "common/base/version_order.hpp"
#include "common/machine/driver_texts.hpp"
#include "common/machine/gpu_table.hpp"
#include "common/machine/libraries.hpp"

#include <nlohmann/json.hpp>

#include <sys/utsname.h>

#include <algorithm>
#include <set>

namespace tinderbox::machine {
namespace {

std::string os_release_name(const SystemRoot& root) {
    auto text = root.text("/etc/os-release", 65536);
    if (!text) return {};
    for (std::string_view line : split_lines(*text)) {
        constexpr std::string_view key = "PRETTY_NAME=";
        if (!line.starts_with(key)) continue;
        std::string_view value = trim(line.substr(key.size()));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
        return printable_line(value);
    }
    return {};
}

// Without one of these Python does not start, or half of the packages do not import. Without any other library one
// module does not import, which is a warning.
bool essential(std::string_view soname) {
    for (std::string_view stem : {"libpython", "libz.so", "libexpat.so", "libssl.so", "libcrypto.so", "libffi.so",
                                  "libstdc++.so", "libgcc_s.so"})
        if (soname.starts_with(stem)) return true;
    return false;
}

// The system's package that holds a library.
std::string package_advice(std::string_view soname) {
    struct Row {
        std::string_view stem, debian, redhat;
    };
    static constexpr Row rows[] = {
        {"libz.so", "zlib1g", "zlib"},
        {"libexpat.so", "libexpat1", "expat"},
        {"libffi.so", "libffi7 or libffi8", "libffi"},
        {"libssl.so", "libssl", "openssl-libs"},
        {"libcrypto.so", "libssl", "openssl-libs"},
        {"libstdc++.so", "libstdc++6", "libstdc++"},
        {"libgcc_s.so", "libgcc-s1", "libgcc"},
        {"libGL.so", "libgl1", "mesa-libGL"},
        {"libsqlite3.so", "libsqlite3-0", "sqlite-libs"},
        {"libbz2.so", "libbz2-1.0", "bzip2-libs"},
        {"liblzma.so", "liblzma5", "xz-libs"},
        {"libreadline.so", "libreadline8", "readline"},
        {"libtk", "tk", "tk"},
        {"libtcl", "tcl", "tcl"},
        {"libgomp.so", "libgomp1", "libgomp"},
        {"libX11.so", "libx11-6", "libX11"},
    };
    for (const Row& row : rows)
        if (soname.starts_with(row.stem))
            return fmt::format("install it (Debian, Ubuntu: {}; Red Hat: {})", row.debian, row.redhat);
    return "install the system package that holds it";
}

void judge_platform(const MachineFacts& facts, const format::Manifest& manifest, std::vector<Finding>& out) {
    auto dash = manifest.platform.find('-');
    std::string cpu = dash == std::string::npos ? "" : manifest.platform.substr(dash + 1);
    std::string wanted = cpu == "64" ? "x86_64" : cpu;
    if (facts.system != "Linux")
        out.push_back({"os", Severity::error, ErrorKind::machine,
                       fmt::format("this installer is for Linux, this machine runs {}", facts.system),
                       "use a Linux machine"});
    if (!wanted.empty() && facts.processor != wanted)
        out.push_back({"cpu", Severity::error, ErrorKind::machine,
                       fmt::format("this installer is for {} processors, this machine has {}", wanted, facts.processor),
                       fmt::format("build one with --platform {}",
                                   facts.processor == "x86_64" ? "linux-64" : "linux-" + facts.processor)});
    if (!failure_of(out))
        out.push_back({"system", Severity::ok, ErrorKind::machine,
                       fmt::format("{}, {}{}", facts.distribution.empty() ? facts.system : facts.distribution,
                                   facts.processor, facts.cpu_level > 1 ? fmt::format("-v{}", facts.cpu_level) : ""),
                       ""});
}

void judge_glibc(const MachineFacts& facts, const format::Requirements& needs, std::vector<Finding>& out) {
    if (needs.glibc.empty()) return;
    const std::string because = needs.glibc_because.empty() ? "" : fmt::format(" ('{}')", needs.glibc_because);
    if (facts.glibc.empty()) {
        if (facts.musl && facts.glibc_path.empty()) {
            out.push_back(
                {"glibc", Severity::error, ErrorKind::machine,
                 fmt::format("the environment needs glibc {}{}, this system has musl instead", needs.glibc, because),
                 "use a distribution with glibc (Alpine and its containers have none)"});
            return;
        }
        out.push_back({"glibc", facts.glibc_path.empty() ? Severity::error : Severity::warning, ErrorKind::machine,
                       facts.glibc_path.empty()
                           ? fmt::format("the environment needs glibc {}{}, and no libc.so.6 was found here",
                                         needs.glibc, because)
                           : fmt::format("the version of '{}' cannot be told; the environment needs glibc {}",
                                         facts.glibc_path, needs.glibc),
                       facts.glibc_path.empty() ? "install the C library for this processor" : ""});
        return;
    }
    if (compare_versions(facts.glibc, needs.glibc) < 0) {
        out.push_back(
            {"glibc", Severity::error, ErrorKind::machine,
             fmt::format("the environment needs glibc {}{}, this machine has {}", needs.glibc, because, facts.glibc),
             fmt::format("use a newer distribution, or build with --target-glibc {} and a Python made for it "
                         "(--python-from)",
                         facts.glibc)});
        return;
    }
    const auto& partial = needs.partial_glibc;
    const bool in_part = partial && compare_versions(facts.glibc, partial->version) < 0;
    out.push_back({"glibc", in_part ? Severity::warning : Severity::ok, ErrorKind::machine,
                   fmt::format("glibc {}; the environment needs {}", facts.glibc, needs.glibc) +
                       (in_part ? fmt::format(", and '{}' {}: what loads that file will not work here",
                                              partial->because, partial->version)
                                : ""),
                   ""});
}

void judge_libraries(const MachineFacts& facts, std::vector<Finding>& out) {
    for (const auto& [soname, path] : facts.libraries) {
        if (!path.empty()) continue;
        bool fatal = essential(soname);
        out.push_back(
            {"library", fatal ? Severity::error : Severity::warning, ErrorKind::machine,
             fatal ? fmt::format("the environment's Python needs {}, which this machine lacks", soname)
                   : fmt::format("a module of the environment's Python needs {}, which this machine lacks", soname),
             package_advice(soname)});
    }
}

} // namespace

int cpu_level_of(std::string_view cpuinfo) {
    std::set<std::string_view> flags;
    for (std::string_view line : split_lines(cpuinfo)) {
        if (!line.starts_with("flags")) continue;
        for (std::string_view flag : split(line, ' ')) flags.insert(flag);
        break;
    }
    if (flags.empty()) return 0;
    auto all = [&](std::initializer_list<std::string_view> wanted) {
        return std::ranges::all_of(wanted, [&](std::string_view flag) { return flags.contains(flag); });
    };
    if (!all({"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"})) return 1;
    if (!all({"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"})) return 2;
    if (!all({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})) return 3;
    return 4;
}

MachineFacts read_machine_facts(const SystemRoot& root, const format::Requirements& needs,
                                const std::map<std::string, std::string>& environment) {
    MachineFacts facts;
    utsname name{};
    if (::uname(&name) == 0) {
        facts.system = name.sysname;
        facts.processor = name.machine;
        facts.kernel = name.release;
    }
    if (auto text = root.text("/proc/cpuinfo", 65536)) facts.cpu_level = cpu_level_of(*text);
    const SystemRoot host;
    facts.distribution = os_release_name(root);
    const LibraryIndex below(root), on_host(host);
    const bool own_libc = !below.find("libc.so.6").empty() || below.musl();
    if (facts.distribution.empty()) facts.distribution = os_release_name(host);
    const LibraryIndex& index = own_libc ? below : on_host;
    auto glibc = index.glibc();
    facts.glibc = glibc.version;
    facts.glibc_path = glibc.path;
    facts.musl = index.musl();
    std::vector<std::string> path;
    if (auto value = environment.find("LD_LIBRARY_PATH"); value != environment.end())
        for (std::string_view part : split(value->second, ':'))
            if (part.starts_with('/')) path.emplace_back(part);
    for (const std::string& soname : needs.libraries) facts.libraries[soname] = index.find(soname, path);
    return facts;
}

std::vector<Finding> judge_machine(const MachineFacts& facts, const format::Manifest& manifest) {
    std::vector<Finding> out;
    judge_platform(facts, manifest, out);
    judge_glibc(facts, manifest.requires_, out);
    judge_libraries(facts, out);
    return out;
}

nlohmann::json to_json(const MachineFacts& facts) {
    return {{"system", facts.system},       {"processor", facts.processor},
            {"kernel", facts.kernel},       {"distribution", facts.distribution},
            {"cpu_level", facts.cpu_level}, {"glibc", facts.glibc},
            {"libraries", facts.libraries}};
}

} // namespace tinderbox::machine
