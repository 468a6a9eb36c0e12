// Pass "write": image, stub and probe become NAME.run, in one file or in volumes, signed with --sign.
#pragma once

#include "common/base/stopwatch.hpp"
#include "common/sign/key.hpp"
#include "generator/assemble/run_writer.hpp"
#include "generator/build/link.hpp"

namespace tinderbox::build {

// The stub and the probes that this program carries. Errors: usage (they are for another platform than the lock), bug.
Result<assemble::RunParts> run_parts(const lock::Lock& lock);

struct Built {
    fs::path output;
    assemble::WrittenRun run;
    format::Manifest manifest;
    StageTimes seconds; // of the passes of build()
};

// `key`: null without --sign. Errors: storage.
Result<Built> write(const Options& options, const Downloads& downloads, const Packed& packed, assemble::Image image,
                    assemble::RunParts parts, const sign::SigningKey* key, Reporter& reporter);

} // namespace tinderbox::build
