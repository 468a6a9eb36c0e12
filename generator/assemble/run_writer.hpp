// Writes an image as NAME.run: header, stub, probes, manifest, table, blocks, footer (common/format/run_file.hpp).
#pragma once

#include "common/sign/key.hpp"
#include "generator/assemble/link.hpp"
#include "generator/assemble/run_output.hpp"

namespace tinderbox::assemble {

struct RunParts {
    std::string header_template;                          // templates/header.sh
    ByteView stub;                                        // embedded; not owned
    std::vector<std::pair<std::string, ByteView>> probes; // name, bytes
    std::uint64_t volume_size = 0;         // --split: of a file at most, a multiple of 4096; 0 = one file
    const sign::SigningKey* key = nullptr; // --sign
};

struct WrittenRun {
    std::uint64_t size = 0;             // of all volumes
    std::vector<WrittenVolume> volumes; // one unless split
};

// Must: `output` is the old file or the whole new one (temporary name, fsync, rename). Also writes
// `output`.sha256 in the form `sha256sum -c` reads and, with a key, `output`.sig; without one, an older
// signature there is removed. Every block is checked against its hash while it is copied.
Result<WrittenRun> write_run(Image image, const std::vector<LinkInput>& inputs, const RunParts& parts,
                             const fs::path& output, const std::function<void(std::uint64_t, std::uint64_t)>& progress);

// What the header's text holds besides names.
struct HeaderNumbers {
    std::uint64_t total_size = 0; // of the file that the header begins
    std::uint64_t stub_size = 0;  // a multiple of block_alignment
    std::string stub_sum;         // cksum_text() of the stub
    unsigned volumes = 1;
};

// The header's text with its numbers, and at its end digits that make its checksum 0: exactly run_header_size bytes.
Result<std::string> render_header(const std::string& header_template, const format::Manifest& manifest,
                                  const HeaderNumbers& numbers);

} // namespace tinderbox::assemble
