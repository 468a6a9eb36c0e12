// Parsers for texts of NVIDIA's kernel module and the kernel below /proc and /sys. They accept any bytes
// (tests/fuzz/machine_fuzz.cpp), and their strings are safe to print on a terminal. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tinderbox::machine {

// The first line of a text without surrounding blanks, at most `limit` bytes. Control characters become blanks, and
// bytes that are not UTF-8 become "?". For names from other people's files that a report shows.
std::string printable_line(std::string_view text, std::size_t limit = 200);

// The version in the text of /proc/driver/nvidia/version: "550.54.14"; "" without a version.
std::string version_of_nvrm(std::string_view text);

// The version in /sys/module/nvidia/version ("550.54.14\n"); "" for any other text.
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

// The profile in the name of a virtual GPU: "8C" of "GRID V100D-8C", "1-5CME" of "GRID A100X-1-5CME"; "": a whole GPU.
// Its last letter (but for "ME") is the series: C and Q have CUDA, A and B lack it.
std::string vgpu_profile_of(std::string_view model);
bool vgpu_profile_has_cuda(std::string_view profile);

// A number as /sys writes it: "0x10de\n", "10de".
std::optional<std::uint32_t> parse_hex(std::string_view text);

// The fault of a file that should be a shared library for this processor: "it is a text", "it is cut short at 6000 of
// 21340448 bytes", …; "": its header has no fault. `bytes` are the first 64 bytes or more, `size` is the file's size.
std::string library_defect(std::string_view bytes, std::uint64_t size);

} // namespace tinderbox::machine
