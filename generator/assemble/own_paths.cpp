#include "generator/assemble/own_paths.hpp"

#include "common/base/ascii.hpp"

#include <algorithm>
#include <array>

namespace tinderbox::assemble {
namespace {

// "", "3", "3.11", "3.13t": what follows in the names of an interpreter and of pip.
bool is_version_suffix(std::string_view text) {
    if (text.ends_with('t')) text.remove_suffix(1);
    return text.empty() ||
           (is_digit(text.front()) && std::ranges::all_of(text, [](char c) { return is_digit(c) || c == '.'; }));
}

bool is_versioned(std::string_view name, std::string_view stem) {
    return name.starts_with(stem) && is_version_suffix(name.substr(stem.size()));
}

bool is_of_interpreter(const format::PackageInfo& package) {
    return package.kind == "python" || (package.kind == "conda" && package.name == "python");
}

bool same_bytes(const format::Table& table, const format::Destination& a, const format::Destination& b) {
    return a.kind == b.kind && a.link == b.link &&
           (a.kind != format::EntryKind::file || table.contents[a.content].sha256 == table.contents[b.content].sha256);
}

} // namespace

bool is_own_path(std::string_view path, std::string_view package) {
    static constexpr std::array<std::string_view, 5> whole = {"pyvenv.cfg", "bin/pyvenv.cfg", "bin/activate",
                                                              "bin/activate.csh", "bin/activate.fish"};
    if (path.starts_with("conda-meta/") || std::ranges::find(whole, path) != whole.end()) return true;
    if (!path.starts_with("bin/")) return false;
    const std::string_view name = path.substr(4);
    return is_versioned(name, "python") || name == "pythonw" || (package != "pip" && is_versioned(name, "pip"));
}

Status check_own_paths(const Linking& linking, const format::Destination& d, const format::Destination* old,
                       const std::string& who) {
    const std::vector<format::PackageInfo>& packages = linking.image.manifest.packages;
    if (packages[d.package].kind != "wheel" || d.kind == format::EntryKind::directory) return {};
    const bool of_interpreter = old && is_of_interpreter(packages[old->package]) &&
                                !d.path.starts_with(linking.prefixes.python().site_packages + "/") &&
                                !same_bytes(linking.image.table, *old, d);
    if (!of_interpreter && !is_own_path(d.path, packages[d.package].name)) return {};
    const std::string& file = packages[d.package].file_name;
    return make_error(ErrorKind::usage,
                      "{}: its '{}' would take the place of the environment's own; leave this package out, or use a "
                      "release of it that brings no such file",
                      file.empty() ? who : file, d.path);
}

} // namespace tinderbox::assemble
