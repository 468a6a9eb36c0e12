#include "generator/assemble/requirements.hpp"

#include "common/base/last_component.hpp"
#include "common/base/text.hpp"
#include "common/base/version_order.hpp"
#include "generator/advise/gpu_needs.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <set>

namespace tinderbox::assemble {
namespace {

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
std::vector<std::string> frameworks_in(const std::vector<format::PackageInfo>& packages) {
    std::set<std::string> out;
    for (const format::PackageInfo& p : packages) {
        std::string name = to_lower(p.name);
        if (!p.prefix.is_env()) continue;
        if (name == "torch" || name == "pytorch") out.insert("torch");
    }
    return {out.begin(), out.end()};
}

} // namespace

format::Requirements environment_requirements(const format::Manifest& manifest, const std::vector<LinkInput>& inputs,
                                              const format::PythonInfo& python,
                                              const std::function<const format::PythonInfo*(format::Root)>& python_of) {
    format::Requirements out;
    std::set<std::string> provided, needed_by_python;
    std::vector<advise::InstalledElf> files;
    for (const LinkInput& input : inputs)
        for (const parcel::Parcel::ElfFact& elf : input.parcel.elf) {
            const bool base = format::is_of_base(input.root);
            const format::PythonInfo* own = python_of(input.root);
            std::string path = final_path(own ? *own : python, input.parcel.metadata, elf.root, elf.path);
            if (!elf.glibc.empty() && (out.glibc.empty() || compare_versions(elf.glibc, out.glibc) > 0)) {
                out.glibc = elf.glibc;
                out.glibc_because = path;
            }
            if (base) continue;
            files.push_back({path, input.parcel.metadata.value("name", ""), &elf});
            provided.emplace(last_component(path));
            if (!elf.soname.empty()) provided.insert(elf.soname);
        }
    for (const LinkInput& input : inputs)
        for (const format::Destination& d : input.parcel.table.destinations)
            if (d.kind == format::EntryKind::symlink && !format::is_of_base(input.root))
                provided.emplace(last_component(d.path));
    // A wheel's optional plugin may link against rare libraries, which shows when it is imported. Only the libraries of
    // Python itself and of its own modules are a condition.
    for (const auto& [path, package, fact] : files) {
        bool interpreter = path.starts_with("bin/") || path.starts_with("lib/libpython") ||
                           path.starts_with(python.stdlib + "/lib-dynload/");
        if (!interpreter) continue;
        for (const std::string& soname : fact->needed)
            if (!provided.contains(soname) && !provided_elsewhere(soname)) needed_by_python.insert(soname);
    }
    out.libraries.assign(needed_by_python.begin(), needed_by_python.end());
    std::vector<format::PackageInfo> packages;
    std::ranges::copy_if(manifest.packages, std::back_inserter(packages),
                         [](const format::PackageInfo& p) { return p.prefix.is_env(); });
    advise::add_gpu_needs(out, packages, files);
    out.frameworks = frameworks_in(manifest.packages);
    return out;
}

} // namespace tinderbox::assemble
