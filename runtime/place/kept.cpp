#include "runtime/place/kept.hpp"

#include "runtime/place/control_files.hpp"

namespace tinderbox::place {
namespace {

constexpr std::string_view probe_section = "probe:"; // "probe:NAME" is kept as NAME
constexpr std::uint64_t page = 4096;                 // files take whole ones
// A row of the list of installed files: 64 digits, size, mode and path. The list is written anew with the bytecode that
// was compiled, so that there are two for a moment.
constexpr std::uint64_t row_bytes = 2 * 256;
// Reports, log, journal, state, lock and their temporary files.
constexpr std::uint64_t other_bytes = 1 << 20, other_inodes = 16;

} // namespace

std::vector<KeptSection> kept_sections(const format::RunFile& run) {
    std::vector<KeptSection> out;
    for (const format::Section& section : run.sections()) {
        if (section.name == control::table) out.push_back({&section, section.name, 0644});
        if (section.name == control::stub) out.push_back({&section, section.name, 0755});
        if (section.name.starts_with(probe_section))
            out.push_back({&section, section.name.substr(probe_section.size()), 0755});
    }
    return out;
}

format::InstallInfo control_needs(const format::RunFile& run, std::uint64_t files) {
    format::InstallInfo out;
    auto add = [&](std::uint64_t bytes) {
        out.apparent_bytes += bytes;
        out.bytes += (bytes + page - 1) / page * page;
        ++out.inodes;
    };
    for (const KeptSection& kept : kept_sections(run)) add(kept.section->size);
    add(run.manifest_text().size());
    add(files * row_bytes);
    add(other_bytes);
    out.inodes += other_inodes;
    return out;
}

} // namespace tinderbox::place
