// Writes an image as NAME.run: header, stub, probes, manifest, table, blocks, footer (common/format/run_file.hpp).
#pragma once

#include "generator/assemble/link.hpp"

namespace tinderbox {

struct RunParts {
    std::string header_template; // templates/header.sh
    ByteView stub;               // embedded; not owned
    std::vector<std::pair<std::string, ByteView>> probes; // name, bytes
};

struct WrittenRun {
    std::uint64_t size = 0;
    Sha256Digest sha256{}; // of the whole file
};

// Must: `output` is the old file or the whole new one (temporary name, fsync, rename). Also writes
// `output`.sha256 in the form `sha256sum -c` reads. Every block is checked against its hash while it is copied.
Result<WrittenRun> write_run(Image image, const std::vector<LinkInput>& inputs, const RunParts& parts,
                             const fs::path& output, const std::function<void(std::uint64_t, std::uint64_t)>& progress);

// The header's text with its numbers, exactly run_header_size bytes.
Result<std::string> render_header(const std::string& header_template, const Manifest& manifest, std::uint64_t total_size,
                                  std::uint64_t stub_size);

} // namespace tinderbox
