#include "generator/assemble/requirements.hpp"

#include "common/base/last_component.hpp"
#include "common/base/text.hpp"
#include "generator/advise/gpu_needs.hpp"
#include "generator/advise/system_needs.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <set>

namespace tinderbox::assemble {
namespace {

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
                                              const std::function<const format::PythonInfo*(format::Root)>& python_of) {
    format::Requirements out;
    std::set<std::string> provided, needed_by_python;
    std::vector<advise::InstalledElf> files;
    for (const LinkInput& input : inputs)
        for (const parcel::Parcel::ElfFact& elf : input.parcel.elf) {
            const bool base = format::is_of_base(input.root);
            const format::PythonInfo* own = python_of(input.root);
            // A prefix without Python has only paths below itself.
            std::string path = own ? final_path(*own, input.parcel.metadata, elf.root, elf.path) : elf.path;
            advise::add_glibc_need(out, input.parcel, elf, path);
            if (base) continue;
            files.push_back({path, input.parcel.metadata.value("name", ""), &elf});
            provided.emplace(last_component(path));
            if (!elf.soname.empty()) provided.insert(elf.soname);
        }
    advise::drop_covered_glibc(out);
    for (const LinkInput& input : inputs)
        for (const format::Destination& d : input.parcel.table.destinations)
            if (d.kind == format::EntryKind::symlink && !format::is_of_base(input.root))
                provided.emplace(last_component(d.path));
    const format::PythonInfo* python = python_of(format::Root::env);
    for (const auto& [path, package, fact] : files) {
        if (!python || !advise::is_of_interpreter(path, python->stdlib)) continue;
        for (const std::string& soname : fact->needed)
            if (!provided.contains(soname) && !advise::is_judged_elsewhere(soname)) needed_by_python.insert(soname);
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
