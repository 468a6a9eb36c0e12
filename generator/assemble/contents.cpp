#include "generator/assemble/contents.hpp"

#include "common/format/run_file.hpp"

#include <fcntl.h>

namespace tinderbox::assemble {

Result<const Bytes*> ContentReader::block(std::uint32_t index) {
    if (index == held_) return &raw_;
    if (!fd_) {
        TRY_ASSIGN(fd_, open_file(parcel_.payload_path, O_RDONLY));
    }
    const format::Block& block = parcel_.table.blocks[index];
    Bytes packed(block.packed);
    TRY(read_exact_at(fd_.get(), packed, block.offset, parcel_.payload_path.string()));
    held_ = UINT32_MAX;
    raw_.resize(block.raw);
    TRY(format::unpack_block(block, packed, raw_).in(parcel_.payload_path.string()));
    held_ = index;
    return &raw_;
}

Result<Bytes> ContentReader::read(const format::Content& content) {
    Bytes out;
    out.reserve(content.size);
    std::uint32_t index = content.block;
    std::size_t offset = content.offset;
    while (out.size() < content.size) {
        TRY_ASSIGN(const Bytes* raw, block(index++));
        std::size_t take = std::min<std::size_t>(raw->size() - offset, content.size - out.size());
        auto from = raw->begin() + static_cast<std::ptrdiff_t>(offset);
        out.insert(out.end(), from, from + static_cast<std::ptrdiff_t>(take));
        offset = 0;
    }
    return out;
}

} // namespace tinderbox::assemble
