#include "generator/assemble/link.hpp"

#include "generator/assemble/conda_records.hpp"
#include "generator/assemble/image_manifest.hpp"
#include "generator/assemble/package_cache.hpp"
#include "generator/assemble/packages.hpp"

namespace tinderbox::assemble {

void add_memory_block(Image& image, std::size_t raw, ByteView packed) {
    format::Block block;
    block.raw = static_cast<std::uint32_t>(raw);
    block.packed = static_cast<std::uint32_t>(packed.size());
    block.sha256 = sha256(packed);
    image.table.blocks.push_back(block);
    image.sources.push_back({memory_input, image.memory.size()});
    image.memory.insert(image.memory.end(), packed.begin(), packed.end());
}

Result<Image> link(const lock::Lock& lock, const format::PythonInfo* python, const std::vector<LinkInput>& inputs,
                   const LinkOptions& options) {
    Linking linking(lock, python, inputs, options);
    // Who owns what.
    describe_packages(linking);
    // Every file of every parcel gets its place.
    Destinations destinations(linking);
    TRY(destinations.add_parcels());
    // The files that no parcel holds. Records list files and their hashes, so they come after everything they list.
    GeneratedFiles generated(linking, destinations);
    if (options.base) TRY(add_base_files(linking, generated));
    TRY(add_environment_files(linking, generated));
    for (const LinkedPrefix& prefix : linking.prefixes.all()) TRY(add_conda_records(prefix, linking, generated));
    TRY(add_wheel_records(linking, generated));
    if (options.base) TRY(add_package_cache(linking, destinations, generated));
    // Now that all files are there: directories, hard links, the final order, the indexes that holes refer to.
    TRY(destinations.add_parent_directories());
    TRY(destinations.check_links());
    destinations.share_files();
    destinations.sort();
    TRY(generated.fill_holes());
    fill_manifest(linking);
    if (options.strict && !linking.image.warnings.empty())
        return make_error(ErrorKind::usage, "--strict: {}", linking.image.warnings.front());
    return std::move(linking.image);
}

} // namespace tinderbox::assemble
