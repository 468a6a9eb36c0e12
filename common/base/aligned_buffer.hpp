// Memory that O_DIRECT accepts.
#pragma once

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

class AlignedBuffer {
  public:
    AlignedBuffer() = default;
    explicit AlignedBuffer(std::size_t size)
        : data_(static_cast<std::byte*>(std::aligned_alloc(direct_alignment, round_up(size)))), size_(round_up(size)) {
        if (!data_) throw std::bad_alloc();
    }
    std::byte* data() { return data_.get(); }
    std::size_t size() const { return size_; }
    std::span<std::byte> span() { return {data_.get(), size_}; }

  private:
    struct Free {
        void operator()(std::byte* p) const { std::free(p); }
    };
    std::unique_ptr<std::byte, Free> data_;
    std::size_t size_ = 0;
};

} // namespace tinderbox
