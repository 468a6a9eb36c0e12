#include "generator/assemble/packages.hpp"

#include "common/base/text.hpp"
#include "common/format/json_read.hpp"
#include "generator/advise/system_needs.hpp"
#include "generator/conda/link.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::assemble {

using nlohmann::json;

namespace {

// A package's own statements replace those of the lock, which has the words of whoever asked for the package.
void describe(format::PackageInfo& p, const json& metadata) {
    p.kind = format::text_field(metadata, "kind");
    p.name = format::text_field(metadata, "name");
    p.version = format::text_field(metadata, "version");
    p.build = format::text_field(metadata, "build");
    p.license = format::text_field(metadata, "license");
}

// A package without a licence text is listed by its licence's name.
void collect_licenses(std::string& out, const format::PackageInfo& p, const json& metadata) {
    auto it = metadata.find("licenses");
    if (it == metadata.end() || !it->is_array() || it->empty()) {
        out += fmt::format("==== {} {} ====\n\nIt carries no licence text. Its licence: {}\n\n", p.name, p.version,
                           p.license.empty() ? "not stated" : p.license);
        return;
    }
    for (const json& license : *it)
        out += fmt::format("==== {} {}: {} ====\n\n{}\n\n", p.name, p.version, format::text_field(license, "name"),
                           format::text_field(license, "text"));
}

format::PackageInfo package_info(const LinkInput& input, const format::PrefixName& prefix) {
    const json& metadata = input.parcel.metadata;
    format::PackageInfo p = input.artifact ? lock::package_of(*input.artifact) : format::PackageInfo();
    describe(p, metadata);
    p.prefix = prefix;
    if (input.parcel.kind() == parcel::ArtifactKind::include) p.sha256 = format::text_field(metadata, "sha256");
    for (const json& name : metadata.value("imports", json::array()))
        if (name.is_string()) p.imports.push_back(name.get<std::string>());
    return p;
}

format::PackageInfo generated_package() {
    format::PackageInfo own;
    own.kind = "generated";
    own.name = "tinderbox-environment";
    own.version = "1";
    own.license = "Apache-2.0";
    return own;
}

void add_scripts(format::Manifest& manifest, const LinkInput& input, const format::PrefixName& prefix) {
    if (input.parcel.kind() != parcel::ArtifactKind::conda) return;
    for (format::ScriptInfo& script : conda::link_scripts(input.parcel.metadata)) {
        script.prefix = prefix;
        manifest.scripts.push_back(std::move(script));
    }
}

} // namespace

void describe_packages(Linking& linking) {
    format::Manifest& manifest = linking.image.manifest;
    LinkedPackages& packages = linking.packages;
    auto next = [&] { return static_cast<std::uint32_t>(manifest.packages.size()); };
    packages.of_input.resize(linking.inputs.size());
    for (std::size_t i = 0; i < linking.inputs.size(); ++i) {
        const LinkInput& input = linking.inputs[i];
        if (auto of = input.bytecode_of ? input.bytecode_of : input.info_of) {
            packages.of_input[i] = packages.of_input[*of];
            continue;
        }
        packages.of_input[i] = next();
        const format::PrefixName& prefix = linking.prefixes.at(input.root).name;
        manifest.packages.push_back(package_info(input, prefix));
        collect_licenses(linking.image.licenses, manifest.packages.back(), input.parcel.metadata);
        add_scripts(manifest, input, prefix);
    }
    // The base's packages are linked before the environment's scripts run.
    std::ranges::stable_sort(manifest.scripts, {},
                             [](const format::ScriptInfo& script) { return script.prefix.is_env(); });
    // All files of a captured prefix belong to the captured artifact itself; its packages are listed, too.
    for (const LinkInput& input : linking.inputs.all())
        std::ranges::move(advise::captured_packages(input.parcel.metadata), std::back_inserter(manifest.packages));
    packages.generated = next();
    manifest.packages.push_back(generated_package());
    const auto base = linking.inputs.base_files();
    packages.base = base ? packages.of_input[*base] : packages.generated;
}

} // namespace tinderbox::assemble
