// Bounds-checked little-endian reading and writing. All binary formats are read and written through these classes.
// An object belongs to one thread at a time; a ByteReader does not own its bytes.
#pragma once

#include "common/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// Reads integers from a view. After the first read past the end every further read yields zero or an
// empty view and ok() is false: check once after a record instead of after every field.
class ByteReader {
  public:
    explicit ByteReader(ByteView bytes) : bytes_(bytes) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(integer(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(integer(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
    std::uint64_t u64() { return integer(8); }
    std::int64_t i64() { return static_cast<std::int64_t>(integer(8)); }
    // LEB128, at most 64 bits.
    std::uint64_t varint();
    ByteView bytes(std::uint64_t count);
    // A varint length, then that many bytes.
    std::string_view string();
    void skip(std::uint64_t count) { bytes(count); }
    void seek(std::uint64_t position);

    std::size_t position() const { return position_; }
    std::size_t remaining() const { return bytes_.size() - position_; }
    bool ok() const { return ok_; }
    void fail() {
        ok_ = false;
        position_ = bytes_.size();
    }

  private:
    std::uint64_t integer(std::size_t width);
    ByteView bytes_;
    std::size_t position_ = 0;
    bool ok_ = true;
};

class ByteWriter {
  public:
    void u8(std::uint8_t v) { integer(v, 1); }
    void u16(std::uint16_t v) { integer(v, 2); }
    void u32(std::uint32_t v) { integer(v, 4); }
    void u64(std::uint64_t v) { integer(v, 8); }
    void i64(std::int64_t v) { integer(static_cast<std::uint64_t>(v), 8); }
    void varint(std::uint64_t v);
    void bytes(ByteView v) { out_.insert(out_.end(), v.begin(), v.end()); }
    void string(std::string_view v) {
        varint(v.size());
        bytes(as_bytes(v));
    }
    std::size_t size() const { return out_.size(); }
    const Bytes& data() const { return out_; }
    Bytes take() { return std::move(out_); }

  private:
    void integer(std::uint64_t v, std::size_t width);
    Bytes out_;
};

} // namespace tinderbox
