// The events that the CUDA probe writes, one JSON object a line (docs/inside/cuda-probe.md).
#pragma once

#include "common/base/process.hpp"
#include "common/format/manifest.hpp"
#include "common/machine/probe_result.hpp"

#include <string_view>

namespace tinderbox::machine {

// `process` tells how the probe ended, `lines` is its standard output, and `needs` are for the advice. Tolerant: lines
// that are no events, unknown events and unknown members are passed over; a crash or a hang is a problem in the result.
ProbeResult parse_probe(std::string_view lines, const ProcessResult& process, const format::Requirements& needs);

} // namespace tinderbox::machine
