// The texts that NVIDIA's kernel module and the kernel show below /proc and /sys, read as data: pure functions that
// take whatever bytes they are given (tests/fuzz/machine_fuzz.cpp) and whose strings are fit for a terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tinderbox {

// The first line of a text without surrounding blanks; control characters become blanks and bytes that are no UTF-8
// "?", at most `limit` bytes. For names that other people's files hold and a report shows.
std::string printable_line(std::string_view text, std::size_t limit = 200);

// The version in the text of /proc/driver/nvidia/version: "550.54.14"; "" when there is none.
std::string version_of_nvrm(std::string_view text);

// "550.54.14\n" of /sys/module/nvidia/version, and nothing that is no version.
std::string version_of_module(std::string_view text);

// /proc/driver/nvidia/gpus/ADDRESS/information ("Name: <blanks> value" lines).
struct GpuInformation {
    std::string model;        // "NVIDIA H100 80GB HBM3", "GRID A100D-40C"; "" = unknown to the driver as well
    std::string uuid;         // "GPU-…"; "" while it shows "GPU-????????-…"
    std::string firmware;     // GSP's version, "" = none in use
    std::optional<int> minor; // N of /dev/nvidiaN
    bool excluded = false;    // taken out of use by the module's parameters
};
GpuInformation parse_gpu_information(std::string_view text);

// The profile in the name of a virtual GPU: "8C" of "GRID V100D-8C", "1-5CME" of "GRID A100X-1-5CME"; "" = none. Its
// last letter but for "ME" is the series: C and Q have CUDA, A and B have not.
std::string vgpu_profile_of(std::string_view model);
bool vgpu_profile_has_cuda(std::string_view profile);

// A number as /sys writes it: "0x10de\n", "10de".
std::optional<std::uint32_t> parse_hex(std::string_view text);

// Why bytes that are said to be a shared library of this processor are none: "it is a text", "it is cut short at 6000
// of 21340448 bytes", …; "" = its header is in order. `bytes`: the first 64 of them or more; `size`: all.
std::string library_defect(std::string_view bytes, std::uint64_t size);

} // namespace tinderbox
