// Reads the GPU architectures of a library's device code from its fatbins while the bytes pass: a 1.5 GB library is
// never whole in memory, and is not read twice for this. Only headers are read: no payload is decompressed, and nothing
// is changed.
//
// Layout, little-endian, checked against what cuobjdump lists for NVIDIA's and others' wheels of CUDA 11.7 – 13.4
// (tests/tools/compare_with_cuobjdump.py):
//
//   container: u32 magic 0xBA55ED50, u16 version 1, u16 header size 16, u64 size of what follows; 8-byte aligned
//   entry:     u16 kind (1 PTX, 2 cubin, 8 LTO IR), u16 0x0101, u32 header size (≥ 64), u64 payload size,
//              u32 compressed size, u32, u16 minor and u16 major (of PTX: the ISA's version), u32 architecture (80 =
//              sm_80) at 28, …, u64 flags at 40: 0x2000 LZ4, 0x8000 zstd, 0x10000 LTO, 0x100000 "a", 0x200000 "f"
//
// Containers lie in the sections .nv_fatbin (loaded by the runtime) and __nv_relfatbin (what device linking left
// behind: its PTX and cubins are not loaded when there is an .nv_fatbin, so they say nothing about what will run), and
// in .data or .rodata where a library loads them itself: cuFFT of CUDA 12 has one in .nv_fatbin and 22,705 in .data,
// which cuobjdump does not list.
#pragma once

#include "generator/elf/compiled_for.hpp"
#include "generator/elf/device_code.hpp"
#include "generator/elf/elf.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tinderbox::elf {

// The device code of one library.
struct FatbinInfo {
    std::map<DeviceCode, std::uint32_t> code;  // of the fatbin sections → number of containers that have it
    std::map<DeviceCode, std::uint32_t> data;  // of other sections
    std::uint32_t containers = 0, entries = 0; // of both
    bool relocatable = false;                  // it has __nv_relfatbin only
    std::vector<DeviceCode> compiled_for;      // as a framework says of its own kernels (compiled_for.hpp)
    std::string problem;                       // the unreadable part of the fatbin sections; "" = all was readable
};

// Fed with a file's bytes in order. Its memory is bounded for every input. Not thread-safe.
class FatbinScanner {
  public:
    explicit FatbinScanner(std::uint64_t file_size) : file_size_(file_size) {}
    void feed(ByteView bytes);

    // After the last byte. `sections` as the ELF headers name them; empty when there are none: every container counts.
    // nullopt: no device code.
    std::optional<FatbinInfo> result(const std::vector<ElfSection>& sections) const;

  private:
    struct Container {
        std::uint64_t begin = 0, end = 0;
        std::uint32_t codes = UINT32_MAX, entries = 0; // codes: index into code_sets_
        std::string problem;
    };
    enum class State : std::uint8_t { searching, magic, size, entry };

    bool take(ByteView& bytes, std::size_t size);
    void search(ByteView& bytes);
    void read_magic();
    void read_size();
    void read_entry();
    void end_container(std::string problem = {});

    const std::uint64_t file_size_;
    State state_ = State::searching;
    std::uint64_t position_ = 0;      // of the next byte fed
    std::uint64_t target_ = 0;        // what lies before it is skipped
    Bytes pending_;                   // a header, as far as it was fed
    CompiledForScanner compiled_for_; // is fed with what is in no container

    Container current_;
    std::vector<DeviceCode> current_codes_; // sorted, unique
    std::vector<Container> containers_;
    std::map<std::vector<DeviceCode>, std::uint32_t> set_index_;
    std::vector<std::vector<DeviceCode>> code_sets_;
};

// Of a whole file in memory; nullopt: no ELF file, or no device code in it.
std::optional<FatbinInfo> read_fatbins(ByteView file);

} // namespace tinderbox::elf
