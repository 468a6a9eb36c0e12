// Writes zip archives byte by byte, valid or with mistakes on purpose.
#pragma once

#include "common/base/file.hpp"

#include <libdeflate.h>

#include <functional>
#include <string>
#include <vector>

namespace tinderbox::test {

struct ZipItem {
    std::string name;
    std::string content;
    std::uint32_t mode = 0100644; // st_mode
    bool deflate = false;
    std::uint16_t flags = 1 << 11;
    std::uint16_t method = 0xffff; // 0xffff: chosen by `deflate`
    std::uint16_t date = (46 << 9) | (2 << 5) | 3, time = (4 << 11) | (5 << 5) | 3;
    // Fields of the local header that differ from the central one.
    std::string local_name{};
    std::optional<std::uint32_t> crc{}, size{}, local_crc{}, local_offset{};
};

inline Bytes deflated(std::string_view text) {
    auto* compressor = libdeflate_alloc_compressor(6);
    Bytes out(libdeflate_deflate_compress_bound(compressor, text.size()));
    out.resize(libdeflate_deflate_compress(compressor, text.data(), text.size(), out.data(), out.size()));
    libdeflate_free_compressor(compressor);
    return out;
}

inline Bytes build_zip(const std::vector<test::ZipItem>& items, std::string_view comment = "") {
    ByteWriter out, central;
    for (const test::ZipItem& item : items) {
        Bytes data = test::deflated(item.content);
        const bool deflate = item.deflate;
        if (!deflate) data.assign(as_bytes(item.content).begin(), as_bytes(item.content).end());
        const std::uint32_t crc = item.crc.value_or(libdeflate_crc32(0, item.content.data(), item.content.size()));
        const auto size = item.size.value_or(static_cast<std::uint32_t>(item.content.size()));
        const std::uint16_t method = item.method != 0xffff ? item.method : deflate ? 8 : 0;
        const auto offset = item.local_offset.value_or(static_cast<std::uint32_t>(out.size()));
        const std::string& local_name = item.local_name.empty() ? item.name : item.local_name;
        auto common = [&](ByteWriter& w, std::uint32_t c, std::string_view name) {
            w.u16(20), w.u16(item.flags), w.u16(method), w.u16(item.time), w.u16(item.date), w.u32(c);
            w.u32(static_cast<std::uint32_t>(data.size())), w.u32(size);
            w.u16(static_cast<std::uint16_t>(name.size())), w.u16(0);
        };
        out.u32(0x04034b50);
        common(out, item.local_crc.value_or(crc), local_name);
        out.bytes(as_bytes(local_name));
        out.bytes(data);
        central.u32(0x02014b50);
        central.u16((3 << 8) | 20);
        common(central, crc, item.name);
        central.u16(0), central.u16(0), central.u16(0);
        central.u32(item.mode << 16), central.u32(offset);
        central.bytes(as_bytes(item.name));
    }
    const auto start = static_cast<std::uint32_t>(out.size());
    const auto count = static_cast<std::uint16_t>(items.size());
    out.bytes(central.data());
    out.u32(0x06054b50), out.u16(0), out.u16(0), out.u16(count), out.u16(count);
    out.u32(static_cast<std::uint32_t>(central.size())), out.u32(start);
    out.u16(static_cast<std::uint16_t>(comment.size()));
    out.bytes(as_bytes(comment));
    return out.take();
}

} // namespace tinderbox::test
