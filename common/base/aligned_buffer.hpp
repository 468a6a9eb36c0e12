// Memory that O_DIRECT accepts.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>

namespace tinderbox {

// What O_DIRECT asks of addresses, offsets and lengths. 512 is enough for many devices, 4096 for all we know.
inline constexpr std::size_t direct_alignment = 4096;

inline constexpr std::uint64_t round_down(std::uint64_t n) { return n & ~std::uint64_t{direct_alignment - 1}; }
inline constexpr std::uint64_t round_up(std::uint64_t n) { return round_down(n + direct_alignment - 1); }

// A buffer of at least 2 MiB asks for huge pages: with O_DIRECT the kernel pins every page of every request, and one
// page instead of 512 costs it a tenth of the time.
class AlignedBuffer {
  public:
    AlignedBuffer() = default;
    explicit AlignedBuffer(std::size_t size) : size_(round_up(size)) {
        const bool huge = size_ >= huge_page;
        void* memory = nullptr;
        // Not aligned_alloc(): the standard has it refuse a size that is no multiple of the alignment, and sanitizers
        // do.
        if (::posix_memalign(&memory, huge ? huge_page : direct_alignment, size_) != 0) throw std::bad_alloc();
        data_.reset(static_cast<std::byte*>(memory));
        // Only whole huge pages: the rest would count as memory in use. Advice; a kernel without them ignores it.
        if (huge) (void)::madvise(data_.get(), size_ / huge_page * huge_page, MADV_HUGEPAGE);
    }
    std::byte* data() { return data_.get(); }
    std::size_t size() const { return size_; }
    std::span<std::byte> span() { return {data_.get(), size_}; }

  private:
    static constexpr std::size_t huge_page = std::size_t{2} << 20;
    struct Free {
        void operator()(std::byte* p) const { std::free(p); }
    };
    std::unique_ptr<std::byte, Free> data_;
    std::size_t size_ = 0;
};

} // namespace tinderbox
