#include "generator/advise/system_needs.hpp"

#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/base/version_order.hpp"
#include "common/format/json_read.hpp"
#include "generator/elf/system_library.hpp"
#include "generator/parcel/universal.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::advise {
namespace {

using nlohmann::json;

// Conda's and python-build-standalone's Pythons ask for this glibc or an older one.
constexpr std::string_view usual_glibc = "2.28";

// "" is older than every version.
bool is_newer(const std::string& version, const std::string& than) {
    return !version.empty() && (than.empty() || compare_versions(version, than) > 0);
}

} // namespace

bool is_judged_elsewhere(std::string_view soname) {
    if (elf::is_glibc_library(soname)) return true;
    constexpr std::string_view stems[] = {"libnsl.so.1", "libcrypt.so.1", "libcuda.so", "libnvcuvid.so", "libnvidia-"};
    return std::ranges::any_of(stems, [&](std::string_view stem) { return soname.starts_with(stem); });
}

bool is_of_interpreter(std::string_view path, std::string_view stdlib) {
    return path.starts_with("bin/") || path.starts_with("lib/libpython") ||
           path.starts_with(std::string(stdlib) + "/lib-dynload/");
}

void raise_glibc(format::Requirements& needs, const std::string& version, const std::string& because) {
    if (!is_newer(version, needs.glibc)) return;
    needs.glibc = version;
    needs.glibc_because = because;
}

void add_glibc_need(format::Requirements& needs, const parcel::Parcel& parcel, const parcel::Parcel::ElfFact& file,
                    const std::string& path) {
    if (!parcel::is_of_universal_package(parcel.metadata, file.path)) return raise_glibc(needs, file.glibc, path);
    if (is_newer(file.glibc, needs.partial_glibc ? needs.partial_glibc->version : ""))
        needs.partial_glibc = format::GlibcNeed{file.glibc, path};
}

void drop_covered_glibc(format::Requirements& needs) {
    if (needs.partial_glibc && !is_newer(needs.partial_glibc->version, needs.glibc)) needs.partial_glibc.reset();
}

std::vector<format::PackageInfo> captured_packages(const json& captured) {
    std::vector<format::PackageInfo> out;
    for (const char* list : {"distributions", "conda_packages"})
        for (const json& item : captured.value(list, json::array())) {
            format::PackageInfo& p = out.emplace_back();
            p.kind = "captured";
            p.name = format::text_field(item, "name");
            p.version = format::text_field(item, "version");
            p.build = format::text_field(item, "build");
            p.license = format::text_field(item, "license");
            p.requested = item.value("requested", false);
        }
    return out;
}

void add_captured_needs(format::Requirements& needs, const json& captured) {
    if (auto glibc = captured.find("glibc"); glibc != captured.end())
        raise_glibc(needs, glibc->value("version", ""), glibc->value("needed_by", ""));
    const std::string stdlib = captured.value("python", json::object()).value("stdlib", "");
    for (const json& library : captured.value("libraries", json::array())) {
        std::string name = library.value("name", "");
        const json by = library.value("needed_by", json::array());
        const bool of_python = std::ranges::any_of(by, [&](const json& path) {
            return path.is_string() && is_of_interpreter(path.get<std::string>(), stdlib);
        });
        if (of_python && !is_judged_elsewhere(name)) needs.libraries.push_back(std::move(name));
    }
    std::ranges::sort(needs.libraries);
}

std::vector<std::pair<std::string, std::string>> system_lines(const format::Requirements& needs,
                                                              const format::PythonInfo& python) {
    std::vector<std::pair<std::string, std::string>> out;
    if (!needs.glibc.empty())
        out.emplace_back("needs", fmt::format("glibc {} or newer ({})", needs.glibc, needs.glibc_because));
    if (needs.partial_glibc)
        out.emplace_back("needs", fmt::format("glibc {} in part ({}; the rest works without it)",
                                              needs.partial_glibc->version, needs.partial_glibc->because));
    if (!needs.libraries.empty())
        out.emplace_back("needs",
                         fmt::format("{} of the target's system: {}", counted(needs.libraries.size(), "library"),
                                     fmt::join(needs.libraries, ", ")));
    const bool new_glibc =
        is_of_interpreter(needs.glibc_because, python.stdlib) && compare_versions(needs.glibc, usual_glibc) > 0;
    if (needs.libraries.empty() && !new_glibc) return out;
    const auto parts = split(python.version, '.');
    const std::string version = parts.size() < 2 ? "3" : fmt::format("{}.{}", parts[0], parts[1]);
    out.emplace_back("instead",
                     fmt::format("take a Python without these needs: conda's with --python {0}, or uv's (uv python "
                                 "install {0}) with --python-from \"$(uv python find --managed-python {0})\"",
                                 version));
    return out;
}

} // namespace tinderbox::advise
