// Finds a framework's own word for the GPUs that its kernels were compiled for. Fatbins alone do not tell whose code
// they hold: torch 1.11.0 links cuDNN, whose 516 fatbins with sm_35 stand beside 271 of its own without.
//
// The word is the list of options that a build of torch hands to nvcc for each of its sources, as CMake joins lists:
//
//   -gencode;arch=compute_37,code=sm_37;-gencode;arch=compute_70,code=compute_70
//
// torch keeps it as a C string to show it (torch.__config__.show, "NVCC architecture flags"). Source: PyTorch, the
// function showConfig of ATen's CUDAHooks, which writes NVCC_FLAGS_EXTRA of its CMake files. Compilers and libraries
// that are linked write options with spaces. docs/measured/cuda-wheels.md has the wheels that were looked at.
#pragma once

#include "common/base/bytes.hpp"
#include "generator/elf/device_code.hpp"

#include <string>
#include <vector>

namespace tinderbox::elf {

// Fed with a library's bytes in order, in pieces of any size. Its memory is bounded for every input. Not thread-safe.
class CompiledForScanner {
  public:
    void feed(ByteView bytes);
    // The next bytes do not follow the last ones: no word reaches over the gap.
    void skip() {
        kept_.clear();
        inside_ = false;
    }

    // Sorted, unique; of several words all. Empty: the library does not say. A C string that
    // is not wholly of the form above is no word.
    const std::vector<DeviceCode>& codes() const { return codes_; }

  private:
    void end_word();

    std::string kept_;    // the end of the last piece that may be the begin of a word; a word, as far as it was fed
    bool inside_ = false; // kept_ is a word
    std::vector<DeviceCode> codes_;
};

} // namespace tinderbox::elf
