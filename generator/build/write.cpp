#include "generator/build/write.hpp"

#include "common/base/aligned_buffer.hpp"
#include "common/machine/probe.hpp"
#include "generator/embed/embedded.hpp"

#include <elf.h>

namespace tinderbox::build {
namespace {

// Tinderbox embeds a stub and probes of its own kind of processor only.
Status check_platform(ByteView stub, const std::string& platform) {
    if (stub.size() < 20) return make_error(ErrorKind::bug, "this tinderbox carries no installer stub");
    const auto machine = std::to_integer<unsigned>(stub[18]) | std::to_integer<unsigned>(stub[19]) << 8; // e_machine
    const std::string own = machine == EM_AARCH64 ? "linux-aarch64" : "linux-64";
    if (platform == own) return {};
    return make_error(ErrorKind::usage,
                      "this tinderbox makes installers for {}, and the request is for {}; lock it here (tinderbox lock "
                      "--platform {}), and build that lock with a tinderbox for {}",
                      own, platform, platform, platform);
}

// One is enough: of the environment's own CUDA major, whose floor stage 2 then tests, or the one without a runtime.
void keep_matching_probe(assemble::RunParts& parts, const format::Requirements& needs) {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : parts.probes) names.push_back(name);
    const std::string chosen = machine::choose_probe(names, needs.cuda_major);
    std::erase_if(parts.probes, [&](const auto& probe) { return probe.first != chosen; });
}

} // namespace

Result<assemble::RunParts> run_parts(const lock::Lock& lock) {
    assemble::RunParts out;
    out.header_template = as_text(embed::embedded("templates/header.sh"));
    out.stub = embed::embedded("stub");
    TRY(check_platform(out.stub, lock.platform));
    for (std::string_view name : embed::embedded_names())
        if (name.starts_with("probe/")) out.probes.emplace_back(name.substr(6), embed::embedded(name));
    return out;
}

Result<Built> write(const Options& options, const Downloads& downloads, const Packed& packed, assemble::Image image,
                    assemble::RunParts parts, const sign::SigningKey* key, Reporter& reporter) {
    keep_matching_probe(parts, image.manifest.requires_);
    for (const auto& [name, bytes] : parts.probes) image.manifest.probes.push_back(name);
    // FAT32's limit is 4 GiB less a byte: volumes stay below the size, at a multiple of a page.
    if (options.split) parts.volume_size = round_down(options.split - 1);
    parts.key = key;
    Built out{output_path(options, downloads.lock), {}, image.manifest, {}};
    TRY_ASSIGN(out.run, assemble::write_run(std::move(image), packed.inputs, parts, out.output,
                                            [&](std::uint64_t done, std::uint64_t total) {
                                                reporter.progress("writing", done, total);
                                            }));
    reporter.end_progress();
    return out;
}

} // namespace tinderbox::build
