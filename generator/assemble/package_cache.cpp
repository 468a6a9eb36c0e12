#include "generator/assemble/package_cache.hpp"

#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/assemble/conda_records.hpp"

#include <nlohmann/json.hpp>

#include <set>

namespace tinderbox::assemble {

using parcel::GeneratedFile;

namespace {

// Every package of the base and its further environments, once.
std::vector<std::size_t> cached_packages(const Linking& linking) {
    std::vector<std::size_t> out;
    std::set<std::string_view> seen;
    for (const LinkedPrefix& one : linking.prefixes.of_base())
        for (std::size_t i : linking.inputs.conda_packages(one.root))
            if (seen.insert(linking.inputs[i].artifact->file_name).second) out.push_back(i);
    return out;
}

std::string extracted_directory(const lock::LockedArtifact& a) {
    return fmt::format("pkgs/{}-{}-{}/", a.name, a.version, a.build);
}

// A noarch python package calls these directories so in its archive.
std::string_view archive_directory(format::Root root) {
    if (root == format::Root::site_packages) return "site-packages/";
    if (root == format::Root::scripts) return "python-scripts/";
    return "";
}

void move_to_cache(format::Destination& d, const std::string& directory) {
    d.path = directory + std::string(archive_directory(d.root)) + d.path;
    d.root = format::Root::base;
    d.flags |= format::destination_package_cache;
}

Status add_extracted(const Linking& linking, Destinations& destinations, std::size_t input) {
    const std::string directory = extracted_directory(*linking.inputs[input].artifact);
    const std::string who = display_name(linking.inputs[input]);
    for (std::size_t i = 0; i < linking.inputs[input].parcel.table.destinations.size(); ++i) {
        format::Destination d = destinations.of_parcel(input, i);
        move_to_cache(d, directory);
        if (d.kind == format::EntryKind::file) d.content = destinations.as_archived(d.content);
        TRY(destinations.place(std::move(d), who, destinations.origin(input, i)));
    }
    return {};
}

Status add_info(const Linking& linking, Destinations& destinations, std::size_t input) {
    const std::string directory = extracted_directory(*linking.inputs[*linking.inputs[input].info_of].artifact);
    const std::string who = display_name(linking.inputs[input]);
    for (std::size_t i = 0; i < linking.inputs[input].parcel.table.destinations.size(); ++i) {
        format::Destination d = destinations.of_parcel(input, i);
        move_to_cache(d, directory);
        TRY(destinations.place(std::move(d), who));
    }
    return {};
}

GeneratedFile repodata_record(const Linking& linking, std::size_t index) {
    const LinkInput& input = linking.inputs[index];
    GeneratedFile out{
        extracted_directory(*input.artifact) + "info/repodata_record.json", 0644, linking.packages.of_input[index], {}};
    out.content << (input.repodata_record.empty()
                        ? conda::repodata_record(record_metadata(input), record_input(linking, index))
                        : input.repodata_record);
    return out;
}

GeneratedFile list(const Linking& linking, const char* path, const std::string& text) {
    GeneratedFile out{path, 0644, linking.packages.base, {}};
    out.content << text;
    return out;
}

} // namespace

Status add_package_cache(Linking& linking, Destinations& destinations, GeneratedFiles& generated) {
    const auto& there = linking.prefixes.at(format::Root::base).by_path;
    std::vector<GeneratedFile> files;
    auto add = [&](GeneratedFile file) {
        if (!there.contains(file.path)) files.push_back(std::move(file));
    };
    std::string urls, urls_with_md5; // a line each: URL, URL#MD5
    for (std::size_t i : cached_packages(linking)) {
        TRY(add_extracted(linking, destinations, i));
        add(repodata_record(linking, i));
        const lock::LockedArtifact& a = *linking.inputs[i].artifact;
        const std::string url = without_credentials(a.url);
        urls += url + "\n";
        urls_with_md5 += url + (a.md5.empty() ? "" : "#" + a.md5) + "\n";
    }
    for (std::size_t i : linking.inputs.infos()) TRY(add_info(linking, destinations, i));
    add(list(linking, "pkgs/urls", urls_with_md5));
    add(list(linking, "pkgs/urls.txt", urls));
    return generated.place(files, format::Root::base, format::destination_package_cache);
}

} // namespace tinderbox::assemble
