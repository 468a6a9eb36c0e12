#include "generator/assemble/requirements.hpp"

#include "common/base/text.hpp"
#include "generator/advise/gpu_needs.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <set>

namespace tinderbox {
namespace {

std::pair<int, int> glibc_number(std::string_view version) {
    auto parts = split(version, '.');
    int major = 0, minor = 0;
    std::from_chars(parts[0].data(), parts[0].data() + parts[0].size(), major);
    if (parts.size() > 1) std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), minor);
    return {major, minor};
}

// glibc's own libraries and the driver's: the first are judged by version, the second by the GPU check.
bool provided_elsewhere(std::string_view soname) {
    for (std::string_view stem :
         {"libc.so", "libm.so", "libpthread.so", "libdl.so", "librt.so", "libutil.so", "libresolv.so", "libnsl.so.1",
          "libanl.so", "ld-linux", "libmvec.so", "libcuda.so", "libnvidia-ml.so", "libcrypt.so.1", "libnvcuvid.so",
          "libnvidia-encode.so", "libnvidia-"})
        if (soname.starts_with(stem)) return true;
    return false;
}

// Names the interpreter imports; the framework checks of the verification.
std::vector<std::string> frameworks_in(const std::vector<PackageInfo>& packages) {
    std::set<std::string> out;
    for (const PackageInfo& p : packages) {
        std::string name = to_lower(p.name);
        if (p.prefix != "env") continue;
        if (name == "torch" || name == "pytorch") out.insert("torch");
    }
    return {out.begin(), out.end()};
}

} // namespace

bool newer_glibc(std::string_view a, std::string_view b) { return glibc_number(a) > glibc_number(b); }

Requirements environment_requirements(const Manifest& manifest, const std::vector<LinkInput>& inputs,
                                      const PythonInfo& python,
                                      const std::function<const PythonInfo*(Root)>& python_of) {
    Requirements out;
    std::set<std::string> provided, needed_by_python;
    std::vector<InstalledElf> files;
    for (const LinkInput& input : inputs)
        for (const Parcel::ElfFact& elf : input.parcel.elf) {
            const bool base = is_of_base(input.root);
            const PythonInfo* own = python_of(input.root);
            std::string path = final_path(own ? *own : python, input.parcel.metadata, elf.root, elf.path);
            if (!elf.glibc.empty() && (out.glibc.empty() || newer_glibc(elf.glibc, out.glibc))) {
                out.glibc = elf.glibc;
                out.glibc_because = path;
            }
            if (base) continue;
            files.push_back({path, input.parcel.metadata.value("name", ""), &elf});
            provided.insert(path.substr(path.rfind('/') + 1));
            if (!elf.soname.empty()) provided.insert(elf.soname);
        }
    for (const LinkInput& input : inputs)
        for (const Destination& d : input.parcel.table.destinations)
            if (d.kind == EntryKind::symlink && !is_of_base(input.root))
                provided.insert(d.path.substr(d.path.rfind('/') + 1));
    // A wheel's optional plugin may link against things that nobody has; only what Python itself and its own
    // modules need is a condition. The rest is found by importing it.
    for (const auto& [path, package, fact] : files) {
        bool interpreter = path.starts_with("bin/") || path.starts_with("lib/libpython") ||
                           path.starts_with(python.stdlib + "/lib-dynload/");
        if (!interpreter) continue;
        for (const std::string& soname : fact->needed)
            if (!provided.contains(soname) && !provided_elsewhere(soname)) needed_by_python.insert(soname);
    }
    out.libraries.assign(needed_by_python.begin(), needed_by_python.end());
    std::vector<PackageInfo> packages;
    std::ranges::copy_if(manifest.packages, std::back_inserter(packages),
                         [](const PackageInfo& p) { return p.prefix == "env"; });
    add_gpu_needs(out, packages, files);
    out.frameworks = frameworks_in(manifest.packages);
    return out;
}

} // namespace tinderbox
