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

// O_DIRECT needs addresses, offsets and lengths that are multiples of this. 512 is enough for many devices, 4096 for
// all known ones.
inline constexpr std::size_t direct_alignment = 4096;

inline constexpr std::uint64_t round_down(std::uint64_t n) { return n & ~std::uint64_t{direct_alignment - 1}; }
inline constexpr std::uint64_t round_up(std::uint64_t n) { return round_down(n + direct_alignment - 1); }

// A buffer of at least 2 MiB asks for huge pages. With O_DIRECT the kernel pins every page of every request; pinning
// one huge page takes a tenth of the time of 512 small ones. Throws std::bad_alloc.
class AlignedBuffer {
  public:
    AlignedBuffer() = default;
    explicit AlignedBuffer(std::size_t size) : size_(round_up(size)) {
        const bool huge = size_ >= huge_page;
        void* memory = nullptr;
        // Not aligned_alloc(): it may refuse a size that is not a multiple of the alignment, and sanitizers do.
        if (::posix_memalign(&memory, huge ? huge_page : direct_alignment, size_) != 0) throw std::bad_alloc();
        data_.reset(static_cast<std::byte*>(memory));
        // Whole huge pages only: a rest would count as memory in use. A kernel without huge pages ignores the advice.
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
